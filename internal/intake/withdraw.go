package intake

import (
	"context"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// nameBased is the version of the ids that published windows have; those that the staff added have others.
const nameBased = uuid.Version(5)

// withdraw closes what an earlier import opened on the published days and the publication no longer has.
func (w *writer) withdraw(ctx context.Context, d *desk, by, at clinic.Ref, windows []opening) error {
	first, end := w.report.First, w.report.Last.AddDays(1)
	now := w.timetable(d, windows)
	var stale []clinic.Ref
	kept := 0
	err := everything(ctx,
		func(p paging.Window) (paging.Page[provider.Exception], error) {
			from := clock.Instant(civil.DateTime{Date: first}, d.site.zone)
			to := clock.Instant(civil.DateTime{Date: end}, d.site.zone)
			return w.into.ListExceptions(ctx, w.actor, by, from, to, p)
		},
		func(e provider.Exception) []string {
			ours := e.ID.Version() == nameBased && e.LocationID == at.ID && !e.From.Date.Before(first)
			switch {
			case !ours || now.has(e):
			case now.rulesOut(e):
				stale = append(stale, ref(e.OrganizationID, e.ID))
			default:
				kept++
			}
			return []string{e.From.String(), e.ID.String()}
		})
	for _, exception := range stale {
		if err == nil {
			err = patiently(ctx, func() error {
				_, err := w.into.RemoveException(ctx, w.actor, exception, provider.This)
				return err
			})
		}
	}
	if err == nil {
		w.report.Withdrawn += len(stale)
		w.report.Kept += kept
	}
	return err
}

// timetable is what a publication says about a desk.
type timetable struct {
	open     map[civil.DateTime]bool // where windows begin
	full     map[civil.DateTime]bool // where busy ones do
	windows  []opening
	complete bool // every line could be read
}

func (w *writer) timetable(d *desk, windows []opening) timetable {
	t := timetable{
		open: map[civil.DateTime]bool{}, full: map[civil.DateTime]bool{}, windows: windows, complete: !d.partial && !w.strays,
	}
	for _, o := range windows {
		t.open[o.put.From] = true
	}
	for _, from := range d.full {
		t.full[wallClock(from, w.shift)] = true
	}
	return t
}

func (t timetable) has(e provider.Exception) bool { return t.open[e.From] }

// rulesOut says whether a window that isn't among the published ones is no longer published. A line that couldn't be read
// may be the one that has it, unless its time is said to be busy or is another window's now.
func (t timetable) rulesOut(e provider.Exception) bool {
	if t.complete || t.full[e.From] {
		return true
	}
	for _, o := range t.windows {
		if o.put.From.Before(e.To) && e.From.Before(o.put.To) {
			return true
		}
	}
	return false
}
