package availability

import (
	"context"
	"maps"
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
	if found.StreamCursor, err = f.store.StreamCursor(ctx, h.query.Now); err != nil {
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
	q.Modalities = slices.Compact(slices.Sorted(slices.Values(q.Modalities)))
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
	h := &hunt{
		wanted: wanted, query: query, period: period, order: o, digest: q.digest(wanted.Organization, o), fitting: q.fitting(wanted).Text(),
	}
	if a.Organization != uuid.Nil {
		h.holder = clinic.Ref{Organization: a.Organization, ID: a.ID}
	}
	if q.Moving != nil {
		h.moving = *q.Moving
	}
	return h, o.check(wanted)
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

// Matches finds matches again, with the same number of readings for all that fit the same. One that has no opening any more
// is left out.
func (f *Finder) Matches(ctx context.Context, a access.Actor, ids []MatchID) (map[MatchID]Match, error) {
	found := make(map[MatchID]Match, len(ids))
	for _, alike := range Alike(ids) {
		if err := f.again(ctx, a, alike, found); err != nil && errs.Of(err) != errs.InvalidInput {
			return nil, err // what is invalid never was a match
		}
	}
	return found, nil
}

// Alike parts matches into what one reading can answer: those of one organisation that fit the same.
func Alike(ids []MatchID) [][]MatchID {
	type kin struct {
		organization uuid.UUID
		fitting      string
	}
	parts := map[kin][]MatchID{}
	for _, id := range ids {
		of := kin{id.Provider.Organization, id.Fitting}
		parts[of] = append(parts[of], id)
	}
	return slices.Collect(maps.Values(parts))
}

// again finds matches that are alike.
func (f *Finder) again(ctx context.Context, a access.Actor, ids []MatchID, found map[MatchID]Match) error {
	fit, _ := ReadFitting(ids[0].Fitting)
	providers := make([]clinic.Ref, len(ids))
	for i, id := range ids {
		providers[i] = id.Provider
	}
	h, err := f.hunt(ctx, a, fit.search(ids[0].Provider.Organization, providers), Soonest)
	if err != nil {
		return err
	}
	h.fitting = ids[0].Fitting
	if fit.Origin != nil {
		h.wanted.Area = &clinic.Area{Circle: &clinic.Circle{Center: *fit.Origin, Radius: clinic.MaxRadius}}
	}
	return f.store.Snapshot(ctx, func(ctx context.Context, s Snapshot) error {
		if err := h.begin(ctx, s); err != nil {
			return err
		}
		list, err := h.matches(ctx, s, h.open)
		for _, m := range list {
			if slices.Contains(ids, m.Ref()) && !m.NextAvailable.Start.IsZero() {
				found[m.Ref()] = m
			}
		}
		return err
	})
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
