package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/reminder"
)

// drafted is the text that confirms a visit, as a worker reads it.
func (p *post) drafted() (reminder.Task, reminder.Draft) {
	p.t.Helper()
	ctx := p.t.Context()
	if _, err := p.Service.Plan(ctx, 10); err != nil {
		p.t.Fatal(err)
	}
	tasks, err := p.Waiting(ctx, reminder.SMS, 0, reminder.Task{}, 1)
	if err != nil || len(tasks) != 1 {
		p.t.Fatal(tasks, err)
	}
	d, ok, err := p.store.Draft(ctx, tasks[0])
	if err != nil || !ok {
		p.t.Fatal(ok, err)
	}
	return tasks[0], d
}

func (p *post) claimed() reminder.Message {
	p.t.Helper()
	m, ok, err := p.store.Claim(p.t.Context(), p.claim(p.drafted()))
	if err != nil || !ok {
		p.t.Fatal(ok, err)
	}
	return m
}

func TestAMessageIsClaimedAsItIsAndInItsTime(t *testing.T) {
	p := newPost(t)
	p.booked()
	task, d := p.drafted()
	for name, change := range map[string]func(*reminder.Claim){
		"an earlier generation's":  func(c *reminder.Claim) { c.Generation-- },
		"a later generation's":     func(c *reminder.Claim) { c.Generation++ },
		"before it is due":         func(c *reminder.Claim) { c.At = d.Message.Due.Add(-3 * time.Second) },
		"when it makes no sense":   func(c *reminder.Claim) { c.At = d.Message.Expires },
		"long after that, as well": func(c *reminder.Claim) { c.At = d.Message.Expires.Add(time.Hour) },
	} {
		c := p.claim(task, d)
		change(&c)
		if _, ok, err := p.store.Claim(t.Context(), c); ok || err != nil {
			t.Errorf("%s: it is had: %v, %v", name, ok, err)
		}
	}
	if _, ok, err := p.store.Claim(t.Context(), p.claim(task, d)); !ok || err != nil {
		t.Errorf("as it is: %v, %v", ok, err)
	}
}

// A worker was away for so long that somebody else finds out what became of its message.
func TestWhoLostAMessageHasNoSayInIt(t *testing.T) {
	p := newPost(t)
	p.booked()
	first := p.claimed()
	p.clock.Advance(2 * time.Minute)
	second, _, ok, err := p.store.Reclaim(t.Context(), first, p.clock.Now().Add(time.Minute))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, _, ok, err := p.store.Reclaim(t.Context(), first, p.clock.Now().Add(time.Minute)); ok || err != nil {
		t.Errorf("two find out at once: %v, %v", ok, err)
	}
	if left, err := p.store.Leave(t.Context(), first); !errors.Is(err, reminder.ErrOvertaken) {
		t.Errorf("its letter may leave: %v", err)
		left()
	}
	due := p.clock.Now()
	again := reminder.Conclusion{State: reminder.Queued, Cause: reminder.VendorUnavailable, At: due, Due: &due, Outcome: reminder.AttemptFailed, Attempts: 1}
	if done, err := p.store.Conclude(t.Context(), first, again); done || err != nil {
		t.Errorf("it is concluded by who lost it: %v, %v", done, err)
	}
	sent := reminder.Conclusion{State: reminder.Sent, At: due, Outcome: reminder.AttemptSent, Attempts: 1, Reached: true}
	if done, err := p.store.Conclude(t.Context(), second, sent); !done || err != nil || p.states()["SMS SENT"] != 1 {
		t.Errorf("by who has it: %v, %v; %v", done, err, p.states())
	}
}

func TestWhatWasOvertakenIsNotTriedAgain(t *testing.T) {
	p := newPost(t)
	a := p.booked()
	m := p.claimed()
	p.cancel(a)
	due := p.clock.Now()
	again := reminder.Conclusion{
		State: reminder.Scheduled, Cause: reminder.VendorUnavailable, At: due, Due: &due, Outcome: reminder.AttemptFailed, Episode: 1, NextTask: true, Dead: true, PassOn: true,
	}
	if done, err := p.store.Conclude(t.Context(), m, again); !done || err != nil {
		t.Fatal(done, err)
	}
	if p.number(`SELECT count(*) FROM messages WHERE organization_id = $1 AND kind = 'CONFIRMATION' AND state = 'CANCELLED' AND cause = 'VISIT_CHANGED'`) != 2 ||
		p.number(`SELECT count(*) FROM dead_letters WHERE organization_id = $1`) != 0 {
		t.Errorf("of a cancelled visit there are %v", p.states())
	}
}

// What the vendor asks for is waited for; and what didn't reach it was no attempt, however often.
func TestAttemptsKeepToWhatVendorsAskFor(t *testing.T) {
	p := newPost(t)
	p.booked()
	p.sms.answers = []error{reminder.Later{Cause: reminder.VendorBusy, Code: "429", After: time.Minute}}
	if got := p.carry(); len(got) != 1 || got[0] != (reminder.Verdict{What: reminder.Again, After: time.Minute, Cause: reminder.VendorBusy}) {
		t.Fatalf("asked to wait for a minute: %+v", got)
	}
	p.clock.Advance(time.Minute)
	p.sms.tired = reminder.NotAsked{Why: "budget", After: 7 * time.Second}
	if got := p.carry(); len(got) != 1 || got[0].What != reminder.NotNow || got[0].After != 7*time.Second || len(p.sms.letters) != 0 {
		t.Fatalf("while too much is sent again: %+v, and %v", got, p.sms.told())
	}
	p.sms.tired = nil
	for range reminder.MaxAttempts {
		p.sms.answers = []error{reminder.NotAsked{Why: "stopped", After: time.Second}}
		p.carry()
		p.clock.Advance(time.Second)
	}
	p.sms.answers = []error{reminder.Later{Cause: reminder.VendorUnavailable, Code: "503"}}
	if got := p.carry(); len(got) != 1 || got[0].What != reminder.Again || got[0].After != 4*time.Second {
		t.Fatalf("the second attempt failed, and %+v", got)
	}
	p.clock.Advance(4 * time.Second)
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation) || p.number(`SELECT count(*) FROM dead_letters WHERE organization_id = $1`) != 0 {
		t.Errorf("told %v; %v", p.sms.told(), p.states())
	}
}
