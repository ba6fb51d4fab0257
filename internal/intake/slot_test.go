package intake

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/clock"
)

func slotLine(status, start, end, capacity string) string {
	return fmt.Sprintf(`{"resourceType":"Slot","id":"1","schedule":{"reference":"Schedule/7"},"status":%q,"start":%q,"end":%q,`+
		`"extension":[{"url":%q,"valueInteger":%s}]}`, status, start, end, slotCapacityURL, capacity)
}

func TestTheWallClockIsKeptUnlessItIsWrittenInUTC(t *testing.T) {
	for _, c := range []struct {
		name, start, end, from, to string
		repairs                    []Repair
	}{
		{"right offset", "2023-03-25T09:00:00-04:00", "2023-03-25T18:00:00-04:00", "2023-03-25T09:00:00", "2023-03-25T18:00:00", nil},
		{"right offset in winter", "2023-03-11T09:00:00-05:00", "2023-03-11T18:00:00-05:00", "2023-03-11T09:00:00", "2023-03-11T18:00:00", nil},
		{"winter's offset in summer", "2023-03-25T09:00:00-05:00", "2023-03-25T18:00:00-05:00", "2023-03-25T09:00:00", "2023-03-25T18:00:00", []Repair{OffsetContradicts}},
		{"wrong at the end only", "2023-03-25T09:00:00-04:00", "2023-03-25T18:00:00-05:00", "2023-03-25T09:00:00", "2023-03-25T18:00:00", []Repair{OffsetContradicts}},
		{"UTC", "2023-03-25T13:00:00Z", "2023-03-25T22:00:00Z", "2023-03-25T09:00:00", "2023-03-25T18:00:00", nil},
		{"UTC over midnight", "2023-03-25T22:00:00.000+00:00", "2023-03-26T02:00:00.000+00:00", "2023-03-25T18:00:00", "2023-03-25T22:00:00", nil},
		{"short offset", "2023-03-25T09:00:00-04", "2023-03-25T18:00:00-04", "2023-03-25T09:00:00", "2023-03-25T18:00:00", nil},
		{"the last second of a day", "2023-03-25T09:00:00-04:00", "2023-03-25T23:59:59-04:00", "2023-03-25T09:00:00", "2023-03-25T23:59:00", []Repair{SecondsCut}},
		{"a second after the hour", "2023-03-25T09:00:01-04:00", "2023-03-25T18:00:00-04:00", "2023-03-25T09:01:00", "2023-03-25T18:00:00", []Repair{SecondsCut}},
	} {
		s, err := readSlot([]byte(slotLine("free", c.start, c.end, "3")))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var repairs []Repair
		got, err := s.on(newYork(t), func(r Repair, _, _ string) { repairs = append(repairs, r) })
		if err != nil || got.from.String() != c.from || got.to.String() != c.to || fmt.Sprint(repairs) != fmt.Sprint(c.repairs) {
			t.Errorf("%s: %v to %v, repairs %v, %v", c.name, got.from, got.to, repairs, err)
		}
	}
}

func TestBrokenSlotsAreRefusedWithTheReason(t *testing.T) {
	const start, end = "2023-03-25T09:00:00-04:00", "2023-03-25T18:00:00-04:00"
	good := slotLine("free", start, end, "3")
	for _, c := range []struct{ line, reason string }{
		{good, ""},
		{good[:40], "not JSON: unexpected end"},
		{"[]", "a JSON array instead of an object"},
		{`{"resourceType":"Location"}`, `resourceType is "Location", not Slot`},
		{strings.Replace(good, "Schedule/7", "7", 1), `its schedule is "7", not a Schedule/id`},
		{strings.Replace(good, "Schedule/7", "Schedule/", 1), "not a Schedule/id"},
		{strings.Replace(good, "Schedule/7", "https://a.example/Schedule/7", 1), ""},
		{slotLine("free", start, end, "-1"), "a capacity of -1"},
		{slotLine("free", start, end, "0"), ""},
		{slotLine("free", start, end, "100000"), ""},
		{slotLine("free", start, end, "100001"), "the most is 100000"},
		{slotLine("free", start, end, "2.5"), "extension.valueInteger can't be a JSON number 2.5"},
		{slotLine("free", start, end, `"3"`), "extension.valueInteger can't be a JSON string"},
		{slotLine("maybe", start, end, "3"), `an unknown status, "maybe"`},
		{slotLine("", start, end, "3"), "an unknown status"},
		{slotLine("busy-tentative", start, end, "3"), ""},
		{slotLine("free", end, start, "3"), "its end is before its start"},
		{slotLine("free", start, start, "3"), "it ends when it starts"},
		{slotLine("free", "", end, "3"), "no start"},
		{slotLine("free", start, "", "3"), "no end"},
		{slotLine("free", "2023-03-25T09:00", end, "3"), "its start, \"2023-03-25T09:00\", is not an instant"},
		{slotLine("free", "2023-02-29T09:00:00-05:00", end, "3"), "is not an instant"},
		{slotLine("free", "1999-12-31T23:00:00-05:00", end, "3"), "not in the years 2000 to 2199"},
		{strings.Replace(good, "free", `\u001b[2J\u0000`, 1), `an unknown status, "\x1b[2J\x00"`},
		{"\xff" + good, "not valid UTF-8"},
	} {
		_, err := readSlot([]byte(c.line))
		if c.reason == "" && err != nil || c.reason != "" && (err == nil || !strings.Contains(err.Error(), c.reason)) {
			t.Errorf("%.120s\n  error %v, want %q", c.line, err, c.reason)
		}
	}
}

// On 5 November 2023 New York's clocks showed the hour from 1 to 2 twice, at -04:00 and at -05:00; on 2 April Lord Howe's
// half of it, at +11:00 and +10:30.
func TestAWindowDoesNotOpenAtTheFirstOfTwoShowingsInsteadOfTheSecond(t *testing.T) {
	const second = "it lies in a time that the site's wall clock shows for the second time"
	for _, c := range []struct {
		name, zone, start, end, want, from, to, refused string
	}{
		{"begins the second time", "America/New_York", "2023-11-05T01:30:00-05:00", "2023-11-05T09:00:00-05:00", "02:00 09:00",
			"2023-11-05T01:30:00-05:00", "2023-11-05T02:00:00-05:00", ""},
		{"just at it", "America/New_York", "2023-11-05T01:00:00-05:00", "2023-11-05T09:00:00-05:00", "02:00 09:00",
			"2023-11-05T01:00:00-05:00", "2023-11-05T02:00:00-05:00", ""},
		{"in UTC", "America/New_York", "2023-11-05T06:30:00Z", "2023-11-05T14:00:00Z", "02:00 09:00",
			"2023-11-05T06:30:00Z", "2023-11-05T02:00:00-05:00", ""},
		{"begins the first time", "America/New_York", "2023-11-05T01:30:00-04:00", "2023-11-05T09:00:00-05:00", "01:30 09:00", "", "", ""},
		{"in UTC", "America/New_York", "2023-11-05T05:30:00Z", "2023-11-05T14:00:00Z", "01:30 09:00", "", "", ""},
		{"before", "America/New_York", "2023-11-05T00:59:00-04:00", "2023-11-05T09:00:00-05:00", "00:59 09:00", "", "", ""},
		{"after", "America/New_York", "2023-11-05T02:00:00-05:00", "2023-11-05T09:00:00-05:00", "02:00 09:00", "", "", ""},
		{"a day after", "America/New_York", "2023-11-06T01:30:00-05:00", "2023-11-06T09:00:00-05:00", "01:30 09:00", "", "", ""},
		{"ends the second time", "America/New_York", "2023-11-05T00:00:00-04:00", "2023-11-05T01:30:00-05:00", "00:00 01:30",
			"2023-11-05T01:30:00-05:00", "2023-11-05T01:30:00-04:00", ""},
		{"ends the first time", "America/New_York", "2023-11-05T00:00:00-04:00", "2023-11-05T01:30:00-04:00", "00:00 01:30", "", "", ""},
		{"is all of the second time", "America/New_York", "2023-11-05T01:00:00-05:00", "2023-11-05T01:30:00-05:00", "", "", "", second},
		{"until its end", "America/New_York", "2023-11-05T01:00:00-05:00", "2023-11-05T02:00:00-05:00", "", "", "", second},
		{"half an hour", "Australia/Lord_Howe", "2023-04-02T01:45:00+10:30", "2023-04-02T09:00:00+10:30", "02:00 09:00",
			"2023-04-02T01:45:00+10:30", "2023-04-02T02:00:00+10:30", ""},
		{"and its first time", "Australia/Lord_Howe", "2023-04-02T01:45:00+11:00", "2023-04-02T09:00:00+10:30", "01:45 09:00", "", "", ""},
	} {
		zone, err := clock.Zone(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		s, err := readSlot([]byte(slotLine("free", c.start, c.end, "3")))
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		got, err := s.on(zone, func(r Repair, from, to string) { told = append(told, string(r), from, to) })
		if c.refused != "" {
			if err == nil || err.Error() != c.refused {
				t.Errorf("%s: %v, %v", c.name, got, err)
			}
			continue
		}
		var want []string
		if c.from != "" {
			want = []string{string(ShownTwice), c.from, c.to}
		}
		if shown := fmt.Sprintf("%.5s %.5s", got.from.Time, got.to.Time); err != nil || shown != c.want || !slices.Equal(told, want) {
			t.Errorf("%s: %s, want %s, told %q, want %q, %v", c.name, shown, c.want, told, want, err)
		}
	}
}

// New York's clocks went forward on 12 March 2023 and back on 5 November.
func TestAWindowLastsAtMost31DaysOfTheWallClock(t *testing.T) {
	for _, c := range []struct {
		name, start, end string
		taken            bool
	}{
		{"just 31 days", "2023-03-25T09:00:00-04:00", "2023-04-25T09:00:00-04:00", true},
		{"a minute more", "2023-03-25T09:00:00-04:00", "2023-04-25T09:01:00-04:00", false},
		{"an hour less elapses", "2023-03-01T09:00:00-05:00", "2023-04-01T09:00:00-04:00", true},
		{"just 31 days elapse", "2023-03-01T09:00:00-05:00", "2023-04-01T10:00:00-04:00", false},
		{"an hour more elapses", "2023-10-10T09:00:00-04:00", "2023-11-10T09:00:00-05:00", true},
		{"and a minute", "2023-10-10T09:00:00-04:00", "2023-11-10T09:01:00-05:00", false},
		{"narrowed to 31 days", "2023-03-25T09:00:01-04:00", "2023-04-25T09:01:59-04:00", true},
		{"without its offset's hour", "2023-03-01T09:00:00-05:00", "2023-04-01T09:00:00-05:00", true},
	} {
		s, err := readSlot([]byte(slotLine("free", c.start, c.end, "3")))
		if err == nil {
			_, err = s.on(newYork(t), func(Repair, string, string) {})
		}
		if (err == nil) != c.taken || err != nil && err.Error() != "it lasts more than 31 days" {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestBusyAndFullSlotsHaveNoCapacity(t *testing.T) {
	const start, end = "2023-03-25T09:00:00-04:00", "2023-03-25T18:00:00-04:00"
	for _, c := range []struct {
		status, capacity string
		want             int
	}{{"free", "3", 3}, {"free", "0", 0}, {"busy", "0", 0}, {"busy", "3", 0}, {"busy-unavailable", "3", 0}, {"free", "null", 1}} {
		s, err := readSlot([]byte(slotLine(c.status, start, end, c.capacity)))
		if err != nil || s.capacity != c.want {
			t.Errorf("%s with a capacity of %s: %d, %v; want %d", c.status, c.capacity, s.capacity, err, c.want)
		}
	}
}
