package live

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Visits shows appointments to whoever may see them.
type Visits interface {
	Appointments(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]appointment.Appointment, error)
}

// Appointments makes a stream of the appointments of the caller's organisation that they may see; with a provider, of that one's.
func (s Streams) Appointments(_ context.Context, a access.Actor, provider *clinic.Ref, after *string) (Stream, error) {
	of := Interest{Organizations: []uuid.UUID{a.Organization}}
	if provider != nil {
		of = Interest{Providers: []clinic.Ref{*provider}}
	}
	return begin(s, of, after, agenda{a, s.Visits}, 1)
}

// agenda tells of appointments.
type agenda struct {
	actor  access.Actor
	visits Visits
}

func (agenda) note(pending *Pending[clinic.Ref, struct{}], e Entry) {
	if e.Appointment != uuid.Nil {
		pending.Put(clinic.Ref{Organization: e.Organization, ID: e.Appointment}, e.Position, func(*struct{}) {})
	}
}

func (g agenda) tell(ctx context.Context, things []Told[clinic.Ref, struct{}], at Place) (Event, error) {
	found, err := g.visits.Appointments(ctx, g.actor, []clinic.Ref{things[0].Thing})
	ap, ok := found[things[0].Thing]
	if err != nil || !ok {
		return nil, err
	}
	return AppointmentChanged{at, ap}, nil
}

func (agenda) pass(context.Context, *Pending[clinic.Ref, struct{}], time.Time, time.Time) (time.Time, error) {
	return time.Time{}, nil
}
