package providertest

import (
	"fmt"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// opensAt answers when the first window in force on a day opens, in minutes; -1 for none.
func (w World) opensAt(t *testing.T, on *civil.Date) int {
	t.Helper()
	hours, err := w.Service.WeeklyHours(t.Context(), w.FrontDesk, w.P, w.L, on)
	if err != nil {
		t.Fatal(err)
	}
	if len(hours) == 0 {
		return -1
	}
	return hours[0].From
}

func inForce(t *testing.T, w World) {
	first, second := w.Schedule(w.Tomorrow), w.Schedule(w.NextMonth)
	second.EffectiveUntil, second.Hours[0].From = ptr(w.NextMonth.AddDays(6)), provider.At(10, 0)
	w.SetSchedule(t, first)
	w.SetSchedule(t, second)
	for day, want := range map[civil.Date]int{
		w.Tomorrow.AddDays(-1): -1, w.Tomorrow: 540, w.NextMonth.AddDays(-1): 540, w.NextMonth: 600,
		w.NextMonth.AddDays(6): 600, w.NextMonth.AddDays(7): 540,
	} {
		if got := w.opensAt(t, &day); got != want {
			t.Errorf("on %v the hours begin at %d, want %d", day, got, want)
		}
	}
	closing := w.Schedule(w.NextMonth)
	closing.Hours = nil
	w.SetSchedule(t, closing)
	if before, after := w.opensAt(t, ptr(w.NextMonth.AddDays(-1))), w.opensAt(t, &w.NextMonth); before != 540 || after != -1 {
		t.Errorf("no hours from a day on: %d before, %d after", before, after)
	}
	elsewhere := w.Ref(w.PutLocation(t, 2).ID)
	if hours, err := w.Service.WeeklyHours(t.Context(), w.FrontDesk, w.P, elsewhere, &w.Tomorrow); err != nil || len(hours) != 0 {
		t.Errorf("the hours hold at another location too: %v, %v", hours, err)
	}
	_, err := w.Service.WeeklyHours(t.Context(), w.FrontDesk, w.P, w.L, &civil.Date{Year: 2027, Month: 2, Day: 30})
	clinictest.Refused(t, err, errs.InvalidInput, "on")
}

func laterWins(t *testing.T, w World) {
	at := provider.Desk{Organization: w.Organization, Provider: w.P.ID, Location: w.L.ID}
	set := func(id uuid.UUID, from int) {
		t.Helper()
		s := provider.Schedule{ID: id, EffectiveFrom: w.Tomorrow, EffectiveUntil: ptr(w.Tomorrow.AddDays(from))}
		s.Weekly = []provider.WeeklyHours{{Weekday: 1, Hours: provider.Hours{From: from, To: 1440, Capacity: 1}}}
		if err := w.Store.SetSchedule(t.Context(), w.Source.Stamp(w.Admin), at, s); err != nil {
			t.Fatal(err)
		}
	}
	early, late := clinictest.NewID(), clinictest.NewID()
	set(late, 9)
	set(early, 8) // another server, its clock behind
	if got := w.opensAt(t, &w.Tomorrow); got != 8 {
		t.Errorf("the hours begin at %d, want those set last", got)
	}
}

func manySchedules(t *testing.T, w World) {
	at := provider.Desk{Organization: w.Organization, Provider: w.P.ID, Location: w.L.ID}
	for i := range 500 {
		day := w.Tomorrow.AddDays(i)
		s := provider.Schedule{ID: clinictest.NewID(), EffectiveFrom: day, EffectiveUntil: &day}
		if err := w.Store.SetSchedule(t.Context(), w.Source.Stamp(w.Admin), at, s); err != nil {
			t.Fatalf("schedule %d: %v", i, err)
		}
	}
	_, err := w.Service.SetSchedule(t.Context(), w.FrontDesk, w.Schedule(w.Tomorrow.AddDays(500)))
	clinictest.Refused(t, err, errs.InvalidInput, "effectiveUntil")
	w.SetSchedule(t, w.Schedule(w.Tomorrow)) // covers all of them
	w.SetSchedule(t, w.Schedule(w.Tomorrow.AddDays(500)))
}

func today(t *testing.T, w World) {
	w.SetSchedule(t, w.Schedule(w.Tomorrow))
	w.Clock.Set(UTC(w.Tomorrow, 5).Add(-time.Microsecond)) // New York is 5 hours behind
	if got := w.opensAt(t, nil); got != -1 {
		t.Errorf("the day before, just before midnight: %d", got)
	}
	w.Clock.Advance(time.Microsecond)
	if got := w.opensAt(t, nil); got != 540 {
		t.Errorf("at midnight: %d", got)
	}
}

func dateHours(t *testing.T, w World) {
	in := provider.SetDateHours{Provider: w.P, Location: w.L, Date: w.Tomorrow, Hours: []provider.Opening{
		{From: provider.At(9, 0), To: provider.At(12, 0), Capacity: 2, VisitKinds: []clinic.Ref{w.K}},
	}}
	for _, hours := range [][]provider.Opening{in.Hours, in.Hours, {}, nil, nil} {
		in.Hours = hours
		if p, err := w.Service.SetDateHours(t.Context(), w.FrontDesk, in); err != nil || p.ID != w.P.ID {
			t.Fatalf("%v: %v", hours, err)
		}
	}
	in.Hours = []provider.Opening{{From: provider.At(9, 0), To: provider.At(9, 30)}}
	_, err := w.Service.SetDateHours(t.Context(), w.FrontDesk, in)
	clinictest.Refused(t, err, errs.InvalidInput, "hours 0 capacity")
}

func putOpenings(t *testing.T, w World) {
	put := func(want int, windows ...provider.OpenWindow) {
		t.Helper()
		if n, err := w.Service.PutOpenings(t.Context(), w.FrontDesk, w.P, w.L, windows); n != want || err != nil {
			t.Errorf("%d changed (%v), want %d", n, err, want)
		}
	}
	one := provider.OpenWindow{Key: "1", From: At(w.Tomorrow, 9, 0), To: At(w.Tomorrow, 12, 0), Capacity: 3, MaxAppointments: ptr(33)}
	two := provider.OpenWindow{Key: "2", From: At(w.NextMonth, 9, 0), To: At(w.NextMonth, 12, 0), Capacity: 1}
	put(2, one, two)
	put(0, two, one)
	one.Capacity = 4
	put(1, one, two)
	two.MaxAppointments = ptr(0)
	put(1, two)
	two.From = At(w.NextMonth, 8, 0)
	put(1, two, one)
	n, err := w.Service.CountExceptions(t.Context(), w.FrontDesk, w.P, UTC(w.Tomorrow, 0), UTC(w.NextMonth.AddDays(2), 0))
	if n != 2 || err != nil {
		t.Errorf("%d windows (%v)", n, err)
	}
	one.Capacity = 0
	_, err = w.Service.PutOpenings(t.Context(), w.FrontDesk, w.P, w.L, []provider.OpenWindow{two, one})
	clinictest.Refused(t, err, errs.InvalidInput, "windows 1 capacity")
}

func manyOpenings(t *testing.T, w World) {
	var windows []provider.OpenWindow
	for i := range 1201 {
		day := w.Tomorrow.AddDays(i)
		windows = append(windows, provider.OpenWindow{Key: fmt.Sprint(i), From: At(day, 9, 0), To: At(day, 12, 0), Capacity: 1})
	}
	for _, want := range []int{1201, 0} {
		if n, err := w.Service.PutOpenings(t.Context(), w.FrontDesk, w.P, w.L, windows); n != want || err != nil {
			t.Errorf("%d changed (%v), want %d", n, err, want)
		}
	}
	_, err := w.Service.PutOpenings(t.Context(), w.FrontDesk, w.P, w.L, make([]provider.OpenWindow, 10_001))
	clinictest.Refused(t, err, errs.InvalidInput, "windows")
}
