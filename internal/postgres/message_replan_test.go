package postgres_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// crowd is a visit and n-1 like it, a minute apart, all of them planned.
func (p *post) crowd(n int) appointment.Appointment {
	p.t.Helper()
	a := p.booked()
	p.Set(`INSERT INTO appointments SELECT (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid(), 'starts_at', a.starts_at + n * interval '1 minute'))).*
		FROM appointments a, generate_series(1, $2::integer) n WHERE a.organization_id = $1`, n-1)
	p.Set(`INSERT INTO message_notices SELECT organization_id, id, version, 'BOOKED', $2, $2, 0, '' FROM appointments WHERE organization_id = $1 ON CONFLICT DO NOTHING`, p.clock.Now())
	p.planned()
	return a
}

func (p *post) planned() {
	p.t.Helper()
	for n := 1; n > 0; {
		var err error
		if n, err = p.Service.Plan(p.t.Context(), 100); err != nil {
			p.t.Fatal(err)
		}
	}
}

// rules has all patients of a kind, or of all, reminded so long before their visits and at no other time.
func (p *post) rules(kind *uuid.UUID, before time.Duration) {
	p.t.Helper()
	in := reminder.SetRules{Rules: []reminder.RuleTime{{Before: &before}}}
	if kind != nil {
		in.VisitKind = &clinic.Ref{Organization: p.Organization, ID: *kind}
	}
	if _, err := p.choices().SetRules(p.t.Context(), p.admin(), in); err != nil {
		p.t.Fatal(err)
	}
}

// page takes a turn at what is to be planned anew.
func (p *post) page(size int) (visits int, more bool) {
	p.t.Helper()
	visits, more, err := p.store.Replan(p.t.Context(), p.clock.Now(), size)
	if err != nil {
		p.t.Fatal(err)
	}
	return visits, more
}

// pages takes all turns.
func (p *post) pages(size int) (visits int) {
	p.t.Helper()
	for n, more := p.page(size); more; n, more = p.page(size) {
		visits += n
	}
	return visits
}

const (
	visitsNoticed  = `SELECT count(*) FROM message_notices WHERE organization_id = $1 AND kind = 'REPLANNED'`
	remindersAhead = `SELECT count(*) FROM messages WHERE organization_id = $1 AND kind = 'REMINDER' AND state = 'SCHEDULED' AND due_at IS NOT NULL`
	// of visits that are reminded an hour before and at no other time
	remindedAnHourBefore = `SELECT count(*) FROM appointments a WHERE organization_id = $1 AND ARRAY[a.starts_at - interval '1 hour'] = (SELECT array_agg(DISTINCT m.scheduled_for)
		FROM messages m WHERE m.organization_id = a.organization_id AND m.appointment_id = a.id AND m.kind = 'REMINDER' AND m.state = 'SCHEDULED')`
)

func TestRulesOfAnyNumberOfVisitsAreChangedAtOnceAndFollowedPageByPage(t *testing.T) {
	p := newPost(t)
	p.crowd(25)
	told := p.number(`SELECT count(*) FROM messages WHERE organization_id = $1 AND kind = 'CONFIRMATION'`)
	busy := p.begin()
	p.exec(busy, `SELECT FROM messages WHERE organization_id = $1 FOR UPDATE`)
	p.rules(nil, time.Hour) // waits for no message, and holds none
	if err := busy.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.number(visitsNoticed) != 0 || p.number(remindersAhead) != 25 {
		t.Errorf("with the rules %d visits were noticed, %d are reminded", p.number(visitsNoticed), p.number(remindersAhead))
	}
	if n, more := p.page(10); n != 10 || !more || p.number(visitsNoticed) != 10 || p.number(remindersAhead) != 15 {
		t.Errorf("a page took %d (%v): %d visits are noticed, %d reminded", n, more, p.number(visitsNoticed), p.number(remindersAhead))
	}
	p.store = postgres.NewMessages(postgres.New(p.pool, keytest.Of(t, p.pool))) // somebody else goes on
	if n := p.pages(10); n != 15 {
		t.Errorf("whoever goes on takes %d", n)
	}
	p.planned()
	if n := p.number(remindedAnHourBefore); n != 25 {
		t.Errorf("%d of 25 are reminded an hour before; %v", n, p.states())
	}
	if n := p.number(`SELECT count(*) FROM messages WHERE organization_id = $1 AND kind = 'CONFIRMATION'`); n != told {
		t.Errorf("%d were told, %d by now", told, n)
	}
	if n, more := p.page(10); n != 0 || more {
		t.Errorf("when all is done a page takes %d (%v)", n, more)
	}
}

func TestRulesThatChangeWhileVisitsArePlannedAnewAreThoseThatHold(t *testing.T) {
	p := newPost(t)
	p.crowd(25)
	p.rules(nil, 3*time.Hour)
	p.page(10)
	p.planned()
	p.rules(nil, time.Hour)
	if n := p.pages(10); n != 25 {
		t.Errorf("of 25 visits %d are planned anew again", n)
	}
	p.planned()
	if n := p.number(remindedAnHourBefore); n != 25 {
		t.Errorf("%d of 25 are reminded an hour before; %v", n, p.states())
	}
}

func TestSeveralProcessesPlanAnewTogether(t *testing.T) {
	p := newPost(t)
	p.crowd(25)
	p.rules(nil, time.Hour)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			store := postgres.NewMessages(postgres.New(p.pool, keytest.Of(t, p.pool)))
			for more := true; more; {
				var err error
				if _, more, err = store.Replan(t.Context(), p.clock.Now(), 4); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	p.clock.Advance(11 * time.Second) // nobody's turn lasts longer
	p.pages(4)
	p.planned()
	if n := p.number(remindedAnHourBefore); n != 25 {
		t.Errorf("%d of 25 are reminded an hour before; %v", n, p.states())
	}
}

func TestRulesOfOneKindLeaveOthersAlone(t *testing.T) {
	p := newPost(t)
	p.crowd(9)
	p.Set(`INSERT INTO visit_kinds SELECT (jsonb_populate_record(k, jsonb_build_object('id', gen_random_uuid(), 'key', 'other'))).* FROM visit_kinds k WHERE k.organization_id = $1`)
	p.Set(`UPDATE appointments SET visit_kind_id = (SELECT id FROM visit_kinds WHERE organization_id = $1 AND key = 'other') WHERE organization_id = $1
		AND id IN (SELECT id FROM appointments WHERE organization_id = $1 ORDER BY starts_at LIMIT 5)`)
	p.rules(&p.VisitKind, time.Hour)
	if n := p.pages(4); n != 9 || p.number(visitsNoticed) != 4 || p.number(remindersAhead) != 5 {
		t.Errorf("of %d visits %d are planned anew, and %d keep their reminders; want 9, 4, 5", n, p.number(visitsNoticed), p.number(remindersAhead))
	}
}

func TestAReminderThatIsDueInAMomentIsNotTakenBackForOtherRules(t *testing.T) {
	p := newPost(t)
	a := p.crowd(1)
	p.clock.Set(a.Start.Add(-2*time.Hour - 30*time.Second))
	p.rules(nil, time.Hour)
	p.pages(10)
	p.clock.Advance(30 * time.Second)
	p.carry()
	p.clock.Set(a.Start.Add(-time.Hour))
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation, reminder.Remind, reminder.Remind) {
		t.Errorf("told %v; %v", p.sms.told(), p.states())
	}
}

func TestNewsGoesBeforeWhatIsPlannedAnew(t *testing.T) {
	p := newPost(t)
	p.crowd(5)
	p.rules(nil, time.Hour)
	p.pages(10)
	p.clock.Advance(time.Minute)
	booked := p.booked()
	due, err := p.store.DueNotices(t.Context(), p.clock.Now(), 2)
	if err != nil || len(due) != 2 {
		t.Fatal(due, err)
	}
	if due[0].Appointment != booked.Ref() && due[1].Appointment != booked.Ref() {
		t.Errorf("who books waits for %v", due)
	}
}

func TestNoMoreIsWithdrawnThanIsSoonPlannedAgain(t *testing.T) {
	p := newPost(t)
	a := p.crowd(5)
	p.rules(nil, time.Hour)
	p.Set(`INSERT INTO message_notices SELECT $1, $2, 100 + n, 'REPLANNED', $3, $3, 0, '' FROM generate_series(1, 1000) n`, a.ID, p.clock.Now())
	if n, more := p.page(10); n != 0 || more || p.number(remindersAhead) != 5 {
		t.Errorf("while 1,000 wait, %d more were taken", n)
	}
	p.Set(`DELETE FROM message_notices WHERE organization_id = $1 AND version = 101`)
	if n, more := p.page(10); n != 5 || !more {
		t.Errorf("while fewer wait, %d were taken (%v)", n, more)
	}
}

func TestVisitsFromBeforeThereWereMessagesAreReminded(t *testing.T) {
	p := newPost(t)
	a := p.booked() // all that is kept of messages goes below
	runner, err := migrate.Open(strings.TrimSuffix(pgtest.OwnerURL(t, p.pool.Config().ConnString()), "&pool_max_conns=20"))
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	for version := migrate.Latest(); version > 17; version-- {
		if _, ok, err := runner.Down(t.Context()); err != nil || !ok {
			t.Fatal(ok, err)
		}
	}
	if _, err := runner.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Set(`UPDATE message_replans SET at = $2, due_at = $2 WHERE organization_id = $1`, p.clock.Now()) // it was done by the wall's clock
	if _, err := p.Service.Replan(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	p.carry()
	p.clock.Set(a.Start.Add(-2 * time.Hour))
	p.carry()
	if !alike(p.sms.told(), reminder.Remind) {
		t.Errorf("told %v; %v", p.sms.told(), p.states())
	}
}
