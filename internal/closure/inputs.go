package closure

import (
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Preview asks who would be affected by closing a period.
type Preview struct {
	Scope    Scope
	From, To civil.DateTime
	Arrived  bool // those who are there already, who are never moved, in place of those who would be
}

// Close asks for a period to be closed, and for those affected to be rebooked.
type Close struct {
	Scope    Scope
	From, To civil.DateTime
	Reason   *string
	Rebook   RebookInput
	Key      string
}

// RebookInput says how those affected are rebooked. What is nil is as usual.
type RebookInput struct {
	Mode         Mode
	Within       *time.Duration
	SameProvider bool
	Otherwise    *Otherwise
	AnswerWithin *time.Duration `json:",omitempty"`
}

// Filter narrows a list of closures. Zero fields do not narrow.
type Filter struct {
	Organization uuid.UUID
	State        *State
}

// period checks a wall-clock period.
func period(check *form.Check, from, to civil.DateTime) {
	check.Minute(from, "from")
	check.Minute(to, "to")
	check.That(from.Before(to), "This is not after the beginning.", "to")
	check.That(!to.After(civil.DateTime{Date: from.Date.AddDays(MaxDays), Time: from.Time}), "At most 31 days.", "to")
}

// closure is what the input says once it is checked, and once its scope is known to be.
func (in Close) closure() (Closure, error) {
	var check form.Check
	period(&check, in.From, in.To)
	c := Closure{Scope: in.Scope, From: in.From, To: in.To, Reason: check.OptionalText(in.Reason, form.MaxText, "reason"), State: Running}
	c.Rebook = Rebook{Mode: in.Rebook.Mode, SameProvider: in.Rebook.SameProvider, Otherwise: CancelIt}
	c.Rebook.Within = check.Duration(in.Rebook.Within, defaultWithin, reaches, "rebook", "within")
	if in.Rebook.Otherwise != nil {
		c.Rebook.Otherwise = *in.Rebook.Otherwise
	}
	if c.Rebook.Mode == Offer {
		c.Rebook.AnswerWithin = check.Duration(in.Rebook.AnswerWithin, defaultAnswer, answers, "rebook", "answerWithin")
	} else {
		check.That(in.Rebook.AnswerWithin == nil, "Nobody is asked.", "rebook", "answerWithin")
	}
	if c.Rebook.Mode == None {
		c.State, c.Listed = Done, true
	}
	return c, check.Err()
}

// spans are when a wall-clock period is, by the zones of an organisation's locations.
func spans(zones []string, from, to civil.DateTime) ([]appointment.ZonedSpan, error) {
	list := make([]appointment.ZonedSpan, len(zones))
	for i, name := range zones {
		zone, err := clock.Zone(name)
		if err != nil {
			return nil, errs.Bug("zone of a location", err)
		}
		list[i] = appointment.ZonedSpan{Zone: name, Span: availability.Span{Start: clock.Instant(from, zone), End: clock.Instant(to, zone)}}
	}
	return list, nil
}

// ref names a thing of the scope's organisation.
func (s Scope) ref(id uuid.UUID) clinic.Ref { return clinic.Ref{Organization: s.Organization, ID: id} }
