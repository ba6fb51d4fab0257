package intake

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

func TestWindowsBesideOthersHaveLanesForTheirVisits(t *testing.T) {
	plain := clinic.VisitKind{Duration: 15 * time.Minute, SlotStep: 15 * time.Minute, GridAnchor: clinic.GridWindow}
	after, both, long := plain, plain, plain
	after.BufferAfter = 5 * time.Minute
	both.BufferBefore, both.BufferAfter = 5*time.Minute, 5*time.Minute
	long.BufferAfter = 45 * time.Minute
	dense := after
	dense.SlotStep, dense.GridAnchor = 5*time.Minute, clinic.GridDay
	for _, c := range []struct {
		name, windows string // from-to visits
		kind          clinic.VisitKind
		want          string
	}{
		{"touching without buffers", "09:00-12:00 12, 12:00-15:00 13", plain, "1 2"},
		{"single appointments without buffers", "09:00-09:15 1, 09:15-09:30 1, 09:30-09:45 3", plain, "1 1 3"},
		{"a visit that runs into the next window", "09:00-10:10 4, 10:10-11:10 4", plain, "1 2"},
		{"the same a minute apart", "09:00-10:10 4, 10:11-11:11 4", plain, "1 1"},
		{"single appointments", "09:00-09:15 1, 09:15-09:30 1, 09:30-09:45 1, 09:45-10:00 1", after, "2 3 3 2"},
		{"with a pause as long as the buffer", "09:00-09:15 1, 09:20-09:35 1", after, "1 1"},
		{"a minute less", "09:00-09:15 1, 09:19-09:34 1", after, "2 2"},
		{"buffers on both sides", "09:00-09:15 1, 09:24-09:39 1, 10:00-10:15 1", both, "2 2 1"},
		{"as far apart as both", "09:00-09:15 1, 09:25-09:40 1", both, "1 1"},
		{"several in each", "09:00-09:15 2, 09:15-09:30 3", after, "5 5"},
		{"buffers over several windows", "09:00-09:15 1, 09:15-09:30 1, 09:30-09:45 1, 09:45-10:00 1, 10:00-10:15 1", long, "4 5 5 5 4"},
		{"long windows go without a start", "09:00-12:00 6, 12:00-15:00 6", after, "1 1"},
		{"and need a lane where they can't", "09:00-12:00 9, 12:00-15:00 9", dense, "1 2"},
		{"alone", "09:00-12:00 9", dense, "1"},
	} {
		var list []stretch
		for _, w := range strings.Split(c.windows, ", ") {
			var visits int
			fmt.Sscan(w[12:], &visits)
			at := span{from: dateTime(t, "2026-03-25T"+w[:5]+":00"), to: dateTime(t, "2026-03-25T"+w[6:11]+":00")}
			list = append(list, stretch{at: at, visits: visits, alone: lanes(visits, at, c.kind, newYork(t))})
		}
		measure(list, c.kind, newYork(t))
		var got []string
		for i := range list {
			got = append(got, fmt.Sprint(side(list, i, c.kind, newYork(t))))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v lanes, want %s", c.name, got, c.want)
		}
	}
}
