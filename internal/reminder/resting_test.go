package reminder_test

import (
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// The visit is at noon in New York, which is 16:00 UTC; quiet hours are from 21:00 to 8:00, which is 1:00 to 12:00 UTC.
func TestLateRemindersWaitUntilQuietHoursEnd(t *testing.T) {
	const evening, morning = "2026-06-26T00:55:00Z", "2026-06-26T12:00:00Z"
	home := func(zone string) func(*question) { return func(q *question) { q.contact.TimeZone = zone } }
	start := func(at string) func(*question) { return func(q *question) { q.visit.Start = utc(at) } }
	for _, c := range []struct {
		why, planned, now string
		change            []func(*question)
		until, expires    string // none: it doesn't wait
	}{
		{"at night", evening, "2026-06-26T06:50:00Z", nil, morning, "2026-06-26T16:00:00Z"},
		{"moved earlier on purpose, and on time", "2026-06-26T01:00:00Z", "2026-06-26T01:00:05Z", nil, "", ""},
		{"a little late", "2026-06-26T01:00:00Z", "2026-06-26T01:15:00Z", nil, "", ""},
		{"later than that", "2026-06-26T01:00:00Z", "2026-06-26T01:15:01Z", nil, morning, "2026-06-26T16:00:00Z"},
		{"as they begin", evening, "2026-06-26T01:00:00Z", nil, "", ""},
		{"just before they end", evening, "2026-06-26T11:59:59Z", nil, morning, "2026-06-26T16:00:00Z"},
		{"as they end", evening, morning, nil, "", ""},
		{"by day", "2026-06-25T14:00:00Z", "2026-06-25T18:00:00Z", nil, "", ""},
		{"none are wanted", evening, "2026-06-26T06:50:00Z", []func(*question){quiet(3, 3)}, "", ""},
		{"the visit begins in them", evening, "2026-06-26T06:50:00Z", []func(*question){start("2026-06-26T11:00:00Z")}, "", ""},
		{"the visit begins as they end", evening, "2026-06-26T06:50:00Z", []func(*question){start(morning)}, "", ""},
		{"an hour after", evening, "2026-06-26T06:50:00Z", []func(*question){start("2026-06-26T13:00:00Z")}, "", ""},
		{"more than that", evening, "2026-06-26T06:50:00Z", []func(*question){start("2026-06-26T13:00:01Z")}, morning, "2026-06-26T13:00:01Z"},
		{"the visit is another day", evening, "2026-06-26T06:50:00Z", []func(*question){start("2026-06-27T16:00:00Z")}, morning, "2026-06-26T18:00:00Z"},
		{"where the patient lives", evening, "2026-06-26T06:50:00Z", []func(*question){home("Europe/Berlin")}, "", ""},
		{"or lives in the west", evening, "2026-06-26T06:50:00Z", []func(*question){home("America/Los_Angeles"), start("2026-06-26T18:00:00Z")}, "2026-06-26T15:00:00Z", "2026-06-26T18:00:00Z"},
		{"they end in a gap", "2026-03-08T01:00:00Z", "2026-03-08T06:00:00Z", []func(*question){quiet(21, 2), start("2026-03-08T20:00:00Z")}, "2026-03-08T07:00:00Z", "2026-03-08T13:00:00Z"},
		{"a night that is an hour shorter", "2026-03-08T01:00:00Z", "2026-03-08T06:00:00Z", []func(*question){start("2026-03-09T20:00:00Z")}, "2026-03-08T12:00:00Z", "2026-03-08T18:00:00Z"},
		{"a night that is an hour longer", "2026-11-01T00:00:00Z", "2026-11-01T06:30:00Z", []func(*question){start("2026-11-02T20:00:00Z")}, "2026-11-01T13:00:00Z", "2026-11-01T19:00:00Z"},
	} {
		q := ask(c.change...)
		m := reminder.Message{Kind: reminder.Remind, Scheduled: utc(c.planned), Expires: utc(c.planned).Add(reminder.MaxDelay)}
		until, expires, waits := reminder.Rest(m, q.visit, q.contact, utc(c.now))
		if waits != (c.until != "") || waits && (!until.Equal(utc(c.until)) || !expires.Equal(utc(c.expires))) {
			t.Errorf("%s: waits %v until %v, and expires at %v", c.why, waits, until, expires)
		}
		for _, kind := range []reminder.Kind{reminder.Confirmation, reminder.Change, reminder.Cancellation} {
			m.Kind = kind
			if _, _, waits := reminder.Rest(m, q.visit, q.contact, utc(c.now)); waits {
				t.Errorf("%s: a %s waits", c.why, kind)
			}
		}
	}
}

// In every zone, around its clock changes, quiet hours end when somebody finds it who looks at a clock minute by minute.
func TestQuietHoursEndWhenAWatcherSaysSo(t *testing.T) {
	zones := clock.ZoneNames()
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.SampledFrom(zones).Draw(r, "zone")
		loc, _ := clock.Zone(name)
		at := nearChange(r, name).Add(time.Duration(rapid.IntRange(-36*60, 36*60).Draw(r, "at")) * minute)
		q := reminder.QuietHours{From: drawTime(r, "from"), Until: drawTime(r, "until")}
		want := at
		for quietAt(q, clock.Local(want, loc).Time) {
			want = want.Add(minute)
		}
		if got := q.Later(at, loc); !got.Equal(want) {
			r.Fatalf("%v of %v end at %v, want %v", q, at, got, want)
		}
	})
}

func quietAt(q reminder.QuietHours, shown civil.Time) bool {
	after, before := shown.Compare(q.From) >= 0, shown.Compare(q.Until) < 0
	switch q.From.Compare(q.Until) {
	case -1:
		return after && before
	case 1:
		return after || before
	}
	return false
}
