package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
)

// stood puts a message of a visit into the database: scheduled so long before now, in a state, and delivered so long after its time.
func (d *drawer) stood(visit, state string, ago time.Duration, delivered time.Duration) {
	d.t.Helper()
	at := d.clock.Now().Add(-ago)
	var due, claimed, arrived, ended *time.Time
	switch state {
	case "SCHEDULED", "QUEUED":
		due = &at
	case "SENDING":
		claimed = &at
	case "DELIVERED":
		then := at.Add(delivered)
		arrived = &then
	case "FAILED", "UNKNOWN", "EXPIRED":
		ended = &at
	}
	d.Set(`INSERT INTO messages (organization_id, id, appointment_id, patient_id, version, kind, rule, channel, scheduled_for, expires_at, state, due_at, claimed_until,
			sending_at, delivered_at, ended_at, reference, planned_at)
		SELECT organization_id, gen_random_uuid(), id, patient_id, 1, 'REMINDER', gen_random_uuid()::text, 'SMS', $3, starts_at, $4, $5, $6, $6, $7, $8, 'R', $3
		FROM appointments WHERE organization_id = $1 AND id = $2`, visit, at, state, due, claimed, arrived, ended)
}

func TestOperatorsSeeWhatWaitsAndWhatWasLate(t *testing.T) {
	d := newDrawer(t)
	visit := d.lost(10).ID.String()
	d.Set(`DELETE FROM messages WHERE organization_id = $1 AND kind <> 'CONFIRMATION'`)
	d.Set(`UPDATE messages SET ended_at = ended_at - interval '2 hours', scheduled_for = scheduled_for - interval '5 hours' WHERE organization_id = $1`)
	d.clock.Advance(time.Minute)
	for range 2 {
		d.stood(visit, "QUEUED", 20*time.Second, 0)
	}
	d.stood(visit, "SCHEDULED", 90*time.Second, 0)
	d.stood(visit, "SCHEDULED", -time.Hour, 0) // not due yet
	d.stood(visit, "SENDING", 5*time.Second, 0)
	d.stood(visit, "DELIVERED", time.Hour, 30*time.Minute)
	d.stood(visit, "DELIVERED", time.Hour, 31*time.Minute)
	d.stood(visit, "SENT", 80*time.Minute, 0)
	d.stood(visit, "UNKNOWN", 40*time.Minute, 0)
	d.stood(visit, "DELIVERED", 2*time.Hour, time.Hour) // before the hour
	f, err := d.store.Figures(t.Context(), d.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	stage := func(s reminder.State) reminder.Stage { return reminder.Stage{Channel: reminder.SMS, State: s} }
	if f.Waiting[stage(reminder.Queued)].Count != 2 || f.Waiting[stage(reminder.Scheduled)].Count != 1 || f.Waiting[stage(reminder.Sending)].Count != 1 ||
		f.Oldest(reminder.SMS) != 90*time.Second || f.Oldest(reminder.Email) != 0 {
		t.Errorf("waiting: %+v", f.Waiting)
	}
	if share, some := f.OnTimeShare(reminder.SMS); !some || share != 0.25 || f.Hour[stage(reminder.Delivered)] != (reminder.Went{Count: 2, OnTime: 1}) {
		t.Errorf("on time: %v of %+v", share, f.Hour)
	}
	if _, some := f.OnTimeShare(reminder.Email); some {
		t.Error("a share of nothing")
	}
	if f.Ended[stage(reminder.Unknown)] != 1 || len(f.Ended) != 1 {
		t.Errorf("ended badly: %+v", f.Ended)
	}
	if f.Dead[reminder.SMS] != (reminder.Wait{Count: 1, Oldest: time.Minute}) {
		t.Errorf("dead: %+v", f.Dead)
	}
	d.again()
	if f, err := d.store.Figures(t.Context(), d.clock.Now()); err != nil || len(f.Dead) != 0 {
		t.Errorf("dead once they are replayed: %+v (%v)", f.Dead, err)
	}
}

func TestOperatorsSeeWhatNobodyCanPlan(t *testing.T) {
	p := newPost(t)
	figures := func() reminder.Figures {
		t.Helper()
		f, err := p.store.Figures(t.Context(), p.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if f := figures(); f.News.Count != 0 || f.Replans.Count != 0 || f.Marks.Count != 0 {
		t.Errorf("of nothing: %+v", f)
	}
	p.crowd(3)
	p.booked()
	p.rules(nil, time.Hour)
	p.clock.Advance(time.Hour)
	for range 5 { // whoever plans fails
		due, err := p.store.DueNotices(t.Context(), p.clock.Now(), 10)
		if err != nil || len(due) != 1 {
			t.Fatal(due, err)
		}
		if err := p.store.PutOff(t.Context(), due[0], p.clock.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		p.clock.Advance(time.Minute)
	}
	if f := figures(); f.News != (reminder.Wait{Count: 1, Oldest: 65 * time.Minute}) || f.Marks != f.News || f.Replans.Count != 0 {
		t.Errorf("news %+v, rules %+v, replans %+v", f.News, f.Marks, f.Replans)
	}
	p.pages(10)
	p.clock.Advance(time.Second)
	if f := figures(); f.Replans != (reminder.Wait{Count: 3, Oldest: time.Second}) || f.Marks.Count != 0 || f.News.Count != 1 {
		t.Errorf("news %+v, rules %+v, replans %+v", f.News, f.Marks, f.Replans)
	}
	p.planned()
	if f := figures(); f.News.Count != 0 || f.Replans.Count != 0 {
		t.Errorf("once all is planned: %+v", f)
	}
}

func TestMessagesAreKeptAsLongAsTheyAreToBe(t *testing.T) {
	d := newDrawer(t)
	a := d.lost(10)
	db := postgres.New(d.pool, keytest.Of(t, d.pool))
	tidy := func(at time.Time) {
		t.Helper()
		if _, err := db.TidyMessages(context.Background(), at, 400*24*time.Hour, 100); err != nil {
			t.Fatal(err)
		}
	}
	d.Set(`DELETE FROM messages WHERE organization_id = $1 AND kind <> 'CONFIRMATION'`)
	d.Set(`INSERT INTO message_notices (organization_id, appointment_id, version, kind, at, due_at, request_id) VALUES ($1, $2, 99, 'CHANGED', $3, $3, '')`, a.ID, d.clock.Now())
	all := `SELECT (SELECT count(*) FROM messages WHERE organization_id = $1) + (SELECT count(*) FROM message_attempts WHERE organization_id = $1)
		+ (SELECT count(*) FROM dead_letters WHERE organization_id = $1)`
	notices := `SELECT count(*) FROM message_notices WHERE organization_id = $1`
	made := d.clock.Now()
	tidy(made.Add(30*24*time.Hour - time.Second))
	if d.number(notices) != 1 {
		t.Error("the notice has gone too soon")
	}
	tidy(made.Add(400*24*time.Hour - time.Second))
	if d.number(all) != 3 || d.number(notices) != 0 {
		t.Errorf("of a message, an attempt and a letter %d are left, and %d notices", d.number(all), d.number(notices))
	}
	tidy(made.Add(400 * 24 * time.Hour))
	if d.number(all) != 0 {
		t.Errorf("%d are left", d.number(all))
	}
}
