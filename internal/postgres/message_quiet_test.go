package postgres_test

import (
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// onMonday is an instant of the day of the visits, by the clock of the clinic.
func onMonday(hour, minute int) time.Time {
	return sample.Monday.Add(time.Duration(hour+4)*time.Hour + time.Duration(minute)*time.Minute)
}

// late is a post whose reminder of a visit on Monday was due at 20:55 on Sunday, and whose vendors come back at 2:50.
func late(t *testing.T, hour int) *post {
	p := newPost(t)
	p.clock.Set(onMonday(-12, 0))
	b, err := p.book(p.patient(), p.Slot(p.Provider(1), hour, 0))
	if err != nil {
		t.Fatal(err)
	}
	due := onMonday(-3, -5)
	p.prefers(clinic.Ref{Organization: b.Appointment.OrganizationID, ID: b.Appointment.PatientID}, func(c *reminder.ChangePreferences) {
		c.RemindBefore = []time.Duration{b.Appointment.Start.Sub(due)}
	})
	p.carry()
	away := reminder.NotAsked{Why: "open", After: time.Minute}
	p.sms.letters, p.sms.held, p.email.held = nil, away, away
	p.clock.Set(due)
	p.carry()
	if s := p.states(); s["SMS QUEUED"] != 1 {
		t.Fatal(s)
	}
	p.clock.Set(onMonday(2, 50))
	p.sms.held, p.email.held = nil, nil
	p.carry()
	return p
}

func TestALateReminderWakesNobodyAndComesInTheMorning(t *testing.T) {
	p := late(t, 10)
	if len(p.sms.letters)+len(p.email.letters) != 0 || p.states()["SMS SCHEDULED QUIET_HOURS"] != 1 {
		t.Fatalf("at night they were sent %v %v: %v", p.sms.told(), p.email.told(), p.states())
	}
	for p.clock.Now().Before(onMonday(7, 59)) {
		p.clock.Advance(30 * time.Minute)
		if p.clock.Now().After(onMonday(7, 59)) {
			break
		}
		q := &inMemory{}
		if _, err := p.Reconcile(t.Context(), q, 10); err != nil || len(q.tasks) != 0 {
			t.Fatalf("what rests was taken for lost: %+v, %v", q.tasks, err)
		}
		if n, err := p.Expire(t.Context(), 10); err != nil || n != 0 || len(p.carry()) != 0 {
			t.Fatalf("at %v: %d expired (%v), %v", p.clock.Now(), n, err, p.states())
		}
	}
	p.clock.Set(onMonday(8, 0).Add(-time.Second)) // by a clock that is a little slow
	p.sms.answers = []error{reminder.Refused{Cause: reminder.Landline}}
	p.carry()
	p.carry()
	p.clock.Set(onMonday(8, 0))
	p.carry()
	if len(p.sms.letters) != 0 || !alike(p.email.told(), reminder.Remind) || p.states()["SMS FAILED LANDLINE"] != 1 {
		t.Fatalf("in the morning they were sent %v %v: %v", p.sms.told(), p.email.told(), p.states())
	}
}

func TestALateReminderOfAVisitInTheMorningComesAtNight(t *testing.T) {
	if p := late(t, 9); !alike(p.sms.told(), reminder.Remind) {
		t.Fatalf("they were sent %v: %v", p.sms.told(), p.states())
	}
}

func TestAReminderWhoseLetterIsReplayedAtNightWaitsForTheMorning(t *testing.T) {
	p := late(t, 10)
	if _, err := p.pool.Exec(t.Context(), `UPDATE messages SET state = 'SCHEDULED', due_at = $2, expires_at = $3 WHERE organization_id = $1 AND cause = 'QUIET_HOURS'`,
		p.Organization, p.clock.Now(), p.clock.Now().Add(reminder.LifeAfterReplay)); err != nil {
		t.Fatal(err)
	}
	p.clock.Set(onMonday(3, 0))
	p.carry()
	p.clock.Set(onMonday(8, 0))
	if p.carry(); !alike(p.sms.told(), reminder.Remind) {
		t.Fatalf("they were sent %v: %v", p.sms.told(), p.states())
	}
}
