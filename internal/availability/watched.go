package availability

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// Watched narrows what is followed as it changes: to desks, and to slots of theirs.
type Watched struct {
	Asking Asking     // on top of who asks: the appointment that is being moved
	Moving clinic.Ref // the same, named; zero: none

	finder   *Finder
	wanted   Wanted
	query    Query
	from, to *time.Time // visits that start in [from, to)
	ahead    time.Duration
}

// Watch checks a search that is to be followed. Faults are at its fields.
func (f *Finder) Watch(ctx context.Context, a access.Actor, q Search) (*Watched, error) {
	h, err := f.hunt(ctx, a, q, Soonest)
	if err != nil {
		return nil, err
	}
	w := &Watched{Asking: Asking{Moving: h.query.Asking.Moving}, Moving: h.moving, finder: f, wanted: h.wanted, query: h.query, from: q.From, to: q.To}
	switch {
	case w.to != nil:
	case w.from != nil:
		to := w.from.Add(MaxSearch)
		w.to = &to
	default:
		w.ahead = MaxSearch
	}
	return w, nil
}

// WatchPlaces follows all slots at some locations.
func (f *Finder) WatchPlaces(locations []clinic.Ref) *Watched {
	return &Watched{finder: f, wanted: Wanted{Area: &clinic.Area{Locations: locations}}, query: Query{EveryKind: true}}
}

// Organization is the one that it is about; zero: all.
func (w *Watched) Organization() uuid.UUID { return w.wanted.Organization }

// Ahead is how long the period is from now on; 0: it has fixed ends, or none.
func (w *Watched) Ahead() time.Duration { return w.ahead }

// Desks lists those that fit, at most so many, of some providers; nil: of all.
func (w *Watched) Desks(ctx context.Context, of []clinic.Ref, limit int) ([]Desk, error) {
	wanted := w.wanted
	if of != nil {
		of = slices.DeleteFunc(slices.Clone(of), func(p clinic.Ref) bool {
			return wanted.Providers != nil && !slices.Contains(w.wanted.Providers, p)
		})
		if len(of) == 0 {
			return nil, nil
		}
		wanted.Providers = of
	}
	return w.find(ctx, wanted, limit)
}

// Places lists a provider's desks, whatever the provider offers, speaks or accepts now: where they may have fitted.
func (w *Watched) Places(ctx context.Context, provider clinic.Ref, limit int) ([]Desk, error) {
	wanted := Wanted{Organization: w.wanted.Organization, Providers: []clinic.Ref{provider}, Area: w.wanted.Area}
	if w.wanted.Providers != nil && !slices.Contains(w.wanted.Providers, provider) {
		return nil, nil
	}
	return w.find(ctx, wanted, limit)
}

func (w *Watched) find(ctx context.Context, wanted Wanted, limit int) ([]Desk, error) {
	var desks []Desk
	err := w.finder.store.Snapshot(ctx, func(ctx context.Context, s Snapshot) (err error) {
		desks, err = s.Desks(ctx, wanted, limit)
		return err
	})
	return desks, err
}

// Fits says whether a slot of a desk that fits is one that this is about, as long as it may be shown.
func (w *Watched) Fits(s Slot, now time.Time) bool {
	return (w.query.EveryKind || s.VisitKind == w.query.VisitKind) &&
		(len(w.query.Modalities) == 0 || slices.Contains(w.query.Modalities, s.Modality)) &&
		w.within(s.Start) && (w.ahead == 0 || s.Start.Before(now.Add(w.ahead))) && w.atTime(s)
}

// MayFit says whether a slot fits, has fitted or will.
func (w *Watched) MayFit(s Slot) bool {
	return w.Fits(s, s.Start)
}

func (w *Watched) within(start time.Time) bool {
	return (w.from == nil || !start.Before(*w.from)) && (w.to == nil || start.Before(*w.to))
}

func (w *Watched) atTime(s Slot) bool {
	if len(w.query.Times) == 0 {
		return true
	}
	shown := s.LocalStart.Time
	if w.query.TimesZone != nil {
		local := s.Start.In(w.query.TimesZone)
		shown.Hour, shown.Minute, shown.Second = local.Hour(), local.Minute(), local.Second()
	}
	at := provider.TimeOfDay(shown.Hour*3600 + shown.Minute*60 + shown.Second)
	return slices.ContainsFunc(w.query.Times, func(r TimeRange) bool { return r.From <= at && at < r.To })
}
