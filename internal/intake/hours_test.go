package intake

import (
	"fmt"
	"strings"
	"testing"
)

func TestHoursAreReadAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]string{
		"Mon 09:00-17:00":                     "1 540-1020",
		" mon  09:00-17:00 ":                  "1 540-1020",
		"Sat-Mon 00:00-24:00":                 "1 0-1440 6 0-1440 7 0-1440",
		"Sun 22:00-06:00,Mon 06:00-07:00":     "1 360-420 7 1320-1800",
		"Tue 13:00-14:00,Tue 09:00-12:00":     "2 540-720 2 780-840",
		"Sun 22:00-06:00,Mon 05:59-07:00":     `"Mon 05:59-07:00" overlaps other hours`,
		"Mon-Fri 09:00-17:00,Wed 12:00-13:00": `"Wed 12:00-13:00" overlaps other hours`,
		"":                                    `"" are no hours such as Mon-Fri 09:00-17:00`,
		"Mon 9:00-17:00":                      `"Mon 9:00-17:00" are no hours such as Mon-Fri 09:00-17:00`,
		"Mon 09:60-17:00":                     `"Mon 09:60-17:00" are no hours such as Mon-Fri 09:00-17:00`,
		"Mon 24:00-17:00":                     `"Mon 24:00-17:00" are no hours such as Mon-Fri 09:00-17:00`,
		"Mon 09:00-24:01":                     `"Mon 09:00-24:01" are no hours such as Mon-Fri 09:00-17:00`,
		"Mun 09:00-17:00":                     `"Mun 09:00-17:00" are no hours such as Mon-Fri 09:00-17:00`,
		"Mon 09:00-17:00,":                    `"" are no hours such as Mon-Fri 09:00-17:00`,
		strings.Repeat("x", maxHours+1):       "more than 2000 bytes of hours",
	} {
		list, err := ParseHours(text, 3)
		var got strings.Builder
		for _, h := range list {
			fmt.Fprintf(&got, "%d %d-%d ", h.Weekday, h.From, h.To)
			if h.Capacity != 3 {
				t.Errorf("%s: for %d", text, h.Capacity)
			}
		}
		if err != nil {
			got.WriteString(err.Error())
		}
		if strings.TrimSpace(got.String()) != want {
			t.Errorf("%.60s: %s, want %s", text, got.String(), want)
		}
	}
	for _, capacity := range []int{0, 1001} {
		if _, err := ParseHours(DefaultHours, capacity); err == nil {
			t.Errorf("a capacity of %d is taken", capacity)
		}
	}
}

func TestAWeekIsWhatWasOpenedInIt(t *testing.T) {
	for _, c := range []struct {
		opened []string
		want   string
	}{
		{nil, ""},
		{[]string{"Mon 09:00-12:00", "Mon 11:00-17:00"}, "1 540-1020 "},
		{[]string{"Mon 09:00-12:00", "Mon 12:00-17:00"}, "1 540-1020 "},
		{[]string{"Sun 22:00-06:00"}, "7 1320-1800 "},
		{[]string{"Fri-Sat 00:00-24:00", "Sun 00:00-02:00"}, "5 0-1440 6 0-1440 7 0-120 "},
		{[]string{"Sun 12:00-24:00", "Mon 00:00-24:00"}, "1 0-1440 7 720-1440 "},
		{[]string{"Mon-Sun 00:00-24:00"}, "1 0-1440 2 0-1440 3 0-1440 4 0-1440 5 0-1440 6 0-1440 7 0-1440 "},
	} {
		var w week
		for _, text := range c.opened {
			days, from, to, err := parseOpening(text)
			if err != nil {
				t.Fatal(err)
			}
			for _, on := range days {
				w.open(on, from, to)
			}
		}
		got := ""
		for _, h := range w.hours(1) {
			got += fmt.Sprintf("%d %d-%d ", h.Weekday, h.From, h.To)
		}
		if got != c.want {
			t.Errorf("%v: %s, want %s", c.opened, got, c.want)
		}
	}
}
