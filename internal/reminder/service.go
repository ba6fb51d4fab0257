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
	State   State // of the message: Unknown, Expired or Failed
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
	alert    func(Alert)
	rest     func(context.Context, time.Duration) error
	links    func(clinic.Ref) Links
}

// NewService makes one. A channel that is missing suppresses its messages.
func NewService(c Config) *Service {
	s := &Service{
		store: c.Store, source: c.Source, channels: map[ChannelKind]Channel{}, writer: c.Writer, how: concluding{c.Timing, c.Law}, alert: c.Alert, rest: c.Rest,
		links: c.Links,
	}
	for _, channel := range c.Channels {
		s.channels[channel.Kind()] = channel
	}
	return s
}

func (s *Service) now() time.Time { return s.source.Clock.Now() }

// warn tells of a message that nobody may have got.
func (s *Service) warn(m Message, state State, cause Cause) {
	s.alert(Alert{State: state, Message: m.Ref(), Channel: m.Channel, Cause: cause, Trace: m.Trace})
}
