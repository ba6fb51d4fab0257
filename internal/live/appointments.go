package live

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Visits shows appointments to whoever may see them.
type Visits interface {
	// MayFollow fails as a list of the appointments would that somebody wants to follow: those of the caller's organisation, or
	// with a provider. What is wrong with the provider is said at "providerId".
	MayFollow(ctx context.Context, a access.Actor, provider *clinic.Ref) error
	// Appointments answers those that the caller may see, as they may see them.
	Appointments(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]appointment.Appointment, error)
	Concerned
}

// Appointments makes a stream of the appointments of the caller's organisation that they may see; with a provider, of those with that
// one, and of those that are moved to or from that one.
func (s Streams) Appointments(ctx context.Context, a access.Actor, provider *clinic.Ref, after *string) (Stream, error) {
	if err := s.Visits.MayFollow(ctx, a, provider); err != nil {
		return nil, err
	}
	of := Interest{Organizations: []uuid.UUID{a.Organization}}
	if provider != nil {
		of = Interest{Providers: []clinic.Ref{*provider}}
	}
	return begin(s, of, after, agenda{a, provider, s.Visits, s.Concerns}, 1)
}

// agenda tells of appointments. What is noted of each is the last position at which it changed.
type agenda struct {
	actor    access.Actor
	provider *clinic.Ref // nil: whoever they are with
	visits   Visits
	concerns *Concerns
}

func (g agenda) note(pending *Pending[clinic.Ref, int64], e Entry) {
	if e.Appointment == uuid.Nil {
		return
	}
	ref := e.AppointmentRef()
	if g.actor.ActsForOthers() {
		g.concerns.expect(ref, e.Position)
	}
	pending.Put(ref, e.Position, func(last *int64) { *last = max(*last, e.Position) })
}

// tell looks at an appointment with rights that are found out anew, unless it is nobody's whom the caller acts for: with many
// patients who each follow their own, that is so for all but one.
func (g agenda) tell(ctx context.Context, things []Told[clinic.Ref, int64], at Place) (Event, error) {
	ref := things[0].Thing
	if g.actor.ActsForOthers() {
		c, err := g.concerns.of(ctx, ref, things[0].Value)
		if err != nil || !c.Of(g.actor) {
			return nil, err
		}
	}
	to := g.actor.Anew()
	found, err := g.visits.Appointments(ctx, to, []clinic.Ref{ref})
	ap, ok := found[ref]
	if err != nil || !ok {
		return nil, err
	}
	return AppointmentChanged{at, ap, to}, nil
}

// narrow implements narrower: who acts for patients reads the entries of these patients' appointments, however much else the clinic
// has written. With very many of their own they look through what everybody else does.
func (g agenda) narrow(ctx context.Context, of Interest) (Interest, error) {
	if !g.actor.ActsForOthers() {
		return of, nil
	}
	own, all, err := g.visits.Concerning(ctx, g.actor, mostConcerning)
	if err != nil || !all {
		return of, err
	}
	return Interest{Appointments: own}, nil
}

// sift implements sifter. What was narrowed holds entries with other providers, too.
func (g agenda) sift(ctx context.Context, entries []Entry) ([]Entry, error) {
	if !g.actor.ActsForOthers() {
		return entries, nil
	}
	if g.provider != nil {
		entries = slices.DeleteFunc(entries, func(e Entry) bool { return e.ProviderRef() != *g.provider })
	}
	return sifted(ctx, g.visits, g.actor, entries, Entry.AppointmentRef)
}

func (agenda) pass(context.Context, *Pending[clinic.Ref, int64], time.Time, time.Time) (time.Time, error) {
	return time.Time{}, nil
}
