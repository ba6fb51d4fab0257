package closure

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// Visits is what closures ask of appointments.
type Visits interface {
	Standing(ctx context.Context, visit clinic.Ref) (appointment.Appointment, error)
	Displace(ctx context.Context, a access.Actor, in appointment.Displace) (done bool, err error)
}

// Openings finds other times.
type Openings interface {
	OpeningsFor(ctx context.Context, a access.Actor, q availability.Search, patient uuid.UUID, limit int) ([]availability.Slot, error)
}

// Offers asks patients whether another time suits.
type Offers interface {
	Asked(ctx context.Context, ap appointment.Appointment, within time.Duration) (span waitlist.Span, ok bool, err error)
	AskDisplaced(ctx context.Context, in waitlist.Ask) (appointment.Answer, error)
}

// Directory looks up what can be closed.
type Directory interface {
	Organizations(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]clinic.Organization, error)
	Locations(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]clinic.Location, error)
}

// Providers looks up whom.
type Providers interface {
	Providers(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]provider.Provider, error)
}

// Service is what can be done with closures.
type Service struct {
	Store     Store
	Visits    Visits
	Openings  Openings
	Offers    Offers
	Clinic    Directory
	Providers Providers
	clinic.Source
}

// Preview is the question which visits closing a period would displace: those ahead that meet it, if only in part, where it is closed. With Arrived
// it asks for those whose patient is there already, who are never moved.
func (s *Service) Preview(ctx context.Context, a access.Actor, in Preview) (appointment.Filter, error) {
	if err := s.known(ctx, a, in.Scope, access.SchedulesWrite, access.AppointmentsRead); err != nil {
		return appointment.Filter{}, err
	}
	var check form.Check
	period(&check, in.From, in.To)
	if err := check.Err(); err != nil {
		return appointment.Filter{}, err
	}
	f, err := s.affected(ctx, in.Scope, Closure{From: in.From, To: in.To, CreatedAt: s.Clock.Now()})
	if in.Arrived {
		f.Statuses, f.From = []appointment.Status{appointment.Arrived, appointment.CheckedIn}, f.From.Add(-clinic.MaxOccupied)
	}
	return f, err
}

// affected are the visits ahead that a closure displaces.
func (s *Service) affected(ctx context.Context, of Scope, c Closure) (appointment.Filter, error) {
	f := appointment.Filter{
		Organization: of.Organization, Provider: of.Provider, Location: of.Location, From: c.CreatedAt,
		Statuses: []appointment.Status{appointment.Booked, appointment.Pending},
	}
	zones, err := s.Store.Zones(ctx, of.Organization)
	if err == nil {
		f.Meets, err = spans(zones, c.From, c.To)
	}
	return f, err
}

// known fails for who lacks a scope where something is to be closed, and when that doesn't exist.
func (s *Service) known(ctx context.Context, a access.Actor, of Scope, scopes ...string) error {
	what, field := "organisation", "organizationId"
	switch {
	case of.Provider != uuid.Nil:
		what, field = "provider", "providerId"
	case of.Location != uuid.Nil:
		what, field = "location", "locationId"
	}
	for _, scope := range scopes {
		if err := a.Need(scope, of.Organization, what, "scope", field); err != nil {
			return err
		}
	}
	there, err := s.exists(ctx, of)
	if err == nil && !there {
		err = errs.Missing(what, "scope", field)
	}
	return err
}

func (s *Service) exists(ctx context.Context, of Scope) (ok bool, err error) {
	switch {
	case of.Provider != uuid.Nil:
		ref := of.ref(of.Provider)
		found, err := s.Providers.Providers(ctx, []clinic.Ref{ref})
		_, ok = found[ref]
		return ok, err
	case of.Location != uuid.Nil:
		ref := of.ref(of.Location)
		found, err := s.Clinic.Locations(ctx, []clinic.Ref{ref})
		_, ok = found[ref]
		return ok, err
	}
	found, err := s.Clinic.Organizations(ctx, []uuid.UUID{of.Organization})
	_, ok = found[of.Organization]
	return ok, err
}

// Close closes a period, once for each key, and has those affected rebooked.
func (s *Service) Close(ctx context.Context, a access.Actor, in Close) (Closure, error) {
	if err := s.known(ctx, a, in.Scope, access.SchedulesWrite, access.AppointmentsWrite); err != nil {
		return Closure{}, err
	}
	c, err := in.closure()
	if err != nil {
		return Closure{}, err
	}
	once, err := clinic.NewOnce(in.Key, "closePeriod", in)
	if err != nil {
		return Closure{}, err
	}
	by := s.Stamp(a)
	c.ID, c.CreatedAt, c.CreatedBy = s.NewID(), by.At, a.ID
	if c.State == Done {
		c.FinishedAt = &by.At
	}
	id, err := s.Store.Close(ctx, by, once, c, s.NewID)
	if err != nil {
		return Closure{}, err
	}
	return s.find(ctx, clinic.Ref{Organization: c.Organization, ID: id}, "idempotencyKey")
}

// Pause has a closure begin with no further visit. One that doesn't run stays as it is.
func (s *Service) Pause(ctx context.Context, a access.Actor, ref clinic.Ref) (Closure, error) {
	return s.turn(ctx, a, ref, Running, Paused)
}

// Resume has a paused closure go on. One that isn't paused stays as it is.
func (s *Service) Resume(ctx context.Context, a access.Actor, ref clinic.Ref) (Closure, error) {
	return s.turn(ctx, a, ref, Paused, Running)
}

func (s *Service) turn(ctx context.Context, a access.Actor, ref clinic.Ref, from, to State) (Closure, error) {
	for _, scope := range []string{access.SchedulesWrite, access.AppointmentsWrite} {
		if err := a.Need(scope, ref.Organization, "closure", "closureId"); err != nil {
			return Closure{}, err
		}
	}
	c, err := s.find(ctx, ref, "closureId")
	if err != nil || c.State != from {
		return c, err
	}
	if _, err := s.Store.SetState(ctx, s.Stamp(a), ref, from, to); err != nil {
		return c, err
	}
	return s.find(ctx, ref, "closureId")
}

func (s *Service) find(ctx context.Context, ref clinic.Ref, path ...string) (Closure, error) {
	found, err := s.Store.Closures(ctx, []clinic.Ref{ref})
	c, ok := found[ref]
	if err == nil && !ok {
		err = errs.Missing("closure", path...)
	}
	return c, err
}
