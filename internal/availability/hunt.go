package availability

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// hunt is a search under way. It looks for the next opening of each desk in legs of time, one after the other, and gives
// those up that can't come on the page any more. So the number of readings doesn't depend on how many desks there are.
type hunt struct {
	wanted  Wanted
	query   Query
	moving  clinic.Ref // zero: nothing
	holder  clinic.Ref // whose own holds give way
	patient uuid.UUID  // whose other visits stand in the way; zero: nobody's
	period  Span
	order   Order
	digest  string
	fitting string
	window  paging.Window
	bounds  bounds

	open  []prospect // without an opening so far
	found []prospect
}

// prospect is a desk on the way to becoming a match.
type prospect struct {
	Desk
	key MatchKey
}

func (p prospect) metres() int {
	if p.Metres == nil {
		return 0
	}
	return *p.Metres
}

func (h *hunt) run(ctx context.Context, s Snapshot) error {
	if err := h.begin(ctx, s); err != nil {
		return err
	}
	for _, leg := range legs(h.period) {
		if len(h.open) == 0 {
			return nil
		}
		views, err := h.views(ctx, s, h.open, leg)
		if err != nil {
			return err
		}
		h.open = slices.DeleteFunc(h.open, func(p prospect) bool { return ctx.Err() == nil && h.finds(p, views[p.Provider], leg) })
		if err := ctx.Err(); err != nil {
			return err
		}
		h.giveUp(leg.End)
	}
	return nil
}

func (h *hunt) begin(ctx context.Context, s Snapshot) error {
	desks, err := s.Desks(ctx, h.wanted, MaxDesks+1)
	if err != nil {
		return err
	}
	if len(desks) > MaxDesks {
		return errs.Invalid("This is about more than " + strconv.Itoa(MaxDesks) + " providers. Name a place, a specialty or a kind of visit.")
	}
	h.open = make([]prospect, len(desks))
	for i, d := range desks {
		h.open[i] = prospect{Desk: d}
	}
	return nil
}

// finds says whether a desk has an opening in a leg, and keeps it if it does.
func (h *hunt) finds(p prospect, v View, leg Span) bool {
	q := h.query.at(p.Desk, leg, v)
	q.Limit = 1
	slots := Openings(v.Rules, v.Taken, q)
	if len(slots) == 0 {
		return false
	}
	p.key = h.key(p, slots[0].Start)
	h.found = append(h.found, p)
	return true
}

func (q Query) at(d Desk, period Span, v View) Query {
	q.Location, q.From, q.To = d.Location, period.Start, period.End
	q.Asking = q.Asking.knowing(v.Taken)
	return q
}

func (h *hunt) key(p prospect, start time.Time) MatchKey {
	return MatchKey{
		search: h.digest, rank: h.order.rank(start, p.metres()), tie: int64(p.metres()), provider: p.Provider.ID, location: p.Location,
	}
}

// giveUp drops the desks whose next opening, not before reached, would come after the page.
func (h *hunt) giveUp(reached time.Time) {
	last := h.bounds.before
	if page := h.page(); !h.window.Backward && len(page) > h.window.Size {
		last = &page[h.window.Size].key
	}
	if last != nil {
		h.open = slices.DeleteFunc(h.open, func(p prospect) bool { return h.order.rank(reached, p.metres()) > last.rank })
	}
}

// page lists those found within the bounds, in the window's direction, one more than its size where there are more.
func (h *hunt) page() []prospect {
	slices.SortFunc(h.found, func(a, b prospect) int { return a.key.compare(b.key) })
	var within []prospect
	for _, p := range h.found {
		if h.bounds.hold(p.key) {
			within = append(within, p)
		}
	}
	if h.window.Backward {
		slices.Reverse(within)
	}
	return within[:min(len(within), h.window.Size+1)]
}

// matches reads what the page's desks have to offer in the whole period.
func (h *hunt) matches(ctx context.Context, s Snapshot, page []prospect) ([]Match, error) {
	if len(page) == 0 {
		return nil, nil
	}
	views, err := h.views(ctx, s, page, h.period)
	if err != nil {
		return nil, err
	}
	list := make([]Match, len(page))
	for i, p := range page {
		list[i] = h.match(p, views[p.Provider])
	}
	return list, nil
}

func (h *hunt) match(p prospect, v View) Match {
	find := func(limit int) []Slot {
		q := h.query.at(p.Desk, h.period, v)
		q.Limit = limit
		return Openings(v.Rules, v.Taken, q)
	}
	m := Match{
		Desk: p.Desk, fitting: h.fitting, key: p.key,
		found: &openings{
			first: sync.OnceValue(func() []Slot { return find(MaxUpcoming) }),
			count: sync.OnceValue(func() int { return h.query.at(p.Desk, h.period, v).count(v, maxOpenings) }),
		},
	}
	if next := find(1); len(next) > 0 {
		m.NextAvailable = next[0]
	}
	return m
}

// views reads what the desks' openings in a period follow from.
func (h *hunt) views(ctx context.Context, s Snapshot, desks []prospect, period Span) (map[clinic.Ref]View, error) {
	return s.Views(ctx, providersOf(desks), Period{
		From: period.Start, To: period.End, Moving: h.moving, Holder: h.holder, Patient: h.patient,
	})
}

// providersOf names each provider once.
func providersOf(desks []prospect) []clinic.Ref {
	seen := make(map[clinic.Ref]bool, len(desks))
	refs := make([]clinic.Ref, 0, len(desks))
	for _, d := range desks {
		if !seen[d.Provider] {
			seen[d.Provider] = true
			refs = append(refs, d.Provider)
		}
	}
	return refs
}
