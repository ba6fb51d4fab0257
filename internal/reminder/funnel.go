package reminder

import (
	"context"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// FunnelQuery asks how an organisation's messages did. Empty fields do not narrow.
type FunnelQuery struct {
	From, To civil.Date // local days of the places of the visits, both inclusive
	Channel  ChannelKind
	Kind     Kind
	Location *clinic.Ref
}

// MaxFunnelDays of a funnel.
const MaxFunnelDays = 92

// OnTime is how long after its time a message may be delivered.
const OnTime = 30 * time.Minute

// Funnel counts messages along their way: each stage those that came as far, whatever came of them later.
type Funnel struct {
	Scheduled, Queued, Sent, Delivered, Responded, Confirmed int
	Failed, Suppressed                                       int
	NoShowRate                                               *float64 // of the visits in the period; nil: none has been held or missed
	Hours                                                    []FunnelHour
	Causes                                                   []FunnelCause
}

// FunnelHour counts messages of an hour of their time.
type FunnelHour struct {
	Hour                         time.Time // its start, UTC
	Scheduled, Delivered, OnTime int
}

// FunnelCause counts messages that nobody got, or perhaps nobody.
type FunnelCause struct {
	State State // Failed, Suppressed, Expired or Unknown
	Cause Cause
	Count int
}

// Funnel answers how messages did, to the organisation's staff.
func (l *Ledger) Funnel(ctx context.Context, a access.Actor, q FunnelQuery) (Funnel, error) {
	var asked uuid.UUID
	if q.Location != nil {
		asked = q.Location.Organization
	}
	organization, err := a.OwnOrganization(asked, "where")
	if err == nil {
		err = a.Need(access.RemindersRead, organization, "location", "where", "locationId")
	}
	if err == nil {
		err = q.check()
	}
	if err != nil {
		return Funnel{}, err
	}
	f, err := l.store.Funnel(ctx, organization, q)
	return f, errs.Under(err, "where")
}

func (q FunnelQuery) check() error {
	var check form.Check
	check.Date(q.From, "where", "from")
	check.Date(q.To, "where", "to")
	check.That(!q.To.Before(q.From), "The period ends before it starts.", "where", "to")
	check.That(q.To.DaysSince(q.From) < MaxFunnelDays, "A period has at most 92 days.", "where", "to")
	return check.Err()
}
