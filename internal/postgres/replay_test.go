package postgres_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// drawer is a post with what was given up there.
type drawer struct {
	*post
	*reminder.DeadLetters
	rests []time.Duration
	halt  error         // why it doesn't rest
	takes time.Duration // a step
}

func newDrawer(t *testing.T) *drawer {
	d := &drawer{post: newPost(t)}
	d.DeadLetters = reminder.NewDeadLetters(d.store, clinic.Source{Clock: d.clock, NewID: sample.NewID}, func(_ context.Context, long time.Duration) error {
		d.rests = append(d.rests, long)
		return d.halt
	})
	return d
}

// texted is a visit of somebody who has a telephone only.
func (d *drawer) texted(hour int) appointment.Appointment {
	d.t.Helper()
	who := d.Patient()
	d.Reachable(who.PatientID, "+15005550006", "")
	booked, err := d.book(who, d.Slot(d.Provider(1), hour, 0))
	if err != nil {
		d.t.Fatal(err)
	}
	return booked.Appointment
}

// lost is such a visit whose confirmation was refused.
func (d *drawer) lost(hour int) appointment.Appointment {
	d.t.Helper()
	a := d.texted(hour)
	d.sms.answers = []error{reminder.Refused{Cause: reminder.Unauthorized, Code: "20003"}}
	d.carry()
	return a
}

func (d *drawer) letters() []reminder.DeadLetter {
	d.t.Helper()
	page, err := d.All(context.Background(), reminder.DeadLetterFilter{}, paging.Window{Size: 100})
	if err != nil {
		d.t.Fatal(err)
	}
	return page.Items
}

var operator = access.Actor{Kind: access.System, Client: "mediconnect dead-letters", RequestID: "run"}

// again replays whatever waits, and answers what came of it.
func (d *drawer) again(change ...func(*reminder.Run)) map[reminder.ReplayOutcome]int {
	d.t.Helper()
	run, came := reminder.Run{By: operator, Rate: 100}, map[reminder.ReplayOutcome]int{}
	for _, c := range change {
		c(&run)
	}
	err := d.ReplayAll(context.Background(), run, func(counts []reminder.OutcomeCount) {
		d.clock.Set(d.clock.Now().Add(d.takes))
		for _, c := range counts {
			came[c.Outcome] += c.Count
		}
	})
	if err != nil && err != d.halt {
		d.t.Fatal(err)
	}
	return came
}

func only(outcome reminder.ReplayOutcome, n int) map[reminder.ReplayOutcome]int {
	return map[reminder.ReplayOutcome]int{outcome: n}
}

func equalled(a, b map[reminder.ReplayOutcome]int) bool {
	if len(a) != len(b) {
		return false
	}
	for k, n := range a {
		if b[k] != n {
			return false
		}
	}
	return true
}

func TestWhatWasGivenUpIsSentAgainOnce(t *testing.T) {
	d := newDrawer(t)
	d.lost(10)
	if came := d.again(func(r *reminder.Run) { r.DryRun = true }); !equalled(came, only(reminder.Replayed, 1)) {
		t.Fatalf("it is foreseen that %v", came)
	}
	d.carry()
	if len(d.sms.letters) != 0 || d.letters()[0].Replayed != nil {
		t.Fatalf("foreseeing did something: %v %+v", d.sms.told(), d.letters())
	}
	if came := d.again(); !equalled(came, only(reminder.Replayed, 1)) {
		t.Fatalf("replayed, and %v", came)
	}
	if came := d.again(); len(came) != 0 {
		t.Fatalf("a second time, %v", came)
	}
	d.carry()
	d.carry()
	if !alike(d.sms.told(), reminder.Confirmation) {
		t.Fatalf("told %v; %v", d.sms.told(), d.states())
	}
	letter := d.letters()[0]
	if letter.Replayed == nil || letter.Outcome != reminder.Replayed || letter.Cause != reminder.Unauthorized || letter.Code != "20003" {
		t.Errorf("the letter is %+v", letter)
	}
	if d.number(`SELECT count(*) FROM audit_events WHERE organization_id = $1 AND action = 'reminder.replay' AND patient_id IS NOT NULL AND actor_kind = 'SYSTEM'`) != 1 {
		t.Error("it isn't recorded whose message was sent again")
	}
}

// An older letter of a message that was replayed by a later one, and one whose message was sent meanwhile, send nothing.
func TestNoLetterSendsAMessageThatWentOut(t *testing.T) {
	d := newDrawer(t)
	d.lost(10)
	d.Set(`INSERT INTO dead_letters (organization_id, message_id, generation, channel, kind, died_at, cause, tries)
		SELECT organization_id, message_id, generation + 1, channel, kind, died_at, cause, tries FROM dead_letters WHERE organization_id = $1`)
	if came := d.again(); came[reminder.Replayed] != 1 || came[reminder.OlderLetter] != 1 {
		t.Fatalf("of two letters of a message, %v", came)
	}
	d.Set(`UPDATE dead_letters SET replayed_at = NULL, outcome = NULL WHERE organization_id = $1`)
	if came := d.again(); !equalled(came, only(reminder.UnderWay, 2)) {
		t.Fatalf("while it is due, %v", came)
	}
	d.carry()
	for state, want := range map[string]reminder.ReplayOutcome{
		"SENT": reminder.AlreadySent, "DELIVERED": reminder.AlreadySent, "UNKNOWN": reminder.MaybeSent, "CANCELLED": reminder.Overtaken, "SUPPRESSED": reminder.NotToBeSent,
	} {
		d.Set(`UPDATE dead_letters SET replayed_at = NULL, outcome = NULL WHERE organization_id = $1`)
		d.Set(`UPDATE messages SET state = $2 WHERE organization_id = $1 AND kind = 'CONFIRMATION'`, state)
		if came := d.again(); !equalled(came, only(want, 2)) {
			t.Errorf("%s: %v", state, came)
		}
		if d.number(`SELECT count(*) FROM messages WHERE organization_id = $1 AND kind = 'CONFIRMATION' AND due_at IS NOT NULL`) != 0 {
			t.Errorf("%s: it is due again", state)
		}
	}
}

func TestWhatMakesNoSenseAnyMoreIsNotSentAgain(t *testing.T) {
	d := newDrawer(t)
	cancelled, begun := d.lost(10), d.lost(11)
	d.cancel(cancelled)
	d.clock.Set(begun.Start)
	if came := d.again(); came[reminder.Overtaken] != 1 || came[reminder.PastIt] != 1 || len(came) != 2 {
		t.Fatalf("%v", came)
	}
}

// Who confirms by another way is still told; and a message whose time was over has another 6 hours, or until the visit begins.
func TestWhatExpiredInAnOutageLivesAgain(t *testing.T) {
	d := newDrawer(t)
	a := d.lost(16)
	d.Set(`UPDATE messages SET state = 'EXPIRED', expires_at = scheduled_for WHERE organization_id = $1 AND kind = 'CONFIRMATION'`)
	if _, err := d.Change(context.Background(), d.FrontDesk(), appointment.ChangeState{Appointment: a.Ref(), Action: appointment.Confirm}); err != nil {
		t.Fatal(err)
	}
	if came := d.again(); !equalled(came, only(reminder.Replayed, 1)) {
		t.Fatalf("%v", came)
	}
	var expires time.Time
	if err := d.pool.QueryRow(t.Context(), `SELECT expires_at FROM messages WHERE organization_id = $1 AND kind = 'CONFIRMATION'`, d.Organization).Scan(&expires); err != nil {
		t.Fatal(err)
	}
	if want := d.clock.Now().Add(6 * time.Hour); !expires.Equal(want) {
		t.Errorf("expires %s, want %s", expires, want)
	}
	d.carry()
	if !alike(d.sms.told(), reminder.Confirmation) {
		t.Errorf("told %v", d.sms.told())
	}
}

// Both channels were given up. One is tried, and the other waits for it to fail.
func TestTheSameIsToldByOneChannel(t *testing.T) {
	for name, answer := range map[string]error{"the first works": nil, "the first fails": reminder.Refused{Cause: reminder.Landline, Code: "21614"}} {
		t.Run(name, func(t *testing.T) {
			d := newDrawer(t)
			d.booked()
			refused := reminder.Refused{Cause: reminder.Unauthorized, Code: "401"}
			d.sms.answers, d.email.answers = []error{refused}, []error{refused}
			d.carry()
			d.carry()
			if came := d.again(); came[reminder.Replayed] != 1 || came[reminder.UnderWay] != 1 {
				t.Fatalf("%v; %v", came, d.states())
			}
			if answer != nil {
				d.sms.answers = []error{answer}
			}
			for range 3 {
				d.carry()
				d.clock.Advance(6 * time.Minute)
			}
			if all := slices.Concat(d.sms.told(), d.email.told()); !alike(all, reminder.Confirmation) {
				t.Errorf("told %v and %v: %v", d.sms.told(), d.email.told(), d.states())
			}
		})
	}
}

func TestARunKeepsItsRateAndGoesOnWhereItWasStopped(t *testing.T) {
	d := newDrawer(t)
	for range 5 {
		d.lost(10)
	}
	d.halt = context.Canceled
	if came := d.again(func(r *reminder.Run) { r.Rate = 2 }); !equalled(came, only(reminder.Replayed, 2)) || len(d.rests) != 1 || d.rests[0] != time.Second {
		t.Fatalf("before it was stopped: %v, resting %v", came, d.rests)
	}
	d.halt, d.takes = nil, 300*time.Millisecond
	if came := d.again(func(r *reminder.Run) { r.Rate, r.Limit = 2, 1 }); !equalled(came, only(reminder.Replayed, 1)) {
		t.Fatalf("one more: %v", came)
	}
	if last := d.rests[len(d.rests)-1]; last != 200*time.Millisecond {
		t.Errorf("after a step of 0.3 s it rests for %s", last)
	}
	if came := d.again(func(r *reminder.Run) { r.Rate = 2 }); !equalled(came, only(reminder.Replayed, 2)) {
		t.Fatalf("the rest: %v", came)
	}
	d.carry()
	if len(d.sms.letters) != 5 {
		t.Errorf("%d of 5 were told", len(d.sms.letters))
	}
}

// Two operators replay the same at once.
func TestTwoWhoReplayAtOnceSendNothingTwice(t *testing.T) {
	d := newDrawer(t)
	for range 8 {
		d.lost(10)
	}
	var ids []uuid.UUID
	for _, letter := range d.letters() {
		ids = append(ids, letter.ID)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	came := 0
	for range 4 {
		all.Go(func() {
			done, err := d.store.Replay(context.Background(), reminder.Replay{
				By: clinic.Stamp{Actor: operator, At: d.clock.Now(), AuditID: sample.NewID()}, Organization: d.Organization, Letters: ids, NewID: sample.NewID,
			})
			mu.Lock()
			defer mu.Unlock()
			came += len(done.List)
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if came != 8 || d.number(`SELECT max(generation) FROM messages WHERE organization_id = $1 AND kind = 'CONFIRMATION'`) != 1 {
		t.Errorf("%d letters were replayed, of 8", came)
	}
}

// A visit is cancelled while its letter is replayed: whoever comes first, nothing of the old visit is sent once that is answered.
func TestAReplayWaitsForWhoChangesTheVisit(t *testing.T) {
	d := newDrawer(t)
	a := d.lost(10)
	tx, err := d.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(t.Context(), `UPDATE appointments SET status = 'CANCELLED', version = version + 1 WHERE organization_id = $1 AND id = $2`, d.Organization, a.ID); err != nil {
		t.Fatal(err)
	}
	came := make(chan map[reminder.ReplayOutcome]int, 1)
	go func() { came <- d.again() }()
	d.awaitBlocked(func() bool { return len(came) > 0 })
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-came; !equalled(got, only(reminder.Overtaken, 1)) {
		t.Errorf("%v", got)
	}
}

func TestLettersAreFoundByWhatTheyAre(t *testing.T) {
	d := newDrawer(t)
	d.lost(10)
	d.Set(`INSERT INTO dead_letters (organization_id, message_id, generation, channel, kind, died_at, cause, tries)
		SELECT organization_id, message_id, 7, 'EMAIL', 'REMINDER', died_at + interval '1 hour', 'VENDOR_UNAVAILABLE', 5 FROM dead_letters WHERE organization_id = $1`)
	no := false
	for name, c := range map[string]struct {
		f    reminder.DeadLetterFilter
		want int
	}{
		"all":                 {reminder.DeadLetterFilter{}, 2},
		"of the clinic":       {reminder.DeadLetterFilter{Organization: d.Organization}, 2},
		"of another":          {reminder.DeadLetterFilter{Organization: sample.NewID()}, 0},
		"by channel":          {reminder.DeadLetterFilter{Channel: reminder.Email}, 1},
		"by kind":             {reminder.DeadLetterFilter{Kind: reminder.Confirmation}, 1},
		"by cause":            {reminder.DeadLetterFilter{Cause: reminder.VendorUnavailable}, 1},
		"from the second on":  {reminder.DeadLetterFilter{From: d.clock.Now().Add(time.Hour)}, 1},
		"before the second":   {reminder.DeadLetterFilter{To: d.clock.Now().Add(time.Hour)}, 1},
		"that wait":           {reminder.DeadLetterFilter{Replayed: &no}, 2},
		"none of these words": {reminder.DeadLetterFilter{Channel: reminder.Voice}, 0},
	} {
		page, err := d.All(t.Context(), c.f, paging.Window{Size: 10})
		if n, failed := d.store.CountDeadLetters(t.Context(), c.f); err != nil || failed != nil || len(page.Items) != c.want || n != c.want {
			t.Errorf("%s: %d letters (%v), counted %d (%v)", name, len(page.Items), err, n, failed)
		}
	}
	first, err := d.All(t.Context(), reminder.DeadLetterFilter{}, paging.Window{Size: 1})
	if err != nil || !first.HasNext {
		t.Fatal(first, err)
	}
	next, err := d.All(t.Context(), reminder.DeadLetterFilter{}, paging.Window{Size: 1, After: reminder.DeadLetterKey(first.Items[0])})
	if err != nil || next.HasNext || len(next.Items) != 1 || next.Items[0].Generation != 7 {
		t.Errorf("the next page is %+v (%v)", next, err)
	}
}
