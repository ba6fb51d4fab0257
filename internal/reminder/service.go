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
	State   State // of the message: Unknown, Expired or Failed; Suppressed, if it is over a limit, or if that is grave
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

// lost tells of a message that its channel may not have brought to anybody. That one isn't sent on purpose is told if it is grave, or over a limit.
func (s *Service) lost(ctx context.Context, m Message, state State, cause Cause) {
	others, err := s.store.Others(context.WithoutCancel(ctx), m)
	grave := err != nil || !others.Hope && serious(m, state, cause, others)
	if grave || state != Suppressed || cause == LimitReached {
		s.warn(m, state, cause, grave)
	}
}

// serious says whether it is grave that no channel brings what a message tells. That nobody can be reached by what a patient gave is an everyday thing,
// but not that nobody knows whether they were, or that news of a visit is held back by our own limits.
func serious(m Message, state State, cause Cause, o Others) bool {
	news := m.Kind == Change || m.Kind == Cancellation
	return state == Unknown || o.Unclear || news && (cause == LimitReached || o.Limited)
}

func (s *Service) warn(m Message, state State, cause Cause, grave bool) {
	s.alert(Alert{State: state, Grave: grave, Message: m.Ref(), Channel: m.Channel, Cause: cause, Trace: m.Trace})
}
