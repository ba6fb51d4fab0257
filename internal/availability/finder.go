package availability

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Finder finds who can see a patient, where and when. Like everything else here it shows free slots to everybody.
type Finder struct {
	store  Store
	places Places
	clock  clock.Clock
}

// Places finds places on the map.
type Places interface {
	// Area fails with errs.InvalidInput and errs.NotFound at the parts of what it was given.
	Area(ctx context.Context, a access.Actor, n clinic.Near) (clinic.Area, error)
}

// NewFinder makes the finder.
func NewFinder(store Store, places Places, c clock.Clock) *Finder {
	return &Finder{store: store, places: places, clock: c}
}

// MaxDesks bounds how many desks a search looks at.
const MaxDesks = 25_000

// Found is a page of matches, with the log position of what was read.
type Found struct {
	paging.Page[Match]
	StreamCursor string
}

// Search finds the providers and locations with an opening that fits. Faults are at fields of the search, at "orderBy", or at
// "after" and "before".
func (f *Finder) Search(ctx context.Context, a access.Actor, q Search, o Order, w paging.Window) (Found, error) {
	h, err := f.hunt(ctx, a, q, o)
	if err != nil {
		return Found{}, err
	}
	if h.bounds, err = boundsOf(w, h.digest); err != nil {
		return Found{}, err
	}
	h.window = w
	var found Found
	if found.StreamCursor, err = f.store.StreamCursor(ctx); err != nil {
		return Found{}, err
	}
	err = f.store.Snapshot(ctx, func(ctx context.Context, s Snapshot) error {
		if err := h.run(ctx, s); err != nil {
			return err
		}
		page := paging.Cut(h.page(), w)
		found.HasNext, found.HasPrevious = page.HasNext, page.HasPrevious
		found.Items, err = h.matches(ctx, s, page.Items)
		return err
	})
	return found, err
}

// CountMatches counts what Search finds, up to paging.MaxCount.
func (f *Finder) CountMatches(ctx context.Context, a access.Actor, q Search) (int, error) {
	h, err := f.hunt(ctx, a, q, Soonest)
	if err != nil {
		return 0, err
	}
	h.window.Size = paging.MaxCount
	err = f.store.Snapshot(ctx, h.run)
	return min(len(h.found), paging.MaxCount), err
}

// hunt begins a search.
func (f *Finder) hunt(ctx context.Context, a access.Actor, q Search, o Order) (*hunt, error) {
	now := f.clock.Now()
	wanted, err := f.wanted(ctx, a, q)
	if err != nil {
		return nil, err
	}
	query, err := q.query(a, now)
	if err != nil {
		return nil, err
	}
	period, err := q.period(now)
	if err != nil {
		return nil, err
	}
	return &hunt{
		wanted: wanted, query: query, period: period, order: o, digest: q.digest(wanted.Organization, o), fitting: q.fitting(wanted),
	}, o.check(wanted)
}

// wanted also finds the place.
func (f *Finder) wanted(ctx context.Context, a access.Actor, q Search) (Wanted, error) {
	w, err := q.wanted(a)
	if err != nil || q.Near == nil {
		return w, err
	}
	area, err := f.places.Area(ctx, a, *q.Near)
	w.Area = &area
	return w, errs.Under(err, "near")
}

func (q Search) fitting(w Wanted) Fitting {
	f := Fitting{Modalities: q.Modalities, From: q.From, To: q.To, TimesOfDay: q.TimesOfDay, TimeZone: q.TimeZone, Moving: q.Moving}
	if q.VisitKind != nil {
		f.VisitKind = q.VisitKind.ID
	}
	if w.Area != nil && w.Area.Circle != nil {
		f.Origin = &w.Area.Circle.Center
	}
	return f
}

// Match finds what fits at one desk again, or nil.
func (f *Finder) Match(ctx context.Context, a access.Actor, provider clinic.Ref, location uuid.UUID, fit Fitting) (*Match, error) {
	q := fit.search(provider)
	h, err := f.hunt(ctx, a, q, Soonest)
	if err != nil {
		return nil, err
	}
	if fit.Origin != nil {
		h.wanted.Area = &clinic.Area{Circle: &clinic.Circle{Center: *fit.Origin, Radius: clinic.MaxRadius}}
	}
	h.wanted.Organization, h.fitting, h.window.Size = provider.Organization, fit, 1
	var found []Match
	err = f.store.Snapshot(ctx, func(ctx context.Context, s Snapshot) error {
		if err := h.begin(ctx, s); err != nil {
			return err
		}
		h.open = slices.DeleteFunc(h.open, func(p prospect) bool { return p.Location != location })
		found, err = h.matches(ctx, s, h.open)
		return err
	})
	if err != nil || len(found) == 0 || found[0].NextAvailable.Start.IsZero() {
		return nil, err
	}
	return &found[0], nil
}

// search is the search at one provider that has the same openings fit.
func (f Fitting) search(at clinic.Ref) Search {
	q := Search{
		Organization: at.Organization, Providers: []clinic.Ref{at},
		Modalities: f.Modalities, From: f.From, To: f.To, TimesOfDay: f.TimesOfDay, TimeZone: f.TimeZone, Moving: f.Moving,
	}
	if f.VisitKind != uuid.Nil {
		q.VisitKind = &clinic.Ref{Organization: at.Organization, ID: f.VisitKind}
	}
	return q
}

// legs cuts a period in parts, so that openings of today don't wait for what is taken in a quarter of a year.
func legs(period Span) []Span {
	var parts []Span
	for _, reach := range []time.Duration{3 * day, 18 * day, MaxSearch} {
		if period.IsEmpty() {
			break
		}
		end := earlier(period.Start.Add(reach), period.End)
		parts = append(parts, Span{period.Start, end})
		period.Start = end
	}
	return parts
}
