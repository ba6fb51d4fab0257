package availability

import (
	"cmp"
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// desksFor is at how many desks openings for one patient are listed.
const desksFor = 20

// OpeningsFor lists openings that fit a search for one patient, the soonest first: at most limit, and MaxUpcoming at a desk. Times of the
// patient's other visits are left out, and so are holds of the caller's own for other patients. Faults are those of Search.
func (f *Finder) OpeningsFor(ctx context.Context, a access.Actor, q Search, patient uuid.UUID, limit int) ([]Slot, error) {
	h, err := f.hunt(ctx, a, q, Soonest)
	if err != nil {
		return nil, err
	}
	h.patient, h.query.Asking.Holder.Patient, h.window = patient, patient, paging.Window{Size: desksFor}
	var list []Slot
	err = f.store.Snapshot(ctx, func(ctx context.Context, s Snapshot) error {
		if err := h.run(ctx, s); err != nil {
			return err
		}
		matches, err := h.matches(ctx, s, paging.Cut(h.page(), h.window).Items)
		for _, m := range matches {
			list = append(list, m.found.first()...)
		}
		return err
	})
	slices.SortStableFunc(list, func(x, y Slot) int { return cmp.Compare(x.Start.Unix(), y.Start.Unix()) })
	return list[:min(limit, len(list))], err
}
