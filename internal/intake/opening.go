package intake

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// opening is a published window on its way to a provider.
type opening struct {
	put   provider.OpenWindow
	alone int // lanes that it needs by itself
	at    place
}

// batch bounds how many windows are put in one transaction.
const batch = 200

// maxLanes bounds how many visits may run at the same time.
const maxLanes = 1_000

// openings gives each window of a desk the lanes that its visits need. Its key is where it begins: publishers use the ids
// of slots again, and closing times change.
func (w *writer) openings(d *desk, kind clinic.VisitKind) []opening {
	windows := w.stretches(d, kind)
	list := make([]opening, 0, len(windows))
	for i, s := range windows {
		visits, capacity := s.visits, side(windows, i, kind, d.site.zone)
		if capacity > maxLanes {
			w.refuseWindow(d, s.window, "beside those of the windows around it, its visits would have to run more than 1,000 at a time")
			continue
		}
		list = append(list, opening{at: s.window.at(), alone: s.alone, put: provider.OpenWindow{
			Key: s.at.from.String(), From: s.at.from, To: s.at.to, Capacity: capacity, MaxAppointments: &visits,
		}})
	}
	return list
}

// stretches are the windows of a desk that can be booked, each by itself.
func (w *writer) stretches(d *desk, kind clinic.VisitKind) []stretch {
	list := make([]stretch, 0, len(d.windows))
	for _, published := range d.windows {
		s := stretch{window: published, at: published.span(w.shift), visits: int(published.capacity)}
		s.alone = lanes(s.visits, s.at, kind, d.site.zone)
		switch {
		case s.alone == 0:
			w.refuseWindow(d, published, "no visit of "+spoken(kind.Duration)+" fits into it")
		case s.alone > maxLanes:
			w.refuseWindow(d, published, "its visits would have to run more than 1,000 at a time")
		default:
			list = append(list, s)
		}
	}
	measure(list, kind, d.site.zone)
	return list
}

// open puts windows in batches and answers those that are stored.
func (w *writer) open(ctx context.Context, by, at clinic.Ref, windows []opening) (stored []opening, err error) {
	for some := range slices.Chunk(windows, batch) {
		some, err := w.put(ctx, by, at, slices.Clone(some))
		if err != nil {
			return nil, err
		}
		stored = append(stored, some...)
	}
	return stored, nil
}

// put puts a batch without the windows that the provider room refuses: their lines are refused, and the others go in.
func (w *writer) put(ctx context.Context, by, at clinic.Ref, windows []opening) ([]opening, error) {
	for len(windows) > 0 {
		changed := 0
		err := patiently(ctx, func() (err error) {
			changed, err = w.into.PutOpenings(ctx, w.actor, by, at, puts(windows))
			return err
		})
		if err == nil {
			w.stored(windows, changed)
			return windows, nil
		}
		from, to, reason, refused := refusedAmong(err, len(windows))
		if !refused {
			return nil, err
		}
		for _, o := range windows[from:to] {
			w.refuse(o.at, reason)
		}
		windows = slices.Delete(windows, from, to)
	}
	return nil, nil
}

func (w *writer) stored(windows []opening, changed int) {
	w.report.Windows += len(windows)
	w.report.Changed += changed
	for _, o := range windows {
		w.report.Visits += *o.put.MaxAppointments
	}
}

func puts(windows []opening) []provider.OpenWindow {
	list := make([]provider.OpenWindow, len(windows))
	for i, o := range windows {
		list[i] = o.put
	}
	return list
}

// refusedAmong tells which of n windows bad input is about: the one at windows.i, or all.
func refusedAmong(err error, n int) (from, to int, reason string, refused bool) {
	reason, refused = refusedBy(err)
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || len(e.Path) < 2 || e.Path[0] != "windows" {
		return 0, n, reason, refused
	}
	i, broken := strconv.Atoi(e.Path[1])
	if broken != nil || i < 0 || i >= n {
		return 0, n, reason, refused
	}
	reason = plainly(e)
	if field := strings.Join(e.Path[2:], "."); field != "" {
		reason = field + ": " + reason
	}
	return i, i + 1, reason, refused
}
