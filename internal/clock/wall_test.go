package clock_test

import (
	"archive/zip"
	"bytes"
	"io"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/clock"
)

func TestInstantAroundClockChanges(t *testing.T) {
	for _, c := range []struct{ why, zone, local, want string }{
		{"before the gap", "America/New_York", "2026-03-08T01:59:00", "2026-03-08T06:59:00Z"},
		{"gap begins", "America/New_York", "2026-03-08T02:00:00", "2026-03-08T07:00:00Z"},
		{"in the gap: forward by its hour", "America/New_York", "2026-03-08T02:30:00", "2026-03-08T07:30:00Z"},
		{"gap has ended", "America/New_York", "2026-03-08T03:00:00", "2026-03-08T07:00:00Z"},
		{"before the fold", "America/New_York", "2026-11-01T00:59:00", "2026-11-01T04:59:00Z"},
		{"fold: the first of the two", "America/New_York", "2026-11-01T01:00:00", "2026-11-01T05:00:00Z"},
		{"fold: still the first", "America/New_York", "2026-11-01T01:59:59", "2026-11-01T05:59:59Z"},
		{"after the fold", "America/New_York", "2026-11-01T02:00:00", "2026-11-01T07:00:00Z"},
		{"half an hour's gap", "Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:45:00Z"},
		{"half an hour's fold", "Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-04T14:45:00Z"},
		{"after it", "Australia/Lord_Howe", "2026-04-05T02:00:00", "2026-04-04T15:30:00Z"},
		{"last of a kept day", "Pacific/Apia", "2011-12-29T23:59:00", "2011-12-30T09:59:00Z"},
		{"a skipped day", "Pacific/Apia", "2011-12-30T10:00:00", "2011-12-30T20:00:00Z"},
		{"the day after", "Pacific/Apia", "2011-12-31T10:00:00", "2011-12-30T20:00:00Z"},
		{"another skipped day", "Pacific/Kwajalein", "1993-08-21T08:00:00", "1993-08-21T20:00:00Z"},
		{"a day shown twice", "America/Juneau", "1867-10-19T12:00:00", "1867-10-18T20:57:41Z"},
		{"gap at midnight", "America/Sao_Paulo", "2018-11-04T00:00:00", "2018-11-04T03:00:00Z"},
		{"gap around midnight", "America/Toronto", "1919-03-31T00:00:00", "1919-03-31T05:00:00Z"},
		{"seconds in the offset", "Europe/Amsterdam", "1900-01-01T12:00:00", "1900-01-01T11:40:28Z"},
		{"no clock changes", "Asia/Kolkata", "2026-03-29T02:30:00", "2026-03-28T21:00:00Z"},
		{"beyond the tables", "America/New_York", "2040-12-31T12:00:00", "2040-12-31T17:00:00Z"},
		{"UTC", "UTC", "2026-03-29T02:30:00", "2026-03-29T02:30:00Z"},
	} {
		local, err := civil.ParseDateTime(c.local)
		if err != nil {
			t.Fatal(err)
		}
		if got := clock.Instant(local, zone(t, c.zone)).Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s in %s is %s, want %s", c.why, c.local, c.zone, got, c.want)
		}
	}
}

func TestHasDay(t *testing.T) {
	for _, c := range []struct {
		zone, day string
		want      bool
	}{
		{"Pacific/Apia", "2011-12-29", true}, {"Pacific/Apia", "2011-12-30", false}, {"Pacific/Apia", "2011-12-31", true},
		{"Pacific/Kwajalein", "1993-08-21", false}, {"Pacific/Kwajalein", "1993-08-22", true},
		{"America/Toronto", "1919-03-30", true}, {"Africa/Khartoum", "2000-01-15", true}, // its noon was skipped
		{"America/Sao_Paulo", "2018-11-04", true}, {"America/Juneau", "1867-10-19", true},
	} {
		d, _ := civil.ParseDate(c.day)
		if got := clock.HasDay(d, zone(t, c.zone)); got != c.want {
			t.Errorf("%s has %s: %v", c.zone, c.day, got)
		}
	}
}

// Every zone, around a random hour of two centuries: the answers are those of a watcher who looks at the clock each second.
func TestWallClockAgreesWithAWatcher(t *testing.T) {
	names := clock.ZoneNames()
	rapid.Check(t, func(r *rapid.T) {
		loc := zone(r, rapid.SampledFrom(names).Draw(r, "zone"))
		from := nearChange(r, loc)
		checkInstants(r, loc, from)
		checkSegments(r, loc, from)
	})
}

func TestADayThatIsShownTwiceIsTheFirst(t *testing.T) {
	loc := zone(t, "America/Adak")
	checkInstants(t, loc, time.Date(1867, 10, 18, 23, 0, 0, 0, time.UTC))
}

func FuzzInstant(f *testing.F) {
	f.Add(uint16(7), int64(1_300_000_000))
	f.Add(uint16(401), int64(2_240_000_000))
	names := clock.ZoneNames()
	f.Fuzz(func(t *testing.T, name uint16, at int64) {
		loc := zone(t, names[int(name)%len(names)])
		from := beforeChange(time.Unix(at%8_000_000_000, 0).UTC(), loc)
		checkInstants(t, loc, from)
		checkSegments(t, loc, from)
	})
}

// beforeChange is an hour or less before the zone's next clock change in a year, where most can go wrong, or the same instant.
func beforeChange(at time.Time, loc *time.Location) time.Time {
	for h := at; h.Before(at.AddDate(1, 0, 0)); h = h.Add(time.Hour) {
		if !sameOffset(h, h.Add(time.Hour), loc) {
			return h
		}
	}
	return at
}

type fataler interface{ Fatalf(string, ...any) }

// checkInstants walks four hours second by second. A local time is first shown where the watcher first sees it; what he
// never sees was jumped over, and lies as far behind the jump as it was ahead of the clock. What the clock showed before he came
// (Alaska's had one day twice in 1867), he knows from its having been steady.
func checkInstants(t fataler, loc *time.Location, from time.Time) {
	seen := map[civil.DateTime]bool{}
	for at := from.Add(-48 * time.Hour); at.Before(from); at = at.Add(time.Hour) {
		if !sameOffset(at, from, loc) {
			return // begin where the clock has been steady, so that all first showings are in sight
		}
	}
	begin, last := clock.Local(from, loc), clock.Local(from.Add(-time.Second), loc)
	for at := from; at.Before(from.Add(4 * time.Hour)); at = at.Add(time.Second) {
		shown := clock.Local(at, loc)
		if earlier := begin.In(time.UTC).Sub(shown.In(time.UTC)); earlier > 0 {
			if got := clock.Instant(shown, loc); !got.Equal(from.Add(-earlier)) {
				t.Fatalf("%v in %v: %v, it was shown first %v before %v", shown, loc, got, earlier, from)
			}
		} else if got := clock.Instant(shown, loc); !seen[shown] && !got.Equal(at) {
			t.Fatalf("%v in %v: %v, the watcher saw it at %v", shown, loc, got, at)
		} else if seen[shown] && !got.Before(at) {
			t.Fatalf("%v in %v: %v, the watcher saw it earlier", shown, loc, got)
		}
		for ahead := 1; ahead < 120; ahead += 13 { // minutes after the last second seen
			missed := civil.DateTimeOf(last.In(time.UTC).Add(time.Duration(ahead) * time.Minute))
			if want := at.Add(-time.Second).Add(time.Duration(ahead) * time.Minute); last.Before(missed) && missed.Before(shown) {
				if got := clock.Instant(missed, loc); !got.Equal(want) {
					t.Fatalf("%v in %v was jumped over: %v, want %v", missed, loc, got, want)
				}
			}
		}
		seen[shown], last = true, shown
	}
}

func checkSegments(t fataler, loc *time.Location, from time.Time) {
	to, at := from.Add(400*24*time.Hour), from
	for s := range clock.Segments(from, to, loc) {
		if !s.Start.Equal(at) || !s.End.After(s.Start) {
			t.Fatalf("%v: segment %v after %v", loc, s, at)
		}
		for _, in := range []time.Time{s.Start, s.Start.Add(s.End.Sub(s.Start) / 2), s.End.Add(-1)} {
			if _, offset := in.In(loc).Zone(); time.Duration(offset)*time.Second != s.Offset {
				t.Fatalf("%v: segment %v has another offset at %v", loc, s, in)
			}
		}
		at = s.End
	}
	if !at.Equal(to) {
		t.Fatalf("%v: segments end at %v, not %v", loc, at, to)
	}
}

// nearChange draws an instant an hour or two before one of the zone's clock changes, found by looking at the clock daily.
func nearChange(t *rapid.T, loc *time.Location) time.Time {
	year := rapid.IntRange(1860, 2060).Draw(t, "year")
	at := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	var changes []time.Time
	for d := at; d.Before(at.AddDate(1, 0, 0)); d = d.Add(24 * time.Hour) {
		for h := d; !sameOffset(d, d.Add(24*time.Hour), loc) && h.Before(d.Add(24*time.Hour)); h = h.Add(time.Hour) {
			if !sameOffset(h, h.Add(time.Hour), loc) {
				changes = append(changes, h.Add(-time.Hour))
			}
		}
	}
	changes = append(changes, time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC))
	return rapid.SampledFrom(changes).Draw(t, "change")
}

func sameOffset(a, b time.Time, loc *time.Location) bool {
	_, x := a.In(loc).Zone()
	_, y := b.In(loc).Zone()
	return x == y
}

func zone(t fataler, name string) *time.Location {
	loc, err := clock.Zone(name)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return loc
}

// archiveOf makes a release in which the first place keeps the second's time.
func archiveOf(t *testing.T, name, as string) []byte {
	t.Helper()
	old, err := zip.OpenReader("tzdb/zoneinfo.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	in, err := old.Open(as)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, in); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
