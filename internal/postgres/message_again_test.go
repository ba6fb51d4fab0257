package postgres_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/retention"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// prefers changes what a patient prefers.
func (p *post) prefers(patient clinic.Ref, change func(*reminder.ChangePreferences)) {
	p.t.Helper()
	in := reminder.ChangePreferences{Patient: patient}
	change(&in)
	if _, err := p.choices().Change(p.t.Context(), p.FrontDesk(), in); err != nil {
		p.t.Fatal(err)
	}
}

func (p *post) choices() *reminder.Choices {
	return reminder.NewChoices(postgres.New(p.pool, keytest.Of(p.t, p.pool)).Directory(), clinic.Source{Clock: p.clock, NewID: sample.NewID})
}

// mailFirst has a patient told by mail, and by text if that fails.
func mailFirst(c *reminder.ChangePreferences) {
	c.Channels = []reminder.ChannelChange{{Channel: reminder.Email, Allowed: true}, {Channel: reminder.SMS, Allowed: true}, {Channel: reminder.Push, Allowed: true}}
}

func whose(a appointment.Appointment) clinic.Ref {
	return clinic.Ref{Organization: a.OrganizationID, ID: a.PatientID}
}

func TestWhoWantsNoRemindersAnyMoreGetsNoneOfThosePlanned(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.carry()
	whom, no := whose(a), false
	p.prefers(whom, func(c *reminder.ChangePreferences) { c.Reminders = &no })
	p.carry()
	p.clock.Set(a.Start.Add(-2 * time.Hour))
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation) || len(p.email.letters) != 0 {
		t.Fatalf("told %v %v", p.sms.told(), p.email.told())
	}
}

func TestWhoPrefersMailIsRemindedByMailAndToldOfNothingTwice(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.carry()
	whom := whose(a)
	p.prefers(whom, mailFirst)
	p.carry()
	p.clock.Set(a.Start.Add(-2 * time.Hour))
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation) || !alike(p.email.told(), reminder.Remind) {
		t.Fatalf("told %v %v", p.sms.told(), p.email.told())
	}
	p.prefers(whom, func(c *reminder.ChangePreferences) {
		c.Channels = []reminder.ChannelChange{{Channel: reminder.SMS, Allowed: true}, {Channel: reminder.Email, Allowed: true}, {Channel: reminder.Push, Allowed: true}}
	})
	p.carry()
	p.clock.Advance(time.Hour)
	p.carry()
	if len(p.sms.letters) != 1 || len(p.email.letters) != 1 {
		t.Fatalf("told twice: %v %v", p.sms.told(), p.email.told())
	}
}

func TestAMoveThereAndBackRemindsOnceOfTheFirstTime(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.carry()
	p.move(a, a.Start.Add(3*time.Hour))
	p.carry()
	p.move(a, a.Start)
	p.carry()
	p.clock.Set(a.Start.Add(-2 * time.Hour))
	p.carry()
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation, reminder.Change, reminder.Change, reminder.Remind) {
		t.Fatalf("told %v; %v", p.sms.told(), p.states())
	}
}

func TestWhatWasConfirmedBeforeItWasPlannedIsToldAndReminded(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	confirm := func() {
		t.Helper()
		if _, err := p.Change(t.Context(), p.FrontDesk(), appointment.ChangeState{Appointment: a.Ref(), Action: appointment.Confirm}); err != nil {
			t.Fatal(err)
		}
	}
	confirm()
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation) {
		t.Fatalf("told %v; %v", p.sms.told(), p.states())
	}
	p.move(a, a.Start.Add(3*time.Hour))
	confirm()
	p.carry()
	p.clock.Set(a.Start.Add(time.Hour))
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation, reminder.Change, reminder.Remind) {
		t.Fatalf("told %v; %v", p.sms.told(), p.states())
	}
}

func TestWhoRefusesAChannelGetsNothingByItThatWaited(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.sms.answers = []error{reminder.Later{Cause: reminder.VendorBusy, Code: "429"}}
	p.carry()
	p.prefers(clinic.Ref{Organization: a.OrganizationID, ID: a.PatientID}, func(c *reminder.ChangePreferences) {
		c.Channels = []reminder.ChannelChange{{Channel: reminder.SMS}, {Channel: reminder.Email, Allowed: true}}
	})
	p.clock.Advance(time.Minute)
	p.carry()
	p.carry()
	if len(p.sms.letters) != 0 || !alike(p.email.told(), reminder.Confirmation) || p.states()["SMS SUPPRESSED NO_CONSENT"] != 1 {
		t.Fatalf("told %v %v; %v", p.sms.told(), p.email.told(), p.states())
	}
}

func TestAReminderWhoseTimeHasComeGoesOnWhenPreferencesChange(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.carry()
	whom := whose(a)
	p.clock.Set(a.Start.Add(-2 * time.Hour))
	p.sms.answers = []error{reminder.Later{Cause: reminder.VendorBusy, Code: "429"}}
	p.carry()
	p.prefers(whom, func(c *reminder.ChangePreferences) { c.RemindBefore = []time.Duration{24 * time.Hour} })
	p.clock.Advance(time.Minute)
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation, reminder.Remind) {
		t.Fatalf("told %v; %v", p.sms.told(), p.states())
	}
}

func TestWhatIsPlannedWhilePreferencesChangeKeepsToTheNewOnes(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	due, err := p.store.DueNotices(t.Context(), p.clock.Now(), 10)
	if err != nil || len(due) != 1 {
		t.Fatal(due, err)
	}
	about, _, err := p.store.Situation(t.Context(), due[0])
	if err != nil {
		t.Fatal(err)
	}
	p.prefers(clinic.Ref{Organization: a.OrganizationID, ID: a.PatientID}, func(c *reminder.ChangePreferences) { c.RemindBefore = []time.Duration{time.Hour} })
	planned := reminder.Plan(due[0], about.Visit, about.Contact, about.Rules, p.clock.Now())
	for i := range planned {
		planned[i].ID, planned[i].Reference = sample.NewID(), "REF"
	}
	if _, err := p.store.Save(t.Context(), due[0], p.clock.Now(), planned); err != nil {
		t.Fatal(err)
	}
	p.carry()
	p.clock.Set(a.Start.Add(-2 * time.Hour))
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation) {
		t.Fatalf("told %v; %v", p.sms.told(), p.states())
	}
	p.clock.Set(a.Start.Add(-time.Hour))
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation, reminder.Remind) {
		t.Fatalf("told %v; %v", p.sms.told(), p.states())
	}
}

func TestTheFailureOfATryThatWasGivenUpIsNotThatOfTheNext(t *testing.T) {
	p := newPost(t)
	p.booked()
	p.sms.answers = []error{reminder.Unclear{Code: "reset"}}
	p.carry()
	for range 9 {
		p.clock.Advance(20 * time.Second)
		p.settle()
		p.carry()
	}
	if len(p.sms.letters) != 1 {
		t.Fatal(p.states())
	}
	late := reminder.Report{Message: p.sms.letters[0].Message, VendorID: "the first one", Fate: reminder.Undelivered, Cause: reminder.NotDelivered}
	if changed, err := p.Report(t.Context(), late); err != nil || changed {
		t.Fatalf("the first try's failure counted: %v; %v", err, p.states())
	}
	late.VendorID = "V" + p.sms.letters[0].Reference
	if changed, err := p.Report(t.Context(), late); err != nil || !changed {
		t.Fatalf("the last try's failure didn't count: %v; %v", err, p.states())
	}
	p.carry()
	if !alike(p.email.told(), reminder.Confirmation) {
		t.Fatalf("told %v; %v", p.email.told(), p.states())
	}
}

// A vendor repeats its reports, and also when the message is on its way for the second time.
func TestAFailureThatIsHeardOfTwiceIsNotThatOfTheNextTry(t *testing.T) {
	p := newPost(t)
	p.booked()
	m := p.claimed()
	now := p.clock.Now()
	if ok, err := p.store.Conclude(t.Context(), m, reminder.Conclusion{State: reminder.Sent, VendorID: "first", At: now, Outcome: reminder.AttemptSent, Attempts: 1}); err != nil || !ok {
		t.Fatal(ok, err)
	}
	failure := func(of string) bool {
		changed, err := p.Report(t.Context(), reminder.Report{Message: m.Ref(), VendorID: of, Fate: reminder.Undelivered, Cause: reminder.NotDelivered})
		if err != nil {
			t.Fatal(err)
		}
		return changed
	}
	if !failure("first") {
		t.Fatal("the first failure didn't count")
	}
	if _, err := p.pool.Exec(t.Context(), `UPDATE messages SET state = 'SENDING', claimed_until = $2, tries = 2, ended_at = NULL, cause = NULL WHERE id = $1`, m.ID, now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if failure("first") {
		t.Error("the first try failed again")
	}
	if !failure("second") {
		t.Error("the second try's failure didn't count")
	}
}

func TestAFailureThatIsHeardOfLateBringsNoThirdChannel(t *testing.T) {
	p := newPost(t)
	pat := p.patient()
	push := reminder.ChangePreferences{
		Patient:  clinic.Ref{Organization: pat.Organization, ID: pat.PatientID},
		Channels: []reminder.ChannelChange{{Channel: reminder.SMS, Allowed: true}, {Channel: reminder.Email, Allowed: true}, {Channel: reminder.Push, Allowed: true}},
	}
	if _, err := p.choices().Change(t.Context(), pat, push); err != nil {
		t.Fatal(err)
	}
	if _, err := p.book(pat, p.Slot(p.Provider(1), 10, 0)); err != nil {
		t.Fatal(err)
	}
	p.sms.answers, p.sms.mute = []error{reminder.Unclear{Code: "reset"}}, true
	p.carry()
	lost := p.only(t)
	for range 15 {
		p.clock.Advance(20 * time.Second)
		p.settle()
		p.carry()
	}
	if !alike(p.email.told(), reminder.Confirmation) || p.states()["PUSH SUPPRESSED REACHED_OTHERWISE"] != 1 {
		t.Fatalf("told %v; %v", p.email.told(), p.states())
	}
	if changed, err := p.Report(t.Context(), reminder.Report{Message: lost, Fate: reminder.Undelivered, Cause: reminder.NotDelivered}); err != nil || !changed {
		t.Fatal(changed, err)
	}
	p.carry()
	if p.states()["PUSH SENT"] != 0 || len(p.email.letters) != 1 {
		t.Fatalf("told again: %v", p.states())
	}
}

// only is the only message that a worker has.
func (p *post) only(t *testing.T) (m clinic.Ref) {
	t.Helper()
	m.Organization = p.Organization
	if err := p.pool.QueryRow(t.Context(), `SELECT id FROM messages WHERE organization_id = $1 AND state = 'SENDING'`, p.Organization).Scan(&m.ID); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestNothingLeavesForAnErasedPatient(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	p.cancel(a)
	if _, err := p.Service.Plan(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	tasks, err := p.Waiting(t.Context(), reminder.SMS, 0, reminder.Task{}, 10)
	if err != nil || len(tasks) != 1 {
		t.Fatal(tasks, err)
	}
	d, _, err := p.store.Draft(t.Context(), tasks[0])
	if err != nil {
		t.Fatal(err)
	}
	m, ok, err := p.store.Claim(t.Context(), p.claim(tasks[0], d))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	directory := postgres.New(p.pool, keytest.Of(t, p.pool)).Directory()
	erasing := retention.NewService(directory, clinic.Source{Clock: p.clock, NewID: sample.NewID})
	whom := whose(a)
	if _, err := erasing.Erase(t.Context(), p.admin(), retention.Erase{Patient: whom, Reason: retention.Requested}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.store.Leave(t.Context(), m); !errors.Is(err, reminder.ErrOvertaken) {
		t.Fatalf("a letter left for whom nothing is kept: %v", err)
	}
}

// However small its pages, and whether the queue has a message or not, each that waits is listed once and in order.
func TestThoseThatWaitArePaged(t *testing.T) {
	p := newPost(t)
	p.visits(7, "+15005550006", false)
	if _, err := p.Service.Plan(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	p.Set(`UPDATE messages SET state = 'QUEUED' WHERE organization_id = $1 AND due_at IS NOT NULL AND id IN (SELECT id FROM messages ORDER BY md5(id::text) LIMIT 4)`)
	p.clock.Advance(time.Minute)
	all, err := p.Waiting(t.Context(), reminder.SMS, 0, reminder.Task{}, 100)
	if err != nil || len(all) != 7 {
		t.Fatal(all, err)
	}
	var paged []reminder.Task
	for after := (reminder.Task{}); ; after = paged[len(paged)-1] {
		page, err := p.Waiting(t.Context(), reminder.SMS, 0, after, 2)
		if err != nil || len(page) == 0 {
			break
		}
		paged = append(paged, page...)
	}
	if !slices.Equal(paged, all) {
		t.Errorf("%v\nin pages are\n%v", all, paged)
	}
}
