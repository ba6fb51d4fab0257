package intake

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/provider"
)

func TestWeeklyHoursFollowThePublishedDays(t *testing.T) {
	for _, c := range []struct{ name, windows, want string }{
		{"nothing", "", ""},
		{"one day", "2026-03-09T09:00/2026-03-09T21:00/2", "1 540-1260 x2"},
		{"Sunday", "2026-03-08T10:00/2026-03-08T18:00/1", "7 600-1080 x1"},
		{"two weeks that differ", "2026-03-09T09:00/2026-03-09T17:00/2 2026-03-16T08:30/2026-03-16T16:00/1", "1 510-1020 x2"},
		{"several windows a day", "2026-03-10T09:00/2026-03-10T09:20/1 2026-03-10T16:40/2026-03-10T17:00/3", "2 540-1020 x3"},
		{"to midnight", "2026-03-10T09:00/2026-03-11T00:00/1", "2 540-1440 x1"},
		{"into the night", "2026-03-10T20:00/2026-03-11T04:00/1", "2 1200-1680 x1"},
		{"into a night that the next day cuts", "2026-03-10T20:00/2026-03-11T04:00/1 2026-03-18T02:00/2026-03-18T10:00/1", "2 1200-1560 x1, 3 120-600 x1"},
		{"Sunday night cut by Monday", "2026-03-08T20:00/2026-03-09T04:00/1 2026-03-16T01:00/2026-03-16T10:00/1", "1 60-600 x1, 7 1200-1500 x1"},
		{"longer than a day", "2026-03-10T20:00/2026-03-13T04:00/1", "2 1200-2640 x1"},
	} {
		var windows []provider.OpenWindow
		for _, w := range strings.Fields(c.windows) {
			parts := strings.Split(w, "/")
			o := provider.OpenWindow{From: dateTime(t, parts[0]+":00"), To: dateTime(t, parts[1]+":00")}
			if _, err := fmt.Sscan(parts[2], &o.Capacity); err != nil {
				t.Fatal(err)
			}
			windows = append(windows, o)
		}
		var got []string
		for _, h := range DeriveWeekly(windows) {
			got = append(got, fmt.Sprintf("%d %d-%d x%d", h.Weekday, h.From, h.To, h.Capacity))
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}
