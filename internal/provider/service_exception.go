package provider

import (
	"context"
	"slices"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// AddException adds time off or extra hours, once for each key. Of what repeats it answers the first time.
func (s *Service) AddException(ctx context.Context, actor access.Actor, in AddException) (Exception, error) {
	if err := s.mayAdd(ctx, actor, in); err != nil {
		return Exception{}, err
	}
	e, err := in.exception()
	if err != nil {
		return Exception{}, err
	}
	once, err := clinic.NewOnce(in.Key, "addScheduleException", e)
	if err != nil {
		return Exception{}, err
	}
	return s.store.AddExceptions(ctx, s.source.Stamp(actor), once, e.times(s.source.NewID))
}

func (s *Service) mayAdd(ctx context.Context, actor access.Actor, in AddException) (err error) {
	switch {
	case in.Provider != nil && in.Location != nil:
		_, _, err = s.desk(ctx, actor, access.SchedulesWrite, *in.Provider, *in.Location)
	case in.Provider != nil:
		_, err = s.own(ctx, actor, access.SchedulesWrite, *in.Provider)
	case in.Location != nil:
		if err := actor.Need(access.SchedulesWrite, in.Location.Organization, "location", "locationId"); err != nil {
			return err
		}
		_, err = s.location(ctx, in.Location.Organization, *in.Location)
	case actor.Kind == access.Anonymous:
		return errs.SignIn("Sign in to do this.")
	default:
		return errs.Invalid("Name a provider, a location or both.", "providerId")
	}
	return err
}

// RemoveException takes an exception back, and of what it repeats with as much as the part says. It answers which were taken back,
// by their beginning.
func (s *Service) RemoveException(ctx context.Context, actor access.Actor, exception clinic.Ref, part Part) ([]clinic.Ref, error) {
	if err := actor.Need(access.SchedulesWrite, exception.Organization, "exception", "exceptionId"); err != nil {
		return nil, err
	}
	return s.store.RemoveException(ctx, s.source.Stamp(actor), exception, part)
}

// openingsAtOnce keeps the transactions of an import short.
const openingsAtOnce = 500

// PutOpenings opens the windows of a published timetable beyond a provider's weekly hours at a location, and answers how
// many are new or changed. A window is found again by its key; one that is not among them stays. Putting the same windows
// again writes nothing. Each batch of 500 commits by itself.
func (s *Service) PutOpenings(ctx context.Context, actor access.Actor, provider, location clinic.Ref, windows []OpenWindow) (int, error) {
	if _, _, err := s.desk(ctx, actor, access.SchedulesWrite, provider, location); err != nil {
		return 0, err
	}
	list, err := openings(provider, location, windows)
	if err != nil {
		return 0, err
	}
	changed := 0
	for batch := range slices.Chunk(list, openingsAtOnce) {
		n, err := s.store.PutOpenings(ctx, s.source.Stamp(actor), deskOf(provider, location), batch)
		changed += n
		if err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// Exceptions answers those that exist in organisations whose schedules the actor may read.
func (s *Service) Exceptions(ctx context.Context, actor access.Actor, refs []clinic.Ref) (map[clinic.Ref]Exception, error) {
	visible := slices.DeleteFunc(slices.Clone(refs), func(r clinic.Ref) bool {
		return !actor.In(r.Organization) || !actor.Has(access.SchedulesRead)
	})
	if len(visible) == 0 {
		return map[clinic.Ref]Exception{}, nil
	}
	return s.store.Exceptions(ctx, visible)
}

// spanOf is the smallest span of wall clocks that holds all of the periods.
func spanOf(periods []Period) Period {
	whole := Period{From: periods[0].From, To: periods[0].To}
	for _, p := range periods[1:] {
		if p.From.Before(whole.From) {
			whole.From = p.From
		}
		if p.To.After(whole.To) {
			whole.To = p.To
		}
	}
	return whole
}
