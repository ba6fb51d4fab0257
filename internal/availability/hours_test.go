package availability_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

const (
	sunday = "2026-03-01"
	monday = "2026-03-02"
	tue    = "2026-03-03"
)

func TestWeeklyHours(t *testing.T) {
	from := func(d string) func(*world) {
		return func(w *world) {
			s := &w.rules.Places[0].Schedules[0]
			s.EffectiveFrom = date(d)
		}
	}
	until := func(d string) func(*world) {
		return func(w *world) {
			last := date(d)
			w.rules.Places[0].Schedules[0].EffectiveUntil = &last
		}
	}
	later := func(first string, last *string, windows ...string) func(*world) {
		return func(w *world) {
			newer := office(daily(windows...)).rules.Places[0].Schedules[0]
			newer.EffectiveFrom = date(first)
			if last != nil {
				d := date(*last)
				newer.EffectiveUntil = &d
			}
			w.rules.Places[0].Schedules = append([]provider.Schedule{newer}, w.rules.Places[0].Schedules...)
		}
	}
	runDays(t, []dayCase{
		{"a weekday", monday, office(), "09:00 09:30 10:00 10:30 11:00 11:30"},
		{"a day without hours", sunday, office(), ""},
		{"Sunday is day 7", sunday, office(daily("10:00-10:30")), "10:00"},
		{"the day before they take effect", monday, office(from(tue)), ""},
		{"the day they take effect", tue, office(from(tue)), "09:00 09:30 10:00 10:30 11:00 11:30"},
		{"the last day in effect", monday, office(until(monday)), "09:00 09:30 10:00 10:30 11:00 11:30"},
		{"the day after it", tue, office(until(monday)), ""},
		{"a later schedule replaces the days it covers", tue, office(later(tue, nil, "14:00-15:00")), "14:00 14:30"},
		{"not the day before", monday, office(later(tue, nil, "14:00-15:00")), "09:00 09:30 10:00 10:30 11:00 11:30"},
		{"and the earlier returns when it ends", "2026-03-04", office(later(tue, ptr(tue), "14:00-15:00")), "09:00 09:30 10:00 10:30 11:00 11:30"},
		{"a later schedule without hours closes", tue, office(later(tue, nil)), ""},
		{"a visit that just fits", monday, office(daily("09:00-09:30")), "09:00"},
		{"one minute short", monday, office(daily("09:00-09:29")), ""},
		{"two windows that touch hold a visit across", monday, office(daily("09:00-09:15", "09:15-09:30")), "09:00"},
		{"with a minute between them none", monday, office(daily("09:00-09:15", "09:16-09:30")), ""},
	})
}

func TestOvernightHours(t *testing.T) {
	night := daily("23:00-01:00")
	tail := func(w *world) { // only Sunday has them
		w.rules.Places[0].Schedules[0].Weekly = []provider.WeeklyHours{{Weekday: 7, Hours: hours("23:00-01:00")[0]}}
	}
	runDays(t, []dayCase{
		{"the evening", sunday, office(tail), "23:00 23:30"},
		{"the tail", monday, office(tail), "00:00 00:30"},
		{"no evening the day after", tue, office(tail), ""},
		{"a visit across midnight", sunday, office(tail, kind(func(k *clinic.VisitKind) { k.Duration = time.Hour })), "23:00 23:30"},
		{"last night's tail stays on a date with hours of its own", monday, office(night, on(monday, "10:00-10:30")), "00:00 00:30 10:00"},
		{"and on a closed date", monday, office(night, on(monday)), "00:00 00:30"},
		{"whose own night is gone", tue, office(night, on(monday)), "23:00 23:30"},
		{"hours until midnight", sunday, office(daily("23:00-00:00")), "23:00 23:30"},
		{"round the clock", monday, office(daily("00:00-00:00"), kind(func(k *clinic.VisitKind) { k.SlotStep = 12 * time.Hour })), "00:00 12:00"},
	})
}

func TestLimitedHours(t *testing.T) {
	limited := func(kinds []uuid.UUID, ways ...clinic.Modality) func(*world) {
		return func(w *world) {
			for i := range w.rules.Places[0].Schedules[0].Weekly {
				w.rules.Places[0].Schedules[0].Weekly[i].VisitKinds = kinds
				w.rules.Places[0].Schedules[0].Weekly[i].Modalities = ways
			}
		}
	}
	one := daily("09:00-09:30")
	runDays(t, []dayCase{
		{"limited to this kind", monday, office(one, limited(kindIDs)), "09:00"},
		{"limited to another", monday, office(one, limited(kindIDs[1:])), ""},
		{"limited to this way of meeting", monday, office(one, limited(nil, clinic.Phone, clinic.InPerson)), "09:00"},
		{"limited to another", monday, office(one, limited(nil, clinic.Phone)), ""},
		{"an open exception holds for all", monday, office(one, limited(kindIDs[1:]), except(open, monday+"T15:00", monday+"T15:30")), "15:00"},
	})
}

func TestExceptions(t *testing.T) {
	ofPlace := func(e provider.Exception) provider.Exception {
		e.LocationID = places[0]
		return e
	}
	elsewhere, someoneElse := closed, closed
	elsewhere.ProviderID, elsewhere.LocationID = doctorID, places[1]
	someoneElse.ProviderID = actors[0]
	runDays(t, []dayCase{
		{"closed for an hour", monday, office(except(closed, monday+"T10:00", monday+"T11:00")), "09:00 09:30 11:00 11:30"},
		{"a minute earlier reaches the visit before", monday, office(except(closed, monday+"T09:59", monday+"T11:00")), "09:00 11:00 11:30"},
		{"a minute longer the one after", monday, office(except(closed, monday+"T10:00", monday+"T11:01")), "09:00 09:30 11:30"},
		{"the whole place", monday, office(except(ofPlace(closed), monday+"T00:00", tue+"T00:00")), ""},
		{"not the day after", tue, office(except(ofPlace(closed), monday+"T00:00", tue+"T00:00")), "09:00 09:30 10:00 10:30 11:00 11:30"},
		{"another place", monday, office(except(elsewhere, monday+"T00:00", tue+"T00:00")), "09:00 09:30 10:00 10:30 11:00 11:30"},
		{"another provider", monday, office(except(someoneElse, monday+"T00:00", tue+"T00:00")), "09:00 09:30 10:00 10:30 11:00 11:30"},
		{"open on a day off", sunday, office(except(open, sunday+"T14:00", sunday+"T15:00")), "14:00 14:30"},
		{"open right after the hours", monday, office(daily("09:00-09:45"), except(open, monday+"T09:45", monday+"T10:30")), "09:00 09:30 10:00"},
		{"closed wins over open", sunday, office(except(open, sunday+"T14:00", sunday+"T16:00"), except(closed, sunday+"T15:00", sunday+"T15:30")), "14:00 14:30 15:30"},
		{"a date's own hours replace the weekly ones", monday, office(on(monday, "15:00-15:30")), "15:00"},
		{"and open adds to them", monday, office(on(monday), except(open, monday+"T16:00", monday+"T16:30")), "16:00"},
		{"buffers may lie in closed time", monday, office(
			except(closed, monday+"T09:30", monday+"T12:00"), kind(func(k *clinic.VisitKind) { k.BufferAfter = time.Hour })), "09:00"},
		{"overlapping windows yield a start once", monday, office(daily("09:00-10:00"), except(open, monday+"T09:00", monday+"T10:30")), "09:00 09:30 10:00"},
	})
}

func TestCapacity(t *testing.T) {
	long := kind(func(k *clinic.VisitKind) { k.Duration = time.Hour })
	more := open
	more.Capacity = 3
	for _, c := range []struct {
		why   string
		w     world
		start string
		want  int
	}{
		{"of the window", office(daily("09:00-12:00 x2")), "09:00", 2},
		{"the larger of two", office(daily("09:00-12:00 x2"), except(more, monday+"T09:00", monday+"T10:00")), "09:30", 3},
		{"where the larger has ended", office(daily("09:00-12:00 x2"), except(more, monday+"T09:00", monday+"T10:00")), "10:00", 2},
		{"the least over the visit", office(long, daily("09:00-12:00 x2"), except(more, monday+"T09:00", monday+"T10:00")), "09:30", 2},
		{"of touching windows", office(long, daily("09:00-10:00 x3", "10:00-11:00 x2")), "09:30", 2},
		{"less a booked lane", office(daily("09:00-12:00 x2"), booked(1, monday+"T09:00", monday+"T09:30")), "09:00", 1},
		{"a lane from when there were more takes one", office(daily("09:00-12:00 x2"), booked(2, monday+"T09:00", monday+"T09:30")), "09:00", 1},
		{"as many of them as there are lanes take all", office(daily("09:00-12:00 x2"),
			booked(2, monday+"T09:00", monday+"T09:30"), booked(3, monday+"T09:00", monday+"T09:30")), "09:00", 0},
		{"the staff's own takes none", office(daily("09:00-12:00 x2"), booked(-1, monday+"T09:00", monday+"T09:30")), "09:00", 2},
		{"one lane taken twice is one lane", office(long, daily("09:00-12:00 x2"),
			booked(0, monday+"T09:00", monday+"T09:15"), booked(0, monday+"T09:15", monday+"T10:00")), "09:00", 1},
		{"all taken at different times", office(long, daily("09:00-12:00 x2"),
			booked(0, monday+"T09:00", monday+"T09:15"), booked(1, monday+"T09:45", monday+"T10:00")), "09:00", 0},
	} {
		v := c.w.check(c.w.slot(monday + "T" + c.start))
		if v.Slot.Remaining != c.want || v.Bookable() != (c.want > 0) {
			t.Errorf("%s: %d left, want %d (%v)", c.why, v.Slot.Remaining, c.want, v.Blocked)
		}
	}
}

func TestSlotsAreInOrder(t *testing.T) {
	w := office(daily("09:00-09:30"), kind(func(k *clinic.VisitKind) {
		k.Modalities = []clinic.Modality{clinic.Video, clinic.InPerson}
	}))
	second := w.rules.Places[0]
	second.Location = places[1]
	w.rules.Places = append(w.rules.Places, second)
	w.query.From, w.query.To = w.at(monday+"T00:00"), w.at("2026-03-04T00:00")
	all := availability.Openings(w.rules, w.taken, w.query)
	if len(all) != 8 {
		t.Fatalf("%d openings, want 8: two days, two places, two ways of meeting", len(all))
	}
	ordered := slices.IsSortedFunc(all, func(a, b availability.Slot) int {
		return cmp.Or(a.Start.Compare(b.Start), slices.Compare(a.Location[:], b.Location[:]), cmp.Compare(a.Modality, b.Modality))
	})
	if !ordered {
		t.Errorf("out of order: %v", all)
	}
	w.query.Limit = 3
	if some := availability.Openings(w.rules, w.taken, w.query); len(some) != 3 || some[2] != all[2] {
		t.Errorf("with a limit of 3: %v", some)
	}
	w.query.Limit, w.query.Location, w.query.Modalities = 0, places[1], []clinic.Modality{clinic.Video}
	if some := availability.Openings(w.rules, w.taken, w.query); len(some) != 2 || some[0].Location != places[1] || some[0].Modality != clinic.Video {
		t.Errorf("of one place and way: %v", some)
	}
}

func TestPeriodIsHalfOpen(t *testing.T) {
	for _, c := range []struct {
		why, from, to string
		want          int
	}{
		{"from a start to the next", "09:00", "09:30", 1},
		{"a minute later", "09:01", "09:30", 0},
		{"a minute longer", "09:00", "09:31", 2},
		{"a visit that ends beyond the period", "11:30", "11:31", 1},
		{"nothing", "09:00", "09:00", 0},
		{"backwards", "10:00", "09:00", 0},
	} {
		w := office()
		w.query.From, w.query.To = w.at(monday+"T"+c.from), w.at(monday+"T"+c.to)
		if got := availability.Openings(w.rules, w.taken, w.query); len(got) != c.want {
			t.Errorf("%s: %d openings, want %d", c.why, len(got), c.want)
		}
	}
}

func ptr[T any](v T) *T { return &v }
