package closure

import (
	"context"
	"slices"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// may says whether the caller may look at closures at all: whoever sees both hours and visits of the clinic that they act for.
func may(a access.Actor) bool {
	return a.IsClinic() && a.Has(access.SchedulesRead) && a.Has(access.AppointmentsRead)
}

// Closures answers those that exist and that the caller may see.
func (s *Service) Closures(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]Closure, error) {
	if refs = within(a, refs); len(refs) == 0 {
		return map[clinic.Ref]Closure{}, nil
	}
	return s.Store.Closures(ctx, refs)
}

// Items answers those that exist and that the caller may see. They say nothing of patients: their visits do.
func (s *Service) Items(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]Item, error) {
	if refs = within(a, refs); len(refs) == 0 {
		return map[clinic.Ref]Item{}, nil
	}
	return s.Store.Items(ctx, refs)
}

func within(a access.Actor, refs []clinic.Ref) []clinic.Ref {
	if !may(a) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(refs), func(r clinic.Ref) bool { return !a.In(r.Organization) })
}

// List pages an organisation's closures by the time when they were made.
func (s *Service) List(ctx context.Context, a access.Actor, f Filter, w paging.Window) (paging.Page[Closure], error) {
	f, err := narrowed(a, f)
	if err != nil {
		return paging.Page[Closure]{}, err
	}
	return s.Store.List(ctx, f, w)
}

// Count counts what List lists, up to paging.MaxCount.
func (s *Service) Count(ctx context.Context, a access.Actor, f Filter) (int, error) {
	f, err := narrowed(a, f)
	if err != nil {
		return 0, err
	}
	return s.Store.Count(ctx, f)
}

func narrowed(a access.Actor, f Filter) (Filter, error) {
	var err error
	for _, scope := range []string{access.SchedulesRead, access.AppointmentsRead} {
		if f.Organization, err = clinic.Allowed(a, f.Organization, scope); err != nil {
			return f, err
		}
	}
	if !a.IsClinic() {
		err = errs.Denied("This is for the clinic's staff.")
	}
	return f, err
}

// ListItems pages a closure's items by the starts of the visits, as they were. The caller has been shown the closure.
func (s *Service) ListItems(ctx context.Context, c Closure, outcomes []Outcome, w paging.Window) (paging.Page[Item], error) {
	return s.Store.ListItems(ctx, c.Ref(), outcomes, w)
}

// CountItems counts them, up to paging.MaxCount. The caller has been shown the closure.
func (s *Service) CountItems(ctx context.Context, c Closure, outcomes []Outcome) (int, error) {
	return s.Store.CountItems(ctx, c.Ref(), outcomes)
}
