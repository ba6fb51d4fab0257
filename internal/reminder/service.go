package reminder

import (
	"context"
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Writer puts messages into words.
type Writer interface {
	// Write fails with Unwritable.
	Write(c ChannelKind, k Kind, f Facts) (subject, text, html string, err error)
}

// Unwritable reports a message that can't be put into words.
type Unwritable struct{ Cause Cause }

func (u Unwritable) Error() string { return "the message can't be written: " + string(u.Cause) }

// Alert is something that a person ought to know of soon.
type Alert struct {
	State   State // of the message: Unknown, Expired or Failed; Suppressed, if it is over a limit
	Grave   bool  // nobody has reached the patient, and no other channel is about to
	Message clinic.Ref
	Channel ChannelKind
	Cause   Cause
	Trace   string
}

// Config is what the service works with.
type Config struct {
	Store    Store
	Source   clinic.Source
	Channels []Channel
	Writer   Writer
	Timing   Timing
	Law      Law
	Limits   Limits
	Alert    func(Alert)
	Rest     func(context.Context, time.Duration) error // waits
	Links    func(clinic.Ref) Links                     // of e-mails; nil: they have none
}

// Service plans, queues and sends messages. Every method may be called by several processes at once.
type Service struct {
	store    Store
	source   clinic.Source
	channels map[ChannelKind]Channel
	writer   Writer
	how      concluding
	limits   Limits
	alert    func(Alert)
	rest     func(context.Context, time.Duration) error
	links    func(clinic.Ref) Links
}

// NewService makes one. A channel that is missing suppresses its messages.
func NewService(c Config) *Service {
	s := &Service{
		store: c.Store, source: c.Source, channels: map[ChannelKind]Channel{}, writer: c.Writer, how: concluding{c.Timing, c.Law}, limits: c.Limits,
		alert: c.Alert, rest: c.Rest, links: c.Links,
	}
	for _, channel := range c.Channels {
		s.channels[channel.Kind()] = channel
	}
	return s
}

func (s *Service) now() time.Time { return s.source.Clock.Now() }

// lost tells of a message that its channel may not have brought to anybody. That is grave if no other one brings it; of one that failed only if
// another is unclear: that nobody can be reached by what a patient gave is an everyday thing.
func (s *Service) lost(ctx context.Context, m Message, state State, cause Cause) {
	others, err := s.store.Others(context.WithoutCancel(ctx), m)
	s.warn(m, state, cause, err != nil || !others.Hope && (state == Unknown || others.Unclear))
}

func (s *Service) warn(m Message, state State, cause Cause, grave bool) {
	s.alert(Alert{State: state, Grave: grave, Message: m.Ref(), Channel: m.Channel, Cause: cause, Trace: m.Trace})
}
