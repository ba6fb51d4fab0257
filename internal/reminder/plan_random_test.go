package reminder_test

import (
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Every zone, around its clock changes: what Plan answers is what somebody finds who looks at clocks minute by minute.
func TestPlanAgreesWithAWatcher(t *testing.T) {
	zones := clock.ZoneNames()
	rapid.Check(t, func(r *rapid.T) {
		q := drawQuestion(r, zones)
		w := watch(q)
		got := q.plan()
		w.checkNews(r, got)
		w.checkReminders(r, got)
		w.checkRows(r, got)
		if again := told(q.plan()); again != told(got) {
			r.Fatalf("asked again it is %s, not %s", again, told(got))
		}
	})
}

// What was taken back to be planned anew is planned, under the same rule and for the same time, however late that is done.
func TestPlansDoNotDependOnWhenTheyAreMade(t *testing.T) {
	zones := clock.ZoneNames()
	rapid.Check(t, func(r *rapid.T) {
		q := drawQuestion(r, zones)
		q.notice.Kind = reminder.NoticeReplanned
		then := q
		then.now = q.now.Add(time.Duration(rapid.IntRange(0, 7*24*60).Draw(r, "later")) * minute)
		if !then.now.Before(q.visit.Start) {
			return
		}
		if a, b := times(q.plan()), times(then.plan()); !slices.Equal(a, b) {
			r.Fatalf("planned for\n%s\nand later for\n%s", a, b)
		}
	})
}

// times are what reminders there are, and when.
func times(list []reminder.Message) (all []string) {
	for _, m := range list {
		all = append(all, m.Rule+m.Scheduled.Format(" 02 15:04:05"))
	}
	return slices.Compact(all)
}

// drawQuestion draws a visit near a change of its zone's clock, if there is one.
func drawQuestion(r *rapid.T, zones []string) question {
	q := ask()
	place := rapid.SampledFrom(zones).Draw(r, "zone")
	q.visit.TimeZone = place
	q.contact.TimeZone = rapid.SampledFrom([]string{place, place, "", rapid.SampledFrom(zones).Draw(r, "other zone")}).Draw(r, "home")
	q.visit.Start = nearChange(r, place).Add(time.Duration(rapid.IntRange(-60, 60*60).Draw(r, "start")) * minute)
	q.visit.Stands = !rare(r, "off")
	q.notice.Kind = rapid.SampledFrom([]reminder.NoticeKind{reminder.NoticeBooked, reminder.NoticeMoved, reminder.NoticeCancelled,
		reminder.NoticeEnded, reminder.NoticeRestored, reminder.NoticeReplanned}).Draw(r, "notice")
	q.visit.Untold = rapid.SampledFrom([]reminder.Kind{"", "", reminder.Confirmation, reminder.Change}).Draw(r, "untold")
	q.notice.At = q.visit.Start.Add(-time.Duration(rapid.SampledFrom([]int{-30, 30, 60, 61, 300, 1500, 6000, 15000}).Draw(r, "ahead")) * minute)
	q.now = q.notice.At.Add(time.Duration(rapid.SampledFrom([]int{-50, 0, 0, 1, 359, 360, 2000}).Draw(r, "delay")) * minute)
	q.contact.Quiet = reminder.QuietHours{From: drawTime(r, "from"), Until: drawTime(r, "until")}
	q.contact.Channels = rapid.SliceOfN(rapid.SampledFrom([]reminder.ChannelKind{reminder.SMS, reminder.Email, reminder.Push, reminder.Voice}), 0, 4).Draw(r, "channels")
	q.contact.HasPhone, q.contact.HasEmail, q.contact.HasApp = !rare(r, "no phone"), !rare(r, "no e-mail"), !rare(r, "no app")
	q.contact.Erased, q.contact.Wants.NoReminders = rare(r, "erased"), rare(r, "no reminders")
	for i := range rapid.IntRange(1, 4).Draw(r, "rules") {
		key := string(rune('a' + i))
		if rapid.Bool().Draw(r, "offset") {
			q.rules = append(q.rules, before(key, time.Duration(rapid.SampledFrom([]int{0, 15, 60, 120, 140, 1440, 3000}).Draw(r, "before"))*minute))
			continue
		}
		local := drawTime(r, "at")
		q.rules = append(q.rules, reminder.Rule{Key: key, DaysBefore: rapid.IntRange(0, 4).Draw(r, "days"), At: &local})
	}
	return q
}

func rare(r *rapid.T, name string) bool { return rapid.IntRange(0, 7).Draw(r, name) == 7 }

func drawTime(r *rapid.T, name string) civil.Time {
	m := 15 * rapid.IntRange(0, 95).Draw(r, name)
	return civil.Time{Hour: m / 60, Minute: m % 60}
}

// nearChange draws an instant at which a zone changes its clock, of the years in which offsets are whole minutes.
func nearChange(r *rapid.T, name string) time.Time {
	loc, _ := clock.Zone(name)
	year := time.Date(rapid.IntRange(1980, 2045).Draw(r, "year"), 1, 1, 0, 0, 0, 0, time.UTC)
	var changes []time.Time
	for s := range clock.Segments(year, year.AddDate(1, 0, 0), loc) {
		changes = append(changes, s.Start)
	}
	return rapid.SampledFrom(changes).Draw(r, "change")
}

// watcher finds by looking at clocks what Plan works out.
type watcher struct {
	question
	place, home *time.Location
	silent      bool // nothing can be told at all
}

func watch(q question) watcher {
	w := watcher{question: q}
	w.place, _ = clock.Zone(q.visit.TimeZone)
	w.home = w.place
	if q.contact.TimeZone != "" {
		w.home, _ = clock.Zone(q.contact.TimeZone)
	}
	w.silent = q.contact.Erased || q.notice.Kind == reminder.NoticeEnded
	return w
}

func (w watcher) news() (kind reminder.Kind) {
	switch n := w.notice; {
	case w.silent, !n.At.Before(w.visit.Start), w.visit.Stands == (n.Kind == reminder.NoticeCancelled):
		return ""
	case n.Kind == reminder.NoticeCancelled:
		return reminder.Cancellation
	case n.Kind == reminder.NoticeRestored:
		return w.visit.Untold
	case n.Kind == reminder.NoticeBooked:
		return reminder.Confirmation
	case n.Kind == reminder.NoticeMoved:
		return reminder.Change
	}
	return ""
}

// late says whether the news makes no sense any more.
func (w watcher) late() bool {
	return !w.now.Before(w.visit.Start) || w.news() == reminder.Confirmation && w.now.Sub(w.notice.At) >= 6*hour
}

func (w watcher) checkNews(r *rapid.T, got []reminder.Message) {
	want := w.news()
	for i, m := range got {
		switch {
		case m.Kind != reminder.Remind && (m.Kind != want || !m.Scheduled.Equal(w.notice.At) || m.Rule != ""):
			r.Fatalf("told is %s, want %q", told(got), want)
		case m.Kind != reminder.Remind && i > 0 && got[i-1].Kind == reminder.Remind:
			r.Fatalf("news comes after reminders: %s", told(got))
		}
	}
	if want != "" && (len(got) == 0 || got[0].Kind != want) {
		r.Fatalf("told is %s, want %s", told(got), want)
	}
}

// soonest is since when reminders are owed.
func (w watcher) soonest() time.Time {
	switch {
	case w.news() != "" && !w.late():
		return slices.MaxFunc([]time.Time{w.now, w.notice.At}, time.Time.Compare).Add(5 * minute)
	case w.notice.Kind == reminder.NoticeReplanned:
		return w.notice.At
	case w.notice.Kind == reminder.NoticeRestored:
		return w.notice.At.Add(-6 * hour)
	}
	return w.now
}

// checkReminders holds the plan against all that the rules would yield.
func (w watcher) checkReminders(r *rapid.T, got []reminder.Message) {
	soonest := w.soonest()
	may := map[string]time.Time{}
	for _, rule := range w.rules {
		if at := w.instant(rule); at.Before(w.visit.Start) {
			gone := w.notice.Kind == reminder.NoticeRestored && w.now.Sub(w.loud(at)) >= 6*hour
			if at = w.loud(at); !at.Before(soonest) && !gone && !w.silent && w.now.Before(w.visit.Start) && w.visit.Stands && w.notice.Kind != reminder.NoticeCancelled {
				may[rule.Key] = at
			}
		}
	}
	planned := map[string]time.Time{}
	for _, m := range got {
		if at, ok := may[m.Rule]; m.Kind == reminder.Remind && (!ok || !at.Equal(m.Scheduled)) {
			r.Fatalf("reminded by %s at %v, want %v (%v)", m.Rule, m.Scheduled, at, ok)
		} else if m.Kind == reminder.Remind {
			planned[m.Rule] = at
		}
	}
	for key, at := range may {
		_, kept := planned[key]
		covered := false // by a later one, which stays
		for other, then := range planned {
			gap := then.Sub(at)
			if kept && other != key && gap.Abs() < 30*minute {
				r.Fatalf("%s at %v and %s at %v are both planned", key, at, other, then)
			}
			covered = covered || gap >= 0 && gap < 30*minute
		}
		if !kept && !covered {
			r.Fatalf("%s at %v isn't planned: %s", key, at, told(got))
		}
	}
}

// checkRows looks at what each thing to tell is told by.
func (w watcher) checkRows(r *rapid.T, got []reminder.Message) {
	has := map[reminder.ChannelKind]bool{reminder.SMS: w.contact.HasPhone, reminder.Email: w.contact.HasEmail, reminder.Push: w.contact.HasApp}
	var usable []reminder.ChannelKind
	for _, k := range w.contact.Channels {
		if has[k] && !slices.Contains(usable, k) {
			usable = append(usable, k)
		}
	}
	for i := 0; i < len(got); {
		first, n := got[i], 0
		for ; i < len(got) && got[i].Kind == first.Kind && got[i].Rule == first.Rule; i++ {
			m := got[i]
			w.checkRow(r, m)
			if m.Cause == "" && (n >= len(usable) || m.Channel != usable[n] || m.Place != n || (m.Due != nil) != (n == 0 || m.Both)) {
				r.Fatalf("row %d of %s", n, told(got))
			}
			n++
		}
		if want := max(len(usable), 1); first.Cause == "" && n != want || first.Cause != "" && n != 1 {
			r.Fatalf("%d rows in %s", n, told(got))
		}
		refused := first.Kind == reminder.Remind && w.contact.Wants.NoReminders
		expired := !w.now.Before(first.Expires) && len(usable) > 0 && !refused
		if (first.Cause != "") != (len(usable) == 0 || refused || expired) || (first.State == reminder.Expired) != expired {
			r.Fatalf("not sent is %s", told(got))
		}
	}
}

func (w watcher) checkRow(r *rapid.T, m reminder.Message) {
	start := w.visit.Start
	if m.Due != nil && !m.Due.Equal(m.Scheduled) || m.Both != (m.Cause == "" && start.Sub(m.Scheduled) <= hour) {
		r.Fatalf("%+v", m)
	}
	if !m.Scheduled.Before(m.Expires) || m.Expires.After(start) || !m.Expires.After(w.now) && m.State == reminder.Scheduled ||
		(m.Kind == reminder.Confirmation || m.Kind == reminder.Remind) && m.Expires.Sub(m.Scheduled) > 6*hour {
		r.Fatalf("it is told from %v until %v: %+v", m.Scheduled, m.Expires, m)
	}
	if m.Again != (w.notice.Kind == reminder.NoticeRestored && m.Kind == reminder.Remind && m.Scheduled.Before(w.now)) {
		r.Fatalf("only if it was planned before: %v, %+v", m.Again, m)
	}
	if m.ID != uuid.Nil || m.Ref() != (clinic.Ref{Organization: w.visit.Ref.Organization}) || m.AppointmentID != w.visit.Ref.ID || m.PatientID != w.visit.PatientID {
		r.Fatalf("it is of another: %+v", m)
	}
}

// instant is when a rule reminds: of a local time, the watcher goes back until the clock has shown as many other days.
func (w watcher) instant(rule reminder.Rule) time.Time {
	if rule.At == nil {
		return w.visit.Start.Add(-rule.Before)
	}
	seen := []civil.Date{clock.Local(w.visit.Start, w.place).Date}
	for at := w.visit.Start; len(seen) <= rule.DaysBefore; at = at.Add(-minute) {
		if d := clock.Local(at, w.place).Date; d.Before(seen[len(seen)-1]) {
			seen = append(seen, d)
		}
	}
	return clock.Instant(civil.DateTime{Date: seen[rule.DaysBefore], Time: *rule.At}, w.place)
}

// loud goes back from an instant in quiet hours to the first of them.
func (w watcher) loud(at time.Time) time.Time {
	quiet := func(t time.Time) bool {
		shown, from, until := clock.Local(t, w.home).Time, w.contact.Quiet.From, w.contact.Quiet.Until
		after, before := shown.Compare(from) >= 0, shown.Compare(until) < 0
		switch from.Compare(until) {
		case -1:
			return after && before
		case 1:
			return after || before
		}
		return false
	}
	for quiet(at) && quiet(at.Add(-minute)) {
		at = at.Add(-minute)
	}
	return at
}
