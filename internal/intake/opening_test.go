package intake_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/intake"
	"github.com/mediconnect/mediconnect/internal/provider"
)

func TestAWindowThatIsTooLongIsRefusedAlone(t *testing.T) {
	w := newWorld(t)
	r := w.imported(t, intake.Order{From: corner(
		slot("free", "2023-02-27T09:00:00-05:00", "2023-02-27T10:00:00-05:00", 4),
		slot("free", "2023-03-01T09:00:00-05:00", "2023-04-01T10:00:00-04:00", 3), // 31 days elapse
		slot("free", "2023-04-02T09:00:00-04:00", "2023-04-02T10:00:00-04:00", 2),
	)}, "27 09:00 10:00 4 in 1", "02 09:00 10:00 2 in 1")
	want := []intake.Refusal{{File: "o", Line: 2, Reason: "it lasts more than 31 days"}}
	if !slices.Equal(r.Refused, want) || r.Windows != 2 || r.Visits != 6 {
		t.Errorf("report\n%v", r)
	}
}

// strict is a directory that refuses some windows, by their keys, for a reason that an import doesn't know.
type strict struct {
	*world
	keys []string
	path func(i int) []string
}

func (s strict) PutOpenings(ctx context.Context, a access.Actor, by, at clinic.Ref, windows []provider.OpenWindow) (int, error) {
	for i, w := range windows {
		if slices.Contains(s.keys, w.Key) {
			return 0, errs.Invalid("Not on my watch.", s.path(i)...)
		}
	}
	return s.world.PutOpenings(ctx, a, by, at, windows)
}

func TestWhatTheProviderRoomRefusesIsRefusedAlone(t *testing.T) {
	var slots []string
	for i := range 450 {
		start := time.Date(2023, 3, 13, 0, 20*i, 0, 0, time.UTC)
		slots = append(slots, slot("free", start.Format("2006-01-02T15:04:05")+"-04:00", start.Add(20*time.Minute).Format("2006-01-02T15:04:05")+"-04:00", 1))
	}
	oneOf := func(i int) []string { return []string{"windows", fmt.Sprint(i), "to"} }
	noneOf := func(int) []string { return []string{"windows"} }
	for _, c := range []struct {
		name    string
		keys    []string
		path    func(int) []string
		windows int
		first   intake.Refusal
	}{
		{"none", nil, oneOf, 450, intake.Refusal{}},
		{"two of the second batch", []string{"2023-03-15T18:40:00", "2023-03-15T19:00:00"}, oneOf, 448,
			intake.Refusal{File: "o", Line: 201, Reason: "to: Not on my watch"}},
		{"a whole batch", []string{"2023-03-15T18:40:00"}, noneOf, 250,
			intake.Refusal{File: "o", Line: 201, Reason: "windows: Not on my watch"}},
	} {
		w := newWorld(t)
		order := intake.Order{From: corner(slots...), Organization: w.organization, WeeklyHours: true}
		order.ZoneOf, _ = intake.WorldZones()
		r, err := intake.Import(t.Context(), strict{w, c.keys, c.path}, w.admin, order)
		if err != nil {
			t.Fatal(err)
		}
		stored := w.count(t, "SELECT count(*) FROM schedule_exceptions")
		if r.Windows != c.windows || r.Visits != c.windows || r.RefusedTotal != 450-c.windows || stored != c.windows || r.Schedules != 1 {
			t.Errorf("%s: %d stored, report\n%v", c.name, stored, r)
		}
		if r.RefusedTotal > 0 && r.Refused[0] != c.first {
			t.Errorf("%s: refused %v", c.name, r.Refused[0])
		}
	}
}
