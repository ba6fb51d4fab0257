package provider

import (
	"context"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// WeeklyHours answers the weekly hours in force on a local day; nil means today, in the location's zone.
func (s *Service) WeeklyHours(ctx context.Context, actor access.Actor, provider, location clinic.Ref, on *civil.Date) ([]WeeklyHours, error) {
	_, l, err := s.desk(ctx, actor, access.SchedulesRead, provider, location)
	if err != nil {
		return nil, err
	}
	if on == nil {
		zone, err := clock.Zone(l.TimeZone)
		if err != nil {
			return nil, errs.Bug("zone of a location", err)
		}
		today := clock.Local(s.source.Clock.Now(), zone).Date
		on = &today
	}
	var check form.Check
	check.Date(*on, "on")
	if err := check.Err(); err != nil {
		return nil, err
	}
	schedule, _, err := s.store.ScheduleInForce(ctx, deskOf(provider, location), *on)
	return schedule.Weekly, err
}

// ListExceptions pages through the exceptions that a provider's hours follow from and that meet [from, to), by their
// beginning. The keys of its window are the beginning and the id.
func (s *Service) ListExceptions(ctx context.Context, actor access.Actor, provider clinic.Ref, from, to time.Time, w paging.Window) (paging.Page[Exception], error) {
	periods, err := s.periods(ctx, actor, provider, from, to)
	if err != nil {
		return paging.Page[Exception]{}, err
	}
	return s.store.ListExceptions(ctx, provider, periods, w)
}

// CountExceptions counts what ListExceptions lists, up to paging.MaxCount.
func (s *Service) CountExceptions(ctx context.Context, actor access.Actor, provider clinic.Ref, from, to time.Time) (int, error) {
	periods, err := s.periods(ctx, actor, provider, from, to)
	if err != nil {
		return 0, err
	}
	return s.store.CountExceptions(ctx, provider, periods)
}

// periods says what [from, to) is on the wall clocks of a provider's locations, and last, for exceptions of all locations,
// on any of them.
func (s *Service) periods(ctx context.Context, actor access.Actor, provider clinic.Ref, from, to time.Time) ([]Period, error) {
	if _, err := s.own(ctx, actor, access.SchedulesRead, provider); err != nil {
		return nil, err
	}
	var check form.Check
	check.That(from.Before(to), "This is not after the beginning.", "to")
	check.That(!to.After(from.AddDate(maxExceptionYears, 0, 0)), "At most 10 years.", "to")
	check.Date(civil.DateOf(from.UTC()), "from")
	check.Date(civil.DateOf(to.UTC()), "to")
	if err := check.Err(); err != nil {
		return nil, err
	}
	zones, err := s.store.Zones(ctx, provider)
	if err != nil {
		return nil, err
	}
	var periods []Period
	for location, name := range zones {
		zone, err := clock.Zone(name)
		if err != nil {
			return nil, errs.Bug("zone of a location", err)
		}
		periods = append(periods, Period{Location: location, From: clock.Local(from, zone), To: clock.Local(to, zone)})
	}
	if len(periods) == 0 {
		return []Period{{From: civil.DateTimeOf(from.UTC()), To: civil.DateTimeOf(to.UTC())}}, nil
	}
	return append(periods, spanOf(periods)), nil
}
