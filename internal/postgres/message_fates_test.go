package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// told lists the kinds of letters that a vendor took.
func (v *vendor) told() (kinds []reminder.Kind) {
	for _, l := range v.letters {
		kinds = append(kinds, l.Kind)
	}
	return kinds
}

// states counts the messages of the clinic by channel and state.
func (p *post) states() map[string]int {
	p.t.Helper()
	rows, err := p.pool.Query(context.Background(), `SELECT channel || ' ' || state || coalesce(' ' || cause, '') FROM messages WHERE organization_id = $1`, p.Organization)
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	found := map[string]int{}
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			p.t.Fatal(err)
		}
		found[text]++
	}
	return found
}

func (p *post) number(query string) (n int) {
	p.t.Helper()
	if err := p.pool.QueryRow(context.Background(), query, p.Organization).Scan(&n); err != nil {
		p.t.Fatal(err)
	}
	return n
}

// booked books a visit at 10:00 whose confirmation waits.
func (p *post) booked() appointment.Appointment {
	p.t.Helper()
	b, err := p.book(p.patient(), p.Slot(p.Provider(1), 10, 0))
	if err != nil {
		p.t.Fatal(err)
	}
	return b.Appointment
}

func (p *post) cancel(a appointment.Appointment) {
	p.t.Helper()
	if _, err := p.Cancel(context.Background(), p.FrontDesk(), appointment.CancelVisit{Appointment: a.Ref(), Reason: appointment.ClinicRequest}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *post) move(a appointment.Appointment, to time.Time) {
	p.t.Helper()
	slot := availability.SlotID{Organization: a.OrganizationID, Provider: a.ProviderID, Location: a.LocationID, VisitKind: a.VisitKindID, Modality: a.Modality, Start: to}
	if _, err := p.Move(context.Background(), p.FrontDesk(), appointment.MoveVisit{Appointment: a.Ref(), Target: appointment.Target{Slot: &slot}, Key: key()}); err != nil {
		p.t.Fatal(err)
	}
}

func alike[T comparable](a []T, b ...T) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (p *post) settle() {
	p.t.Helper()
	if _, err := p.Settle(context.Background(), 100); err != nil {
		p.t.Fatal(err)
	}
}

func TestWhoseVisitIsCancelledIsToldAndNotReminded(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.carry()
	p.cancel(a)
	p.carry()
	p.clock.Set(a.Start.Add(-2 * time.Hour))
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation, reminder.Cancellation) {
		t.Fatalf("told %v", p.sms.told())
	}
}

func TestWhoseVisitIsMovedIsRemindedOfTheNewTime(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.carry()
	later := a.Start.Add(3 * time.Hour)
	p.move(a, later)
	p.carry()
	p.clock.Set(a.Start.Add(-2 * time.Hour))
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation, reminder.Change) {
		t.Fatalf("two hours before the old time, told %v", p.sms.told())
	}
	p.clock.Set(later.Add(-2 * time.Hour))
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation, reminder.Change, reminder.Remind) {
		t.Fatalf("two hours before the new time, told %v", p.sms.told())
	}
}

func TestNothingLeavesOnceACancellationIsAnswered(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.sms.before = func() {
		p.sms.before = nil
		p.cancel(a) // answered while the worker has the message
	}
	p.carry()
	if len(p.sms.letters) != 0 {
		t.Fatalf("it left: %+v", p.sms.letters)
	}
	p.carry()
	if !alike(p.sms.told(), reminder.Cancellation) {
		t.Fatalf("told %v", p.sms.told())
	}
}

func TestACancellationWaitsForWhatIsLeaving(t *testing.T) {
	p := newPost(t)
	m, left, answered := p.cancelledWhileLeaving()
	if ended(answered) {
		t.Fatal("it was answered while a letter was leaving")
	}
	left()
	<-answered
	if _, err := p.store.Leave(t.Context(), m); !errors.Is(err, reminder.ErrOvertaken) {
		t.Fatalf("leave after the answer: %v", err)
	}
}

// cancelledWhileLeaving cancels a visit while its confirmation is leaving: left ends that, and answered is closed with the cancellation's answer.
func (p *post) cancelledWhileLeaving() (m reminder.Message, left func(), answered <-chan struct{}) {
	p.t.Helper()
	a := p.booked()
	m = p.claimed()
	left, err := p.store.Leave(p.t.Context(), m)
	if err != nil {
		p.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.cancel(a)
	}()
	p.awaitBlocked(func() bool { return ended(done) })
	return m, left, done
}

func ended(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (p *post) claim(task reminder.Task, d reminder.Draft) reminder.Claim {
	return reminder.Claim{
		Message: task.Message, Generation: task.Generation, Patient: d.Message.Patient(), Channel: task.Channel, To: d.To, At: p.clock.Now(),
		Until: p.clock.Now().Add(time.Minute),
	}
}

// awaitBlocked waits until a session of the database waits for another one's lock, or what should wait is over.
func (p *post) awaitBlocked(over func() bool) {
	p.t.Helper()
	for !over() {
		if p.number(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0 AND $1::uuid IS NOT NULL`) > 0 {
			return
		}
	}
}

func TestFiveFailedAttemptsEndAnEpisodeAndTheNextChannelIsUsed(t *testing.T) {
	p := newPost(t)
	p.booked()
	for range 9 {
		p.sms.answers = append(p.sms.answers, reminder.Later{Cause: reminder.VendorUnavailable, Code: "503"})
	}
	var waits []time.Duration
	for range 5 {
		for _, v := range p.carry() {
			if v.What == reminder.Again {
				waits = append(waits, v.After)
				p.clock.Advance(v.After)
			}
		}
	}
	if !alike(waits, 2*time.Second, 4*time.Second, 8*time.Second, 16*time.Second) || len(p.sms.answers) != 4 {
		t.Fatalf("waits %v, and %d answers left", waits, len(p.sms.answers))
	}
	p.carry()
	if !alike(p.email.told(), reminder.Confirmation) || p.number(`SELECT count(*) FROM dead_letters WHERE organization_id = $1`) != 1 {
		t.Fatalf("by mail: %v; %v", p.email.told(), p.states())
	}
	p.sms.answers = nil
	p.clock.Advance(30 * time.Minute)
	p.carry()
	if len(p.sms.letters) != 0 || p.states()["SMS SUPPRESSED REACHED_OTHERWISE"] != 1 {
		t.Fatalf("told twice: %v %v", p.sms.told(), p.states())
	}
}

func TestBothVendorsDownForLongAndBack(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	down := reminder.Later{Cause: reminder.VendorUnavailable, Code: "503"}
	p.clock.Set(a.Start.Add(-4 * time.Hour)) // 6 hours have room
	until := p.clock.Now().Add(time.Hour)
	attempts := 0
	for p.clock.Now().Before(until) {
		p.sms.answers, p.email.answers = []error{down}, []error{down}
		attempts += len(p.carry())
		p.clock.Advance(10 * time.Second)
	}
	if len(p.sms.letters)+len(p.email.letters) != 0 || attempts < 20 || attempts > 60 {
		t.Fatalf("%d attempts; sent %v %v", attempts, p.sms.told(), p.email.told())
	}
	p.sms.answers, p.email.answers = nil, nil
	for range 400 {
		p.clock.Advance(10 * time.Second)
		p.carry()
	}
	confirmations := 0
	for _, k := range append(p.sms.told(), p.email.told()...) {
		if k == reminder.Confirmation {
			confirmations++
		}
	}
	if confirmations != 1 {
		t.Fatalf("once both were back, told %v %v: %v", p.sms.told(), p.email.told(), p.states())
	}
}

func TestANumberThatIsRefusedIsFailedAtOnceAndMailIsUsed(t *testing.T) {
	p := newPost(t)
	p.booked()
	p.sms.answers = []error{reminder.Refused{Cause: reminder.Landline, Code: "21614"}}
	p.carry()
	p.carry()
	if len(p.sms.letters) != 0 || !alike(p.email.told(), reminder.Confirmation) || p.states()["SMS FAILED LANDLINE"] != 1 {
		t.Fatalf("%v %v %v", p.sms.told(), p.email.told(), p.states())
	}
}

func TestALostAnswerIsAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		taken, mute    bool
		after          time.Duration
		letters, mails int
		state          string
		alerts         int
	}{
		"it had been taken":      {taken: true, after: 20 * time.Second, letters: 1, state: "SMS SENT"},
		"it had not been taken":  {after: 3 * time.Minute, letters: 1, state: "SMS SENT"},
		"not known for sure yet": {after: time.Minute, state: "SMS SENDING ANSWER_LOST"},
		"nobody can say":         {taken: true, mute: true, after: 5 * time.Minute, letters: 1, mails: 1, state: "SMS UNKNOWN ANSWER_LOST", alerts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			p.booked()
			p.sms.answers, p.sms.mute = []error{reminder.Unclear{Code: "reset"}}, c.mute
			p.sms.before = func() {
				if c.taken {
					for r := range p.references() {
						p.sms.has[r] = true
					}
				}
			}
			p.carry()
			p.sms.before = nil
			for range int(c.after / (20 * time.Second)) {
				p.clock.Advance(20 * time.Second)
				p.settle()
				p.carry()
			}
			if len(p.sms.letters) != c.letters || len(p.email.letters) != c.mails || p.states()[c.state] != 1 || len(p.alerts) != c.alerts {
				t.Fatalf("%d by SMS, %d by mail, %v, alerts %v", len(p.sms.letters), len(p.email.letters), p.states(), p.alerts)
			}
		})
	}
}

// Who reads alerts is woken if nobody has reached the patient, and told in any case; figures say so, too, should the teller have died.
func TestWhatNobodyKnowsOfIsGraveIfNoOtherChannelBringsIt(t *testing.T) {
	type alert struct {
		channel reminder.ChannelKind
		state   reminder.State
		grave   bool
	}
	for name, c := range map[string]struct {
		mailbox bool
		mails   []error
		want    []alert
	}{
		"mailed instead":  {true, nil, []alert{{reminder.SMS, reminder.Unknown, false}}},
		"no mailbox":      {false, nil, []alert{{reminder.SMS, reminder.Unknown, true}}},
		"mail is refused": {true, []error{reminder.Refused{Cause: reminder.BadAddress}}, []alert{{reminder.SMS, reminder.Unknown, false}, {reminder.Email, reminder.Failed, true}}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			p.visits(1, "+15005550006", c.mailbox)
			p.sms.answers, p.sms.mute, p.email.answers = []error{reminder.Unclear{Code: "reset"}}, true, c.mails
			p.carry()
			for range 15 {
				p.clock.Advance(20 * time.Second)
				p.settle()
				p.carry()
			}
			var got []alert
			for _, a := range p.alerts {
				got = append(got, alert{a.Channel, a.State, a.Grave})
			}
			if !alike(got, c.want...) {
				t.Errorf("%+v", p.alerts)
			}
			if f, err := p.store.Figures(t.Context(), p.clock.Now()); err != nil || f.Ended[reminder.Stage{Channel: reminder.SMS, State: reminder.Unknown}] != 1 {
				t.Errorf("ended badly: %+v (%v)", f.Ended, err)
			}
		})
	}
}

// references are those of the clinic's messages.
func (p *post) references() map[string]bool {
	rows, err := p.pool.Query(context.Background(), `SELECT reference FROM messages WHERE organization_id = $1`, p.Organization)
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	found := map[string]bool{}
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			p.t.Fatal(err)
		}
		found[text] = true
	}
	return found
}

func TestWhoDiesWithAMessageLeavesItToOthers(t *testing.T) {
	p := newPost(t)
	p.booked()
	ctx := context.Background()
	if _, err := p.Service.Plan(ctx, 10); err != nil {
		t.Fatal(err)
	}
	tasks, _ := p.Waiting(ctx, reminder.SMS, 0, reminder.Task{}, 1)
	d, _, err := p.store.Draft(ctx, tasks[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := p.store.Claim(ctx, p.claim(tasks[0], d)); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, ok, err := p.store.Claim(ctx, p.claim(tasks[0], d)); err != nil || ok {
		t.Fatalf("two had it at once: %v %v", ok, err)
	}
	look := func(times int) {
		for range times {
			p.clock.Advance(20 * time.Second)
			p.settle()
			p.carry()
		}
	}
	if look(8); len(p.sms.letters) != 0 { // it may have left just before the claim was over
		t.Fatalf("after 160 s, told %v; %v", p.sms.told(), p.states())
	}
	if look(2); !alike(p.sms.told(), reminder.Confirmation) {
		t.Fatalf("told %v; %v", p.sms.told(), p.states())
	}
}

// A vendor's list shows a letter some time after it left, and not after its worker took it up.
func TestALetterThatLeftLateIsGivenItsTimeToShow(t *testing.T) {
	p := newPost(t)
	p.booked()
	p.sms.answers = []error{reminder.Unclear{Code: "reset"}}
	p.sms.before = func() { p.clock.Advance(50 * time.Second) }
	p.carry()
	p.sms.before = nil
	for i, letters := range []int{0, 0, 0, 0, 0, 1} {
		p.clock.Advance(20 * time.Second)
		p.settle()
		p.carry()
		p.clock.Advance(2 * time.Second) // the next attempt's wait
		p.carry()
		if len(p.sms.letters) != letters {
			t.Fatalf("%d s after it left: %d by SMS, %v", 22*(i+1), len(p.sms.letters), p.states())
		}
	}
}

func TestWhileAVendorIsNotAskedTheOtherChannelIsUsedAfterAWhile(t *testing.T) {
	p := newPost(t)
	p.booked()
	for i := range time.Duration(5) {
		p.sms.held = reminder.NotAsked{Why: reminder.WhyOpen, After: 30 * time.Second, Shut: i * 30 * time.Second}
		p.carry()
		p.clock.Advance(30 * time.Second)
	}
	if !alike(p.email.told(), reminder.Confirmation) || p.number(`SELECT coalesce(sum(tries), 0) FROM messages WHERE organization_id = $1 AND channel = 'SMS'`) != 0 {
		t.Fatalf("%v %v", p.email.told(), p.states())
	}
}

// Two minutes count from when the vendor began to fail, or from when a message was due, whichever was later: else a breaker's first pause would send a
// whole backlog by the patients' second choice.
func TestABacklogIsNotHandedOverBeforeItsVendorHasFailedForAWhile(t *testing.T) {
	p := newPost(t)
	p.booked()
	p.clock.Advance(10 * time.Minute)
	for _, shut := range []time.Duration{0, 30 * time.Second, 2*time.Minute - time.Millisecond} {
		p.sms.held = reminder.NotAsked{Why: reminder.WhyOpen, After: time.Second, Shut: shut}
		p.carry()
		if s := p.states(); len(p.email.letters) != 0 || s["SMS QUEUED"] != 1 {
			t.Fatalf("handed over after %s: %v %v", shut, p.email.told(), s)
		}
	}
	p.sms.held = reminder.NotAsked{Why: reminder.WhyOpen, After: time.Second, Shut: 2 * time.Minute}
	if p.carry(); !alike(p.email.told(), reminder.Confirmation) {
		t.Fatalf("after two minutes: %v %v", p.email.told(), p.states())
	}
}

func TestWhatHasJustFallenDueIsNotHandedOverAndABacklogOfABusyVendorIs(t *testing.T) {
	p := newPost(t)
	p.booked()
	p.sms.held = reminder.NotAsked{Why: reminder.WhyOpen, After: time.Second, Shut: time.Hour}
	p.carry()
	p.clock.Advance(2*time.Minute - time.Millisecond)
	p.carry()
	if s := p.states(); len(p.email.letters) != 0 || s["SMS QUEUED"] != 1 {
		t.Fatalf("before it was two minutes late: %v %v", p.email.told(), s)
	}
	p.clock.Advance(time.Millisecond)
	p.sms.held = reminder.NotAsked{Why: "full", After: time.Second}
	if p.carry(); !alike(p.email.told(), reminder.Confirmation) {
		t.Fatalf("after two minutes: %v %v", p.email.told(), p.states())
	}
}

func TestNewsOfALetterCountsInWhateverOrderItComes(t *testing.T) {
	p := newPost(t)
	p.booked()
	p.carry()
	m := p.sms.letters[0].Message
	tell := func(f reminder.Fate) bool {
		changed, err := p.Report(context.Background(), reminder.Report{Message: m, Fate: f, Cause: reminder.NotDelivered})
		if err != nil {
			t.Fatal(err)
		}
		return changed
	}
	if tell(reminder.Taken) || !tell(reminder.Arrived) || tell(reminder.Taken) || tell(reminder.Arrived) || tell(reminder.Undelivered) {
		t.Fatal("late or repeated news changed something, or the first did not")
	}
	if p.states()["SMS DELIVERED"] != 1 {
		t.Fatal(p.states())
	}
}

func TestALetterThatCouldNotBeDeliveredGoesByMail(t *testing.T) {
	p := newPost(t)
	p.booked()
	p.carry()
	if _, err := p.Report(context.Background(), reminder.Report{Message: p.sms.letters[0].Message, Fate: reminder.Undelivered, Cause: reminder.Landline, Code: "30006"}); err != nil {
		t.Fatal(err)
	}
	p.carry()
	if !alike(p.email.told(), reminder.Confirmation) || p.states()["SMS FAILED LANDLINE"] != 1 {
		t.Fatalf("%v %v", p.email.told(), p.states())
	}
}

func TestAStuckTaskGoesOnAsTheNextGeneration(t *testing.T) {
	p := newPost(t)
	p.booked()
	ctx := context.Background()
	q := &inMemory{}
	if _, err := p.Service.Plan(ctx, 10); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Dispatch(ctx, q, 100); err != nil {
		t.Fatal(err)
	}
	first := q.tasks[0]
	p.clock.Advance(2 * time.Minute)
	q.tasks = nil // lost
	if _, err := p.Reconcile(ctx, q, 100); err != nil || len(q.tasks) != 1 || q.tasks[0].Name() != first.Name() {
		t.Fatalf("what the queue lost came back as %+v, %v", q.tasks, err)
	}
	p.clock.Advance(6 * time.Minute)
	if _, err := p.Reconcile(ctx, q, 100); err != nil || len(q.tasks) != 2 || q.tasks[1].Generation != 1 {
		t.Fatalf("what was stuck came back as %+v, %v", q.tasks, err)
	}
	if v, err := p.Service.Send(ctx, q.tasks[0]); err != nil || v.What != reminder.Done || len(p.sms.letters) != 0 {
		t.Fatalf("the old task did something: %+v %v", v, err)
	}
	if _, err := p.Service.Send(ctx, q.tasks[1]); err != nil || len(p.sms.letters) != 1 {
		t.Fatalf("the next one didn't: %v", err)
	}
}

func TestWhatMakesNoSenseAnyMoreExpiresWithAnAlert(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	if _, err := p.Service.Plan(context.Background(), 10); err != nil {
		t.Fatal(err)
	}
	p.clock.Set(a.Start.Add(time.Second))
	if n, err := p.Expire(context.Background(), 100); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	p.carry()
	if len(p.sms.letters)+len(p.email.letters) != 0 || len(p.alerts) != 2 || p.alerts[0].State != reminder.Expired { // the confirmation and a reminder, and none of the mails that waited for them to fail
		t.Fatalf("%v %v %v", p.sms.told(), p.states(), p.alerts)
	}
}

func TestWhatComesBackAfterACancellationIsNotToldByAnotherChannel(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.carry()
	p.cancel(a)
	p.carry()
	var text struct{ ID uuid.UUID }
	if err := p.pool.QueryRow(context.Background(), `SELECT id FROM messages WHERE organization_id = $1 AND kind = 'CONFIRMATION' AND channel = 'SMS'`, p.Organization).Scan(&text.ID); err != nil {
		t.Fatal(err)
	}
	back := reminder.Report{Message: clinic.Ref{Organization: p.Organization, ID: text.ID}, Fate: reminder.Undelivered, Cause: reminder.NotDelivered}
	if changed, err := p.Service.Report(context.Background(), back); err != nil || !changed {
		t.Fatal(changed, err)
	}
	p.carry()
	if len(p.email.letters) != 0 {
		t.Fatalf("a cancelled visit was confirmed: %+v", p.email.told())
	}
}

// Who concludes a message goes on to those of the other channels.
func TestACancellationThatWaitsForWhatIsLeavingHoldsNoOtherMessage(t *testing.T) {
	p := newPost(t)
	_, left, answered := p.cancelledWhileLeaving()
	if n := p.number(`WITH free AS (SELECT FROM messages WHERE organization_id = $1 AND channel = 'EMAIL' FOR UPDATE SKIP LOCKED) SELECT count(*) FROM free`); n == 0 {
		t.Error("it holds the e-mails")
	}
	left()
	<-answered
}
