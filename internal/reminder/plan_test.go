package reminder_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

const (
	hour   = time.Hour
	minute = time.Minute
	tick   = time.Microsecond
)

var (
	organization, appointment, ann, flu, checkup = uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New()
	ref                                          = clinic.Ref{Organization: organization, ID: appointment}
)

// question is what Plan is asked. The visit is at noon in New York, 26 June 2026.
type question struct {
	notice  reminder.Notice
	visit   reminder.Visit
	contact reminder.Contact
	rules   []reminder.Rule
	now     time.Time
}

func ask(change ...func(*question)) question {
	start := utc("2026-06-26T16:00:00Z")
	now := start.Add(-10 * 24 * hour)
	q := question{
		notice: reminder.Notice{Appointment: ref, Version: 3, Kind: reminder.NoticeBooked, At: now, Trace: "00-trace"},
		visit:  reminder.Visit{Ref: ref, PatientID: ann, VisitKindID: flu, Version: 3, Stands: true, Start: start, TimeZone: "America/New_York"},
		contact: reminder.Contact{
			HasPhone: true, HasEmail: true, HasApp: true, Quiet: reminder.DefaultQuiet,
			Channels: []reminder.ChannelKind{reminder.SMS, reminder.Email, reminder.Push},
		},
		now: now,
	}
	for _, c := range change {
		c(&q)
	}
	return q
}

func (q question) plan() []reminder.Message {
	return reminder.Plan(q.notice, q.visit, q.contact, q.rules, q.now)
}

// told words a plan, a line for each row.
func told(list []reminder.Message) string {
	var b strings.Builder
	for _, m := range list {
		fmt.Fprintf(&b, "%s %s %s %d", m.Kind, m.Rule, m.Channel, m.Place)
		switch {
		case m.Cause != "":
			fmt.Fprintf(&b, " %s", m.Cause)
		case m.Due != nil && m.Both:
			fmt.Fprintf(&b, " both")
		case m.Due != nil:
			fmt.Fprintf(&b, " due")
		}
		fmt.Fprintf(&b, " %s\n", m.Scheduled.Format("02 15:04:05.999999"))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func want(t *testing.T, why string, q question, lines ...string) {
	t.Helper()
	if got := told(q.plan()); got != strings.Join(lines, "\n") {
		t.Errorf("%s:\n%s\nwant\n%s", why, got, strings.Join(lines, "\n"))
	}
}

// wantReminders looks at the first rows of reminders only.
func wantReminders(t *testing.T, why string, q question, at ...string) {
	t.Helper()
	var got []string
	for _, m := range q.plan() {
		if m.Kind == reminder.Remind && m.Place == 0 {
			got = append(got, m.Scheduled.Format("2006-01-02 15:04:05.999999"))
		}
	}
	if !slices.Equal(got, at) {
		t.Errorf("%s: reminders at %v, want %v", why, got, at)
	}
}

func utc(s string) time.Time {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return at
}

func kind(k reminder.NoticeKind) func(*question) { return func(q *question) { q.notice.Kind = k } }

func only(channels ...reminder.ChannelKind) func(*question) {
	return func(q *question) { q.contact.Channels = channels }
}

func rules(r ...reminder.Rule) func(*question) { return func(q *question) { q.rules = r } }

func before(key string, d time.Duration) reminder.Rule { return reminder.Rule{Key: key, Before: d} }

func days(key string, n, hour, minute int) reminder.Rule {
	return reminder.Rule{Key: key, DaysBefore: n, At: &civil.Time{Hour: hour, Minute: minute}}
}

func of(k uuid.UUID, r reminder.Rule) reminder.Rule { r.VisitKind = &k; return r }

func quiet(from, until int) func(*question) {
	return func(q *question) {
		q.contact.Quiet = reminder.QuietHours{From: civil.Time{Hour: from}, Until: civil.Time{Hour: until}}
	}
}

// visitAt sets the visit's place and time; the notice is three days before.
func visitAt(zone, start string) func(*question) {
	return func(q *question) {
		q.visit.TimeZone, q.visit.Start = zone, utc(start)
		q.now = q.visit.Start.Add(-3 * 24 * hour)
		q.notice.At = q.now
	}
}

// noticed is so long before the visit.
func noticed(d time.Duration) func(*question) {
	return func(q *question) { q.now = q.visit.Start.Add(-d); q.notice.At = q.now }
}

func delayed(d time.Duration) func(*question) {
	return func(q *question) { q.now = q.notice.At.Add(d) }
}

func TestABookingIsConfirmedAtOnceAndRemindedOfTwice(t *testing.T) {
	q := ask()
	want(t, "by default", q,
		"CONFIRMATION  SMS 0 due 16 16:00:00", "CONFIRMATION  EMAIL 1 16 16:00:00", "CONFIRMATION  PUSH 2 16 16:00:00",
		"REMINDER 1-days-before-at-10:00 SMS 0 due 25 14:00:00", "REMINDER 1-days-before-at-10:00 EMAIL 1 25 14:00:00", "REMINDER 1-days-before-at-10:00 PUSH 2 25 14:00:00",
		"REMINDER 120-min-before SMS 0 due 26 14:00:00", "REMINDER 120-min-before EMAIL 1 26 14:00:00", "REMINDER 120-min-before PUSH 2 26 14:00:00")
	for _, m := range q.plan() {
		if m.ID != uuid.Nil || m.Reference != "" || m.Ref().Organization != organization || m.AppointmentID != appointment || m.PatientID != ann ||
			m.Version != 3 || m.Trace != "00-trace" || m.State != reminder.Scheduled || m.EndedAt != nil {
			t.Errorf("a row is %+v", m)
		}
		if m.Due != nil && !m.Due.Equal(m.Scheduled) {
			t.Errorf("%s of %v is due at %v", m.Kind, m.Scheduled, m.Due)
		}
	}
}

func TestWhatIsToldOfEachNotice(t *testing.T) {
	const reminders = "REMINDER 1-days-before-at-10:00 SMS 0 due 25 14:00:00\nREMINDER 120-min-before SMS 0 due 26 14:00:00"
	gone := func(q *question) { q.visit.Stands = false }
	untold := func(k reminder.Kind) func(*question) { return func(q *question) { q.visit.Untold = k } }
	for _, c := range []struct {
		why    string
		change []func(*question)
		want   []string
	}{
		{"booked", []func(*question){kind(reminder.NoticeBooked)}, []string{"CONFIRMATION  SMS 0 due 16 16:00:00", reminders}},
		{"moved", []func(*question){kind(reminder.NoticeMoved)}, []string{"CHANGE  SMS 0 due 16 16:00:00", reminders}},
		{"restored", []func(*question){kind(reminder.NoticeRestored)}, []string{reminders}},
		{"restored before it was confirmed", []func(*question){kind(reminder.NoticeRestored), untold(reminder.Confirmation)}, []string{"CONFIRMATION  SMS 0 due 16 16:00:00", reminders}},
		{"restored before a move was told", []func(*question){kind(reminder.NoticeRestored), untold(reminder.Change)}, []string{"CHANGE  SMS 0 due 16 16:00:00", reminders}},
		{"restored to a request", []func(*question){kind(reminder.NoticeRestored), untold(reminder.Confirmation), gone}, nil},
		{"replanned", []func(*question){kind(reminder.NoticeReplanned)}, []string{reminders}},
		{"ended", []func(*question){kind(reminder.NoticeEnded)}, nil},
		{"ended, and stands not", []func(*question){kind(reminder.NoticeEnded), gone}, nil},
		{"cancelled", []func(*question){kind(reminder.NoticeCancelled), gone}, []string{"CANCELLATION  SMS 0 due 16 16:00:00"}},
		{"cancelled, but stands again since", []func(*question){kind(reminder.NoticeCancelled)}, nil},
		{"booked, but cancelled since", []func(*question){kind(reminder.NoticeBooked), gone}, nil},
		{"moved, but cancelled since", []func(*question){kind(reminder.NoticeMoved), gone}, nil},
		{"replanned, but cancelled since", []func(*question){kind(reminder.NoticeReplanned), gone}, nil},
		{"of nobody any more", []func(*question){func(q *question) { q.contact.Erased = true }}, nil},
		{"cancelled, of nobody any more", []func(*question){kind(reminder.NoticeCancelled), gone, func(q *question) { q.contact.Erased = true }}, nil},
	} {
		want(t, c.why, ask(append(c.change, only(reminder.SMS))...), c.want...)
	}
}

func TestABookingIsToldForSixHoursAndAnythingElseUntilTheStart(t *testing.T) {
	gone := func(q *question) { q.visit.Stands = false }
	reminders := "REMINDER 120-min-before SMS 0 due 26 14:00:00"
	last := "CONFIRMATION  SMS 0 due 25 16:00:00"
	day := noticed(24 * hour)
	want(t, "just before six hours", ask(only(reminder.SMS), day, delayed(6*hour-tick)), last, reminders)
	want(t, "after six hours", ask(only(reminder.SMS), day, delayed(6*hour)), "CONFIRMATION  SMS 0 TOO_LATE 25 16:00:00", reminders)
	want(t, "a change after six hours", ask(only(reminder.SMS), day, kind(reminder.NoticeMoved), delayed(6*hour)), "CHANGE  SMS 0 due 25 16:00:00", reminders)
	want(t, "a change just before the start", ask(only(reminder.SMS), day, kind(reminder.NoticeMoved), delayed(24*hour-tick)), "CHANGE  SMS 0 due 25 16:00:00")
	want(t, "a change at the start", ask(day, kind(reminder.NoticeMoved), delayed(24*hour)), "CHANGE  SMS 0 TOO_LATE 25 16:00:00")
	want(t, "too late, and nobody to tell", ask(only(), day, kind(reminder.NoticeMoved), delayed(24*hour)), "CHANGE  SMS 0 NO_CONSENT 25 16:00:00")
	want(t, "too late of a visit that is off", ask(day, gone, kind(reminder.NoticeMoved), delayed(24*hour)))
	want(t, "a cancellation just before the start", ask(only(reminder.SMS), day, gone, kind(reminder.NoticeCancelled), delayed(24*hour-tick)),
		"CANCELLATION  SMS 0 due 25 16:00:00")
	want(t, "a cancellation at the start", ask(only(reminder.SMS), day, gone, kind(reminder.NoticeCancelled), delayed(24*hour)),
		"CANCELLATION  SMS 0 TOO_LATE 25 16:00:00")
	want(t, "a cancellation of what has begun", ask(only(reminder.SMS), gone, kind(reminder.NoticeCancelled), noticed(0)))
	want(t, "a booking of what has begun", ask(only(reminder.SMS), noticed(0)))
	want(t, "a booking that a fast clock wrote at the start", ask(only(reminder.SMS), noticed(0), delayed(-5*minute)))
	want(t, "a booking of what is about to begin", ask(only(reminder.SMS), noticed(tick)), "CONFIRMATION  SMS 0 both 26 15:59:59.999999")
}

func TestExpiries(t *testing.T) {
	for _, c := range []struct {
		why    string
		change []func(*question)
		want   time.Duration // before the start, of the first row
	}{
		{"a confirmation, six hours on", []func(*question){noticed(9 * hour)}, 3 * hour},
		{"a confirmation, not after the start", []func(*question){noticed(5 * hour)}, 0},
		{"a change, at the start", []func(*question){kind(reminder.NoticeMoved), noticed(9 * hour)}, 0},
		{"a cancellation, at the start", []func(*question){kind(reminder.NoticeCancelled), func(q *question) { q.visit.Stands = false }, noticed(9 * hour)}, 0},
		{"a reminder, six hours on", []func(*question){kind(reminder.NoticeReplanned), rules(before("a", 8*hour)), quiet(0, 0)}, 2 * hour},
		{"a reminder, not after the start", []func(*question){kind(reminder.NoticeReplanned), rules(before("a", 4*hour))}, 0},
	} {
		q := ask(c.change...)
		if got := q.visit.Start.Sub(q.plan()[0].Expires); got != c.want {
			t.Errorf("%s: expires %v before the start, want %v", c.why, got, c.want)
		}
	}
}

func TestNearVisitsUseEveryChannel(t *testing.T) {
	none := rules(reminder.Rule{Key: "none", Off: true})
	want(t, "an hour before", ask(none, noticed(hour)),
		"CONFIRMATION  SMS 0 both 26 15:00:00", "CONFIRMATION  EMAIL 1 both 26 15:00:00", "CONFIRMATION  PUSH 2 both 26 15:00:00")
	want(t, "a little more", ask(none, noticed(hour+tick)), "CONFIRMATION  SMS 0 due 26 14:59:59.999999",
		"CONFIRMATION  EMAIL 1 26 14:59:59.999999", "CONFIRMATION  PUSH 2 26 14:59:59.999999")
	want(t, "reminders, too", ask(kind(reminder.NoticeReplanned), only(reminder.Email, reminder.SMS), rules(before("far", 61*minute), before("near", 15*minute))),
		"REMINDER far EMAIL 0 due 26 14:59:00", "REMINDER far SMS 1 26 14:59:00", "REMINDER near EMAIL 0 both 26 15:45:00", "REMINDER near SMS 1 both 26 15:45:00")
}

func TestChannelsThatCanBeUsed(t *testing.T) {
	none := rules(reminder.Rule{Key: "none", Off: true})
	unreachable := func(q *question) { q.contact.HasPhone, q.contact.HasEmail, q.contact.HasApp = false, false, false }
	mailOnly := func(q *question) { q.contact.HasPhone, q.contact.HasApp = false, false }
	at := " 16 16:00:00"
	want(t, "in their order", ask(none, only(reminder.Push, reminder.Email)), "CONFIRMATION  PUSH 0 due"+at, "CONFIRMATION  EMAIL 1"+at)
	want(t, "each once, and no calls", ask(none, only(reminder.Voice, reminder.Email, reminder.Email, "FAX")), "CONFIRMATION  EMAIL 0 due"+at)
	want(t, "where there is an address", ask(none, mailOnly), "CONFIRMATION  EMAIL 0 due"+at)
	want(t, "none has an address", ask(none, unreachable, only(reminder.Email, reminder.SMS)), "CONFIRMATION  EMAIL 0 NO_ADDRESS"+at)
	want(t, "none is allowed", ask(none, only()), "CONFIRMATION  SMS 0 NO_CONSENT"+at)
	want(t, "none but calls is allowed", ask(none, only(reminder.Voice)), "CONFIRMATION  SMS 0 NO_CONSENT"+at)
	want(t, "reminders aren't wanted", ask(only(reminder.Email), func(q *question) { q.contact.Wants.NoReminders = true }),
		"CONFIRMATION  EMAIL 0 due"+at, "REMINDER 1-days-before-at-10:00 EMAIL 0 NO_CONSENT 25 14:00:00", "REMINDER 120-min-before EMAIL 0 NO_CONSENT 26 14:00:00")
	for _, m := range ask(none, only()).plan() {
		if m.State != reminder.Suppressed || m.Due != nil || m.EndedAt == nil || !m.EndedAt.Equal(ask().now) {
			t.Errorf("what isn't sent on purpose is %+v", m)
		}
	}
}

func TestWhichRulesApply(t *testing.T) {
	house := []reminder.Rule{before("house", 5*hour), of(flu, before("flu", 3*hour)), of(flu, before("flu-too", 4*hour))}
	off := of(flu, reminder.Rule{Key: "off", Off: true})
	own := func(d ...time.Duration) func(*question) { return func(q *question) { q.contact.Wants.Before = d } }
	other := func(q *question) { q.visit.VisitKindID = checkup }
	again := kind(reminder.NoticeReplanned)
	for _, c := range []struct {
		why    string
		change []func(*question)
		want   []string
	}{
		{"the kind's", []func(*question){rules(house...)}, []string{"flu-too 12:00", "flu 13:00"}},
		{"the house's", []func(*question){rules(house...), other}, []string{"house 11:00"}},
		{"the default", []func(*question){rules(house[1:]...), other}, []string{"1-days-before-at-10:00 14:00", "120-min-before 14:00"}},
		{"none for the kind", []func(*question){rules(house[0], off)}, nil},
		{"none in the house", []func(*question){rules(reminder.Rule{Key: "off", Off: true})}, nil},
		{"one is off", []func(*question){rules(off, house[1])}, []string{"flu 13:00"}},
		{"the patient's own", []func(*question){rules(house...), own(100 * minute)}, []string{"own-100-min-before 14:20"}},
		{"no own where there are none", []func(*question){rules(house[0], off), own(100 * minute)}, nil},
	} {
		var got []string
		for _, m := range ask(append(c.change, again, only(reminder.SMS), quiet(0, 0))...).plan() {
			got = append(got, m.Rule+m.Scheduled.Format(" 15:04"))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
	}
}

func TestRemindersThatComeTooSoonOrTooClose(t *testing.T) {
	again := kind(reminder.NoticeReplanned)
	two := rules(before("early", 3*hour), before("late", 2*hour))
	both, late := []string{"2026-06-26 13:00:00", "2026-06-26 14:00:00"}, []string{"2026-06-26 14:00:00"}
	wantReminders(t, "five minutes after the confirmation", ask(two, noticed(3*hour+5*minute)), both...)
	wantReminders(t, "less", ask(two, noticed(3*hour+5*minute-tick)), late...)
	wantReminders(t, "five minutes after the confirmation is written", ask(two, noticed(4*hour), delayed(55*minute)), both...)
	wantReminders(t, "less", ask(two, noticed(4*hour), delayed(55*minute+tick)), late...)
	wantReminders(t, "five minutes after one that a fast clock wrote", ask(two, noticed(3*hour), delayed(-5*minute)), late...)
	wantReminders(t, "at once, where nothing else is told", ask(two, again, noticed(3*hour)), both...)
	wantReminders(t, "past", ask(two, again, noticed(3*hour-tick)), late...)
	wantReminders(t, "past by the time that it is planned anew", ask(two, again, noticed(3*hour), delayed(90*minute)), both...)
	wantReminders(t, "past, of a visit that is another by now", ask(two, again, noticed(3*hour), delayed(90*minute), func(q *question) { q.visit.Version++ }))
	restored := kind(reminder.NoticeRestored)
	wantReminders(t, "past when the visit is restored", ask(two, restored, noticed(90*minute)), both...)
	wantReminders(t, "past, and the news comes now", ask(two, restored, noticed(90*minute), func(q *question) { q.visit.Untold = reminder.Change }))
	six := rules(before("early", 10*hour), before("late", 9*hour))
	wantReminders(t, "as past as makes sense", ask(six, restored, quiet(0, 0), noticed(4*hour+tick)), "2026-06-26 06:00:00", "2026-06-26 07:00:00")
	wantReminders(t, "and more", ask(six, restored, quiet(0, 0), noticed(4*hour)), "2026-06-26 07:00:00")
	wantReminders(t, "half an hour apart", ask(again, rules(before("a", 150*minute), before("b", 2*hour))), "2026-06-26 13:30:00", "2026-06-26 14:00:00")
	wantReminders(t, "less: the last stays", ask(again, rules(before("a", 150*minute-tick), before("b", 2*hour))), late...)
	wantReminders(t, "three in a row", ask(again, rules(before("a", 160*minute), before("b", 140*minute), before("c", 2*hour))),
		"2026-06-26 13:20:00", "2026-06-26 14:00:00")
	wantReminders(t, "the same twice", ask(again, rules(before("a", 2*hour), before("b", 2*hour))), late...)
	wantReminders(t, "before the start", ask(again, rules(before("a", tick)), quiet(0, 0)), "2026-06-26 15:59:59.999999")
	wantReminders(t, "at the start", ask(again, rules(before("a", 0)), quiet(0, 0)))
	wantReminders(t, "after the start, by the clock of the day", ask(again, rules(days("a", 0, 12, 0))))
	wantReminders(t, "just before it", ask(again, rules(days("a", 0, 11, 59))), "2026-06-26 15:59:00")
	wantReminders(t, "after the start, and quiet hours don't help", ask(again, rules(days("a", 0, 12, 30)), quiet(12, 13)))
}

func TestQuietHoursMoveRemindersEarlier(t *testing.T) {
	again := kind(reminder.NoticeReplanned)
	home := func(zone string) func(*question) { return func(q *question) { q.contact.TimeZone = zone } }
	at := func(d time.Duration) func(*question) { return rules(before("a", d)) } // the visit is at 12:00 in New York
	for _, c := range []struct {
		why    string
		change []func(*question)
		want   string
	}{
		{"as they end", []func(*question){at(4 * hour)}, "2026-06-26 12:00:00"},
		{"just before they end: to when they began", []func(*question){at(4*hour + tick)}, "2026-06-26 01:00:00"},
		{"as they begin", []func(*question){at(15 * hour)}, "2026-06-26 01:00:00"},
		{"just before they begin", []func(*question){at(15*hour + tick)}, "2026-06-26 00:59:59.999999"},
		{"within a day, before they end", []func(*question){at(hour + tick), quiet(9, 11)}, "2026-06-26 13:00:00"},
		{"within a day, as they end", []func(*question){at(hour), quiet(9, 11)}, "2026-06-26 15:00:00"},
		{"never", []func(*question){at(9 * hour), quiet(3, 3)}, "2026-06-26 07:00:00"},
		{"where the patient lives, not the visit", []func(*question){at(4 * hour), home("America/Los_Angeles")}, "2026-06-26 04:00:00"},
		{"where nobody knows where: the visit's", []func(*question){at(5 * hour), home("Middle/Earth")}, "2026-06-26 01:00:00"},
		{"a visit in quiet hours", []func(*question){at(2 * hour), visitAt("America/New_York", "2026-06-26T03:00:00Z")}, "2026-06-26 01:00:00"},
	} {
		wantReminders(t, c.why, ask(append(c.change, again)...), c.want)
	}
	wantReminders(t, "to before the booking: not at all", ask(at(5*hour), noticed(8*hour)))
	want(t, "news comes at any hour", ask(only(reminder.SMS), at(5*hour), noticed(10*hour)), "CONFIRMATION  SMS 0 due 26 06:00:00")
	wantReminders(t, "moved next to another: the last stays", ask(again, rules(before("a", 15*hour+29*minute), before("b", 5*hour))), "2026-06-26 01:00:00")
}

func TestRemindersWhereTheClockChanges(t *testing.T) {
	again := kind(reminder.NoticeReplanned)
	for _, c := range []struct {
		why, zone, start string
		rule             reminder.Rule
		from, until      int
		want             string
	}{
		{"the day before a gap", "America/New_York", "2026-03-08T14:00:00Z", days("a", 1, 10, 0), 21, 8, "2026-03-07 15:00:00"},
		{"in a gap: as much later", "America/New_York", "2026-03-09T14:00:00Z", days("a", 1, 2, 30), 0, 0, "2026-03-08 07:30:00"},
		{"in a fold: the first", "America/New_York", "2026-11-02T15:00:00Z", days("a", 1, 1, 30), 0, 0, "2026-11-01 05:30:00"},
		{"hours are hours over a gap", "America/New_York", "2026-03-08T14:00:00Z", before("a", 24*hour), 21, 8, "2026-03-07 14:00:00"},
		{"half an hour's gap", "Australia/Lord_Howe", "2026-10-04T23:00:00Z", days("a", 1, 2, 15), 0, 0, "2026-10-03 15:45:00"},
		{"half an hour's fold", "Australia/Lord_Howe", "2026-04-05T23:00:00Z", days("a", 1, 1, 45), 0, 0, "2026-04-04 14:45:00"},
		{"the day before was left out", "Pacific/Apia", "2011-12-30T21:00:00Z", days("a", 1, 10, 0), 21, 8, "2011-12-29 20:00:00"},
		{"two days before", "Pacific/Apia", "2011-12-30T21:00:00Z", days("a", 2, 10, 0), 21, 8, "2011-12-28 20:00:00"},
		{"quiet hours begin before a day that is left out", "Pacific/Apia", "2011-12-30T21:00:00Z", before("a", 4*hour), 21, 8, "2011-12-30 07:00:00"},
		{"quiet hours over a gap", "America/New_York", "2026-03-08T14:00:00Z", before("a", 150*minute), 21, 8, "2026-03-08 02:00:00"},
		{"they begin in a gap: where the clock jumps", "America/New_York", "2026-03-08T14:00:00Z", before("a", 6*hour+30*minute), 2, 4, "2026-03-08 07:00:00"},
		{"they begin in a fold, and the first of them is over", "America/New_York", "2026-11-01T15:00:00Z", before("a", 8*hour+15*minute), 1, 3, "2026-11-01 05:00:00"},
		{"they begin at midnight of a day without one", "America/Sao_Paulo", "2018-11-04T12:00:00Z", before("a", 6*hour), 0, 8, "2018-11-04 03:00:00"},
	} {
		wantReminders(t, c.why, ask(again, visitAt(c.zone, c.start), rules(c.rule), quiet(c.from, c.until)), c.want)
	}
}
