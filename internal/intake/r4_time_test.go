package intake

import (
	"fmt"
	"testing"

	"github.com/mediconnect/mediconnect/internal/clock"
)

func TestDatesSpeakOfAsMuchTimeAsTheySay(t *testing.T) {
	phoenix, err := clock.Zone("America/Phoenix")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"2026":                        "2026-01-01T00:00:00 2027-01-01T00:00:00 <nil>",
		"2026-02":                     "2026-02-01T00:00:00 2026-03-01T00:00:00 <nil>",
		"2024-02-29":                  "2024-02-29T00:00:00 2024-03-01T00:00:00 <nil>",
		"2026-03-05T12:00:00-07:00":   "2026-03-05T12:00:00 2026-03-05T12:00:00 <nil>",
		"2026-03-05T12:00:30.5-07:00": "2026-03-05T12:00:00 2026-03-05T12:01:00 <nil>",
		"2026-03-05T01:30:00Z":        "2026-03-04T18:30:00 2026-03-04T18:30:00 <nil>",
		"2026-08-31T23:59:59-07:00":   "2026-08-31T23:59:00 2026-09-01T00:00:00 <nil>",
		"2026-02-29":                  "0000-00-00T00:00:00 0000-00-00T00:00:00 \"2026-02-29\" is no date",
		"2026-03-05T12:00:00":         "0000-00-00T00:00:00 0000-00-00T00:00:00 \"2026-03-05T12:00:00\" is no date",
		"":                            "0000-00-00T00:00:00 0000-00-00T00:00:00 \"\" is no date",
		"26-3-5":                      "0000-00-00T00:00:00 0000-00-00T00:00:00 \"26-3-5\" is no date",
	} {
		from, to, err := spanOf(text, phoenix)
		if got := fmt.Sprint(from, " ", to, " ", err); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	for period, want := range map[r4Period]string{
		{}:                                       "0000-00-00 <nil> <nil>",
		{Start: "1999-12-31", End: "9999-12-31"}: "0000-00-00 <nil> <nil>",
		{Start: "2026-03", End: "2026-03"}:       "2026-03-01 2026-03-31 <nil>",
		{End: "2026-08-31T23:59:59-07:00"}:       "0000-00-00 2026-08-31 <nil>",
		{End: "2026-08-31T12:00:00-07:00"}:       "0000-00-00 2026-08-31 <nil>",
		{Start: "2026-03-02", End: "2026-03-01"}: "2026-03-02 2026-03-01 it ends on 2026-03-01, before it begins",
	} {
		d, err := period.days(phoenix)
		if got := fmt.Sprint(d.from, " ", d.until, " ", err); got != want {
			t.Errorf("%v: %s, want %s", period, got, want)
		}
	}
}

func TestTimesOfDayOpenWholeMinutes(t *testing.T) {
	for _, c := range []struct{ start, end, want string }{
		{"09:00:00", "12:00:00", "1 540-720"},
		{"09:00", "12:00:00.000", "1 540-720"},
		{"09:00:01", "12:00:58", "1 541-720"},
		{"09:00:00", "11:59:59", "1 540-720"},
		{"22:00:00", "06:00:00", "1 1320-1800"},
		{"08:00:00", "00:00:00", "1 480-1440"},
		{"00:00:00", "23:59:59", "1 0-1440"},
		{"23:59:30", "23:59:59", ""},
		{"24:00:01", "12:00:00", `"24:00:01" is no time of day`},
		{"09:60:00", "12:00:00", `"09:60:00" is no time of day`},
		{"09:00:61", "12:00:00", `"09:00:61" is no time of day`},
		{"9:00", "12:00:00", `"9:00" is no time of day`},
		{"", "12:00:00", `neither all day nor from one time of day to another`},
	} {
		var w week
		got := ""
		if err := w.opens([]string{"mon"}, false, c.start, c.end); err != nil {
			got = err.Error()
		}
		for _, h := range w.hours(1) {
			got += fmt.Sprintf("%d %d-%d", h.Weekday, h.From, h.To)
		}
		if got != c.want {
			t.Errorf("%s to %s: %s, want %s", c.start, c.end, got, c.want)
		}
	}
	var w week
	if err := w.opens(nil, true, "", ""); err != nil || len(w.hours(1)) != 7 {
		t.Errorf("always: %v, %v", err, w.hours(1))
	}
}
