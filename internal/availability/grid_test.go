package availability_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

func step(every time.Duration, anchor clinic.GridAnchor) func(*world) {
	return kind(func(k *clinic.VisitKind) { k.SlotStep, k.GridAnchor = every, anchor })
}

func TestGrid(t *testing.T) {
	byDay, byWindow := step(50*time.Minute, clinic.GridDay), step(50*time.Minute, clinic.GridWindow)
	runDays(t, []dayCase{
		{"minutes of the day divisible by the step", monday, office(byDay), "09:10 10:00 10:50"},
		{"begun anew at midnight", monday, office(byDay, daily("22:00-03:00")), "00:00 00:50 01:40 02:30 22:30 23:20"},
		{"from the window's start", monday, office(byWindow), "09:00 09:50 10:40 11:30"},
		{"an odd start", monday, office(byWindow, daily("09:07-11:00")), "09:07 09:57"},
		{"a window through midnight", tue, office(byWindow, daily("22:10-03:00")), "00:40 01:30 02:20 22:10 23:00 23:50"},
		{"windows that touch count as one", monday, office(byWindow, daily("09:00-10:00", "10:00-12:00")), "09:00 09:50 10:40 11:30"},
		{"a minute apart they are two", monday, office(byWindow, daily("09:00-10:00", "10:01-12:00")), "09:00 10:01 10:51"},
		{"of different capacity, too", monday, office(byWindow, daily("09:00-10:00 x2", "10:00-12:00")), "09:00 09:50 10:40 11:30"},
		{"at midnight, too", tue, office(byWindow, on(monday, "23:10-00:00"), on(tue, "00:00-01:30")), "00:00 00:50"},
		{"round the clock each day counts from its own midnight", tue,
			office(step(7*time.Hour, clinic.GridWindow), daily("00:00-12:00", "12:00-00:00")), "00:00 07:00 14:00 21:00"},
		{"an open exception has a grid of its own even where it touches", monday,
			office(byWindow, daily("09:00-10:00"), except(open, monday+"T10:00", monday+"T11:30")), "09:00 09:50 10:00 10:50"},
		{"where windows overlap both grids hold", monday,
			office(byWindow, daily("09:00-11:00"), except(open, monday+"T10:00", monday+"T11:00")), "09:00 09:50 10:00"},
		{"a closed period moves no grid", monday, office(byWindow, except(closed, monday+"T09:00", monday+"T09:10")), "09:50 10:40 11:30"},
		{"steps shorter than the visit", monday, office(step(20*time.Minute, clinic.GridDay), daily("09:00-10:00")), "09:00 09:20"},
	})
}

// A run of touching windows is followed back over midnights, up to a week: on the seventh day its grid is still that of its
// beginning, from the eighth on each day has its own.
func TestGridOfALongRun(t *testing.T) {
	run := []func(*world){step(5*time.Hour, clinic.GridWindow), daily("00:00-00:00"), on("2026-03-08")}
	runDays(t, []dayCase{
		{"its first day", "2026-03-09", office(run...), "00:00 05:00 10:00 15:00 20:00"},
		{"its second", "2026-03-10", office(run...), "01:00 06:00 11:00 16:00 21:00"},
		{"its seventh", "2026-03-15", office(run...), "01:00 06:00 11:00 16:00 21:00"},
		{"its eighth", "2026-03-16", office(run...), "00:00 05:00 10:00 15:00 20:00"},
	})
}

// The instants of the openings around a clock change, in the place's own zone.
func TestGridAtClockChanges(t *testing.T) {
	for _, c := range []struct {
		why, zone, from, to string
		every               time.Duration
		anchor              clinic.GridAnchor
		windows             string
		want                string
	}{
		{"no opening in a missing hour", "America/New_York", "2026-03-08T01:00", "2026-03-08T04:00", 30 * time.Minute, clinic.GridDay,
			"00:00-00:00", "01:00-0500 01:30-0500 03:00-0400 03:30-0400"},
		{"each instant of a repeated hour once", "America/New_York", "2026-11-01T00:30", "2026-11-01T02:30", 30 * time.Minute, clinic.GridDay,
			"00:00-00:00", "00:30-0400 01:00-0400 01:30-0400 01:00-0500 01:30-0500 02:00-0500"},
		{"a window that ends in the gap is as long as ever", "America/New_York", "2026-03-08T00:00", "2026-03-08T06:00", 30 * time.Minute, clinic.GridDay,
			"01:00-02:30", "01:00-0500 01:30-0500 03:00-0400"},
		{"one that starts in it starts later", "America/New_York", "2026-03-08T00:00", "2026-03-08T06:00", 30 * time.Minute, clinic.GridDay,
			"02:30-04:30", "03:30-0400 04:00-0400"},
		{"one within the missing hour that ends with it is gone", "America/New_York", "2026-03-08T00:00", "2026-03-08T06:00", 30 * time.Minute,
			clinic.GridDay, "02:00-03:00", ""},
		{"a window that ends in the fold ends at the first", "America/New_York", "2026-11-01T00:00", "2026-11-01T06:00", 30 * time.Minute,
			clinic.GridDay, "00:00-01:30", "00:00-0400 00:30-0400 01:00-0400"},
		{"elapsed time counts from the window's start", "America/New_York", "2026-03-08T00:00", "2026-03-08T06:00", time.Hour, clinic.GridWindow,
			"00:30-04:30", "00:30-0500 01:30-0500 03:30-0400"},
		{"also through a fold", "America/New_York", "2026-11-01T00:00", "2026-11-01T03:30", time.Hour, clinic.GridWindow,
			"00:30-03:30", "00:30-0400 01:30-0400 01:30-0500 02:30-0500"},
		{"half an hour is missing", "Australia/Lord_Howe", "2026-10-04T01:00", "2026-10-04T03:30", 30 * time.Minute, clinic.GridDay,
			"00:00-00:00", "01:00+1030 01:30+1030 02:30+1100 03:00+1100"},
		{"half an hour is repeated", "Australia/Lord_Howe", "2026-04-05T01:00", "2026-04-05T02:30", 30 * time.Minute, clinic.GridDay,
			"00:00-00:00", "01:00+1100 01:30+1100 01:30+1030 02:00+1030"},
		{"a grid of hours is of the wall clock", "Australia/Lord_Howe", "2026-10-04T01:00", "2026-10-04T04:30", time.Hour, clinic.GridDay,
			"00:00-00:00", "01:00+1030 03:00+1100 04:00+1100"},
		{"a date that was skipped has no hours", "Pacific/Apia", "2011-12-29T12:00", "2011-12-31T23:00", 30 * time.Minute, clinic.GridDay,
			"20:00-21:00", "20:00-1000 20:30-1000 20:00+1400 20:30+1400"},
		{"nor does the day after it inherit any", "Pacific/Apia", "2011-12-29T12:00", "2011-12-31T23:00", 30 * time.Minute, clinic.GridDay,
			"20:00-21:00 on 2011-12-30", ""},
		{"the night before it lasts as long as ever", "Pacific/Apia", "2011-12-29T12:00", "2011-12-31T12:00", 30 * time.Minute, clinic.GridDay,
			"23:00-01:00", "23:00-1000 23:30-1000 00:00+1400 00:30+1400"},
		{"without clock changes", "Asia/Kolkata", "2026-03-08T01:00", "2026-03-08T02:30", 30 * time.Minute, clinic.GridDay,
			"00:00-00:00", "01:00+0530 01:30+0530 02:00+0530"},
		{"whole minutes of a wall clock with odd seconds", "Europe/Amsterdam", "1900-01-01T09:00", "1900-01-01T10:00", 30 * time.Minute,
			clinic.GridDay, "09:00-12:00", "09:00+0019 09:30+0019"},
		{"elapsed time that a change by 28 seconds leaves between minutes", "Europe/Amsterdam", "1937-06-30T22:00", "1937-07-01T03:00",
			30 * time.Minute, clinic.GridWindow, "23:00-02:00", "23:00+0119 23:30+0119"},
	} {
		windows, day, oneDay := strings.Cut(c.windows, " on ")
		w := office(in(c.zone), daily(windows), step(c.every, c.anchor))
		if oneDay {
			w = office(in(c.zone), daily(), step(c.every, c.anchor), on(day, windows))
		}
		w.rules.From, w.rules.Until = date("1890-01-01"), date("2100-01-01")
		w.rules.Places[0].Schedules[0].EffectiveFrom = date("1890-01-01")
		w.query.From, w.query.To = w.at(c.from), w.at(c.to)
		w.query.Now = w.query.From
		var got []string
		for _, s := range availability.Openings(w.rules, w.taken, w.query) {
			got = append(got, s.Start.In(w.rules.Places[0].Zone).Format("15:04-0700"))
			if s.LocalStart.Time.Second != 0 || !s.End.Equal(s.Start.Add(30*time.Minute)) {
				t.Errorf("%s: %+v", c.why, s)
			}
			if v := w.check(s.SlotID); !v.Bookable() {
				t.Errorf("%s: %v is listed, but blocked by %v", c.why, s.LocalStart, v.Blocked)
			}
		}
		if shown := strings.Join(got, " "); shown != c.want {
			t.Errorf("%s: %q, want %q", c.why, shown, c.want)
		}
	}
}
