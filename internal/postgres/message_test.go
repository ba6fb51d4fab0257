package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// vendor is a channel that answers as told, one answer a letter, and remembers what it took.
type vendor struct {
	kind    reminder.ChannelKind
	letters []reminder.Letter
	answers []error // of the next letters; nil or none: taken
	held    error   // why nobody enters
	tired   error   // why nothing is sent again
	has     map[string]bool
	mute    bool   // it can't be asked
	before  func() // runs when all but the letter's bytes have left
	enters  func() // runs while a letter waits for its place
	finds   *reminder.Report
}

func (v *vendor) Kind() reminder.ChannelKind { return v.kind }

func (v *vendor) Enter(context.Context) (func(), error) {
	if v.enters != nil {
		v.enters()
	}
	return func() {}, v.held
}

func (v *vendor) MayRetry() error { return v.tired }

func (v *vendor) Send(ctx context.Context, l reminder.Letter, leave reminder.Leave) (reminder.Receipt, error) {
	if v.before != nil {
		v.before()
	}
	left, err := leave(ctx)
	if err != nil {
		return reminder.Receipt{}, err
	}
	left()
	var answer error
	if len(v.answers) > 0 {
		answer, v.answers = v.answers[0], v.answers[1:]
	}
	if answer == nil || v.has[l.Reference] {
		v.letters = append(v.letters, l)
	}
	return reminder.Receipt{VendorID: "V" + l.Reference}, answer
}

func (v *vendor) Find(_ context.Context, s reminder.Sought) (reminder.Finding, error) {
	if v.mute {
		return reminder.Finding{}, reminder.CannotAsk{}
	}
	if v.finds != nil {
		return reminder.Finding{Found: true, Report: *v.finds}, nil
	}
	if slices.ContainsFunc(v.letters, func(l reminder.Letter) bool { return l.Reference == s.Reference }) {
		return reminder.Finding{Found: true, Report: reminder.Report{Message: s.Message, Fate: reminder.Taken}}, nil
	}
	return reminder.Finding{}, nil
}

// plainWords write what tests look for.
type plainWords struct{}

func (plainWords) Write(c reminder.ChannelKind, k reminder.Kind, f reminder.Facts) (string, string, string, error) {
	text := fmt.Sprintf("%s %s %s", k, f.Local, f.Reference)
	if !f.Was.IsZero() {
		text += fmt.Sprintf(" instead of %s, or off: %v", f.Was, f.OrOff)
	}
	return string(k), text, "", nil
}

// post is a desk whose patients are told.
type post struct {
	*desk
	*reminder.Service
	store      *postgres.Messages
	sms, email *vendor
	mu         sync.Mutex // of alerts: messages are settled at the same time
	alerts     []reminder.Alert
}

func (p *post) hear(a reminder.Alert) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alerts = append(p.alerts, a)
}

func newPost(t *testing.T) *post {
	p := &post{desk: newDesk(t), sms: &vendor{kind: reminder.SMS, has: map[string]bool{}}, email: &vendor{kind: reminder.Email, has: map[string]bool{}}}
	p.store = postgres.NewMessages(postgres.New(p.pool, keytest.Of(t, p.pool)))
	p.limit(reminder.Limits{})
	return p
}

// limit has the post sent within limits.
func (p *post) limit(l reminder.Limits) { p.sendBy(l, p.sms, p.email, reminder.InApp{}) }

// sendBy has the post sent by some channels only, as if no other were set up.
func (p *post) sendBy(l reminder.Limits, channels ...reminder.Channel) {
	p.Service = reminder.NewService(reminder.Config{
		Store: p.store, Source: clinic.Source{Clock: p.clock, NewID: sample.NewID}, Channels: channels, Writer: plainWords{}, Limits: l,
		Timing: reminder.UsualTiming(), Law: func(n int, after time.Duration) time.Duration { return max(time.Second<<n, after) },
		Alert: p.hear, Rest: func(context.Context, time.Duration) error { return nil },
	})
}

// patient has a number and an address.
func (p *post) patient() access.Actor {
	a := p.Patient()
	p.Reachable(a.PatientID, "+15005550006", "pat@example.org")
	return a
}

// carry runs the pipeline until nothing is due now.
func (p *post) carry() (verdicts []reminder.Verdict) {
	p.t.Helper()
	ctx := context.Background()
	if _, err := p.Service.Plan(ctx, 100); err != nil {
		p.t.Fatal(err)
	}
	q := &inMemory{}
	if _, err := p.Dispatch(ctx, q, 1000); err != nil {
		p.t.Fatal(err)
	}
	for _, c := range reminder.SentBy {
		tasks, err := p.Waiting(ctx, c, 0, reminder.Task{}, 1000)
		if err != nil {
			p.t.Fatal(err)
		}
		for _, task := range tasks {
			v, err := p.Service.Send(ctx, task)
			if err != nil {
				p.t.Fatal(err)
			}
			verdicts = append(verdicts, v)
		}
	}
	return verdicts
}

// inMemory is a queue.
type inMemory struct{ tasks []reminder.Task }

func (q *inMemory) Enqueue(_ context.Context, tasks []reminder.Task) []error {
	answers := make([]error, len(tasks))
	for i, t := range tasks {
		if slices.ContainsFunc(q.tasks, func(o reminder.Task) bool { return o.Name() == t.Name() }) {
			answers[i] = reminder.ErrQueued
			continue
		}
		q.tasks = append(q.tasks, t)
	}
	return answers
}

func (q *inMemory) Stuck(context.Context, reminder.Task) (bool, error) { return true, nil }

func TestWhoBooksIsToldAndRemindedOnce(t *testing.T) {
	p := newPost(t)
	pat := p.patient()
	booked, err := p.book(pat, p.Slot(p.Provider(1), 10, 0))
	if err != nil {
		t.Fatal(err)
	}
	p.carry()
	p.carry()
	if len(p.sms.letters) != 1 || len(p.email.letters) != 0 || p.sms.letters[0].Kind != reminder.Confirmation || p.sms.letters[0].To != "+15005550006" {
		t.Fatalf("told by SMS %+v and by mail %+v", p.sms.letters, p.email.letters)
	}
	p.clock.Set(booked.Appointment.Start.Add(-2 * time.Hour))
	p.carry()
	p.carry()
	if len(p.sms.letters) != 2 || p.sms.letters[1].Kind != reminder.Remind {
		t.Fatalf("two hours before, they had been sent %+v", p.sms.letters)
	}
}
