package prove_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

var closedVisits = flag.Int("closed", 40, "visits on the day that is closed")

// ward is a clinic whose doctors see patients all day, who can be told by text.
type ward struct {
	*station
	*rig.Clinic
	organization uuid.UUID
	workers      []*rig.Server
	passers      []rig.Patient // who want other times meanwhile
	others       []rig.Slot
	people       map[string]rig.Patient // by the patient's global id
}

func newWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{station: newStation(t, connections), people: map[string]rig.Patient{}}
	var err error
	w.Clinic, err = w.rig.NewClinic(t.Context(), w.api, &rig.Client{HTTP: w.http})
	w.must(err)
	ref, err := w.Ref(w.Organization)
	w.must(err)
	w.organization = ref.Organization
	w.fill(*closedVisits)
	telling := w.rig.Environ
	defer func() { w.rig.Environ = telling }()
	if !alone() { // who is killed with a letter on its way leaves one of which it takes minutes to learn whether it was sent
		w.rig.Environ = nil
	}
	w.rig.Environ = append(slices.Clone(w.rig.Environ), "MEDICONNECT_DATABASE_CONNECTIONS=8")
	for range 2 {
		worker, err := w.rig.Work(t.Context(), w.url)
		w.must(err)
		t.Cleanup(func() { _ = worker.Kill() })
		w.workers = append(w.workers, worker)
	}
	return w
}

// fill books so many visits on the day, ten with each doctor.
func (w *ward) fill(n int) {
	w.t.Helper()
	var day []rig.Slot
	for range (n + 9) / 10 {
		id, err := w.Provider(w.t.Context(), 1, 0)
		w.must(err)
		slots, err := w.Openings(w.t.Context(), id, 2)
		w.must(err)
		w.others = append(w.others, slots[18:20]...)
		day = append(day, slots[3:13]...)
	}
	lounge := &lounge{t: w.t}
	patients := make([]rig.Patient, n)
	lounge.each(n, func(i int) {
		p, err := w.Reachable(w.t.Context(), fmt.Sprintf("+1202%07d", 6_000_000+i), fmt.Sprintf("patient%d@example.org", i), "SMS")
		if err != nil {
			w.t.Error(err)
			return
		}
		patients[i] = p
		if a, err := p.Book(w.t.Context(), day[i].ID, "book"); err != nil || a.Code() != "DONE" {
			w.t.Errorf("a booking: %s %v", a.Code(), err)
		}
	})
	for _, p := range patients {
		w.people[globalid.Of(globalid.Patient, clinic.Ref{Organization: w.organization, ID: p.Actor.PatientID})] = p
	}
	var err error
	w.passers, err = w.Patients(w.t.Context(), len(w.others))
	w.must(err)
	_, err = w.pool.Exec(w.t.Context(), `UPDATE contact_preferences SET quiet_from = 0, quiet_until = 0, reminders = false`)
	w.must(err)
}

// settled is how many visits are dealt with.
func (w *ward) settled() int {
	return w.number(`SELECT count(*) FROM closure_items WHERE outcome <> 'WAITING'`)
}

func (w *ward) number(sql string, args ...any) (n int) {
	w.t.Helper()
	w.must(w.pool.QueryRow(w.t.Context(), sql, args...).Scan(&n))
	return n
}

// until waits until so many visits are dealt with, and says whether that came.
func (w *ward) until(ctx context.Context, n int) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for w.settled() < n {
		select {
		case <-ctx.Done():
			w.t.Errorf("it takes too long: %d of %d", w.settled(), n)
			return false
		case <-tick.C:
		}
	}
	return true
}

// A clinic's whole day is closed, and its visits are rebooked while workers are killed and the run is paused: everybody is told once, and nobody's
// time is another's.
func TestADayThatIsClosedIsRebookedWhoeverIsKilled(t *testing.T) {
	w := newWard(t)
	if t.Failed() {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	n := *closedVisits
	began := time.Now()
	c, err := w.CloseDay(ctx, "BOOK", "PT22H", "close")
	w.must(err)
	go func() { // others book on the day after meanwhile, some of them times that are wanted
		for i, p := range w.passers {
			_, _, _ = rig.Insist(ctx, func(ctx context.Context) (rig.Answer, error) { return p.Book(ctx, w.others[i].ID, "book") })
		}
	}()
	kills := 0
	for step := 1; step <= 6 && w.until(ctx, n*step/8); step++ {
		if step == 4 {
			w.pause(ctx, c)
			continue
		}
		worker := w.workers[kills%2]
		kills++
		w.must(worker.Kill())
		w.must(worker.Start(t.Context()))
	}
	if !w.until(ctx, n) {
		return
	}
	w.over(ctx, c.ID)
	took := time.Since(began)
	(&crashes{station: w.station}).rest()
	w.nobodyIsHurt(n)
	w.toldOnce()
	w.reported(t.Context(), c.ID, n)
	t.Logf("%d visits: %d moved, %d cancelled in %s, with %d kills and a pause", n, w.number(`SELECT count(*) FROM closure_items WHERE outcome = 'MOVED'`),
		w.number(`SELECT count(*) FROM closure_items WHERE outcome = 'CANCELLED'`), took.Round(time.Millisecond), kills)
}

// pause holds the run to beginning with nothing while it is paused: but what was begun may end.
func (w *ward) pause(ctx context.Context, c rig.Closed) {
	w.t.Helper()
	paused, err := w.Pause(ctx, c.ID)
	w.must(err)
	if paused.State != "PAUSED" {
		w.t.Errorf("paused: %+v", paused)
	}
	for _, worker := range w.workers { // with whom ends what was begun
		w.must(worker.Stop())
	}
	before := w.settled()
	for _, worker := range w.workers {
		w.must(worker.Start(w.t.Context()))
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	<-tick.C
	if now := w.settled(); now != before {
		w.t.Errorf("%d visits were dealt with in the pause", now-before)
	}
	if resumed, err := w.GoOn(ctx, c.ID); err != nil || resumed.State != "RUNNING" {
		w.t.Errorf("resumed: %+v %v", resumed, err)
	}
}

// over waits until the closure says that it is done.
func (w *ward) over(ctx context.Context, id string) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := w.Closure(ctx, id)
		w.must(err)
		if c.State == "DONE" {
			return
		}
		<-tick.C
	}
}

// nobodyIsHurt holds what is there to what must be.
func (w *ward) nobodyIsHurt(n int) {
	w.t.Helper()
	if items := w.number(`SELECT count(*) FROM closure_items`); items != n {
		w.t.Errorf("%d visits are listed", items)
	}
	day, next := w.Day.Add(4*time.Hour), w.Day.Add(28*time.Hour)
	for what, sql := range map[string]string{
		"times of two":             `SELECT count(*) FROM (SELECT FROM appointments WHERE status = 'BOOKED' AND $1::timestamptz < $2::timestamptz GROUP BY provider_id, starts_at HAVING count(*) > 1) x`,
		"patients with two visits": `SELECT count(*) FROM (SELECT FROM appointments WHERE status = 'BOOKED' AND $1::timestamptz < $2::timestamptz GROUP BY patient_id HAVING count(*) > 1) x`,
		"visits on the day":        `SELECT count(*) FROM appointments WHERE status = 'BOOKED' AND starts_at >= $1 AND starts_at < $2`,
		"claims on the day":        `SELECT count(*) FROM claims WHERE state = 'ACTIVE' AND starts_at >= $1 AND starts_at < $2`,
		"visits without their claims": `SELECT count(*) FROM appointments a WHERE status = 'BOOKED' AND $1::timestamptz < $2::timestamptz AND 2 <> (SELECT count(*) FROM claims c
			WHERE c.appointment_id = a.id AND c.state = 'ACTIVE' AND c.starts_at = a.starts_at AND c.ends_at = a.ends_at)`,
		"items that say otherwise than their visits": `SELECT count(*) FROM closure_items i JOIN appointments a ON a.id = i.appointment_id WHERE $1::timestamptz < $2::timestamptz AND NOT CASE i.outcome
			WHEN 'MOVED' THEN a.status = 'BOOKED' AND a.version = 2 AND a.starts_at = i.new_starts_at AND a.provider_id = i.new_provider_id AND a.starts_at >= i.starts_at
			WHEN 'CANCELLED' THEN a.status = 'CANCELLED' AND a.version = 2 AND a.cancel_reason = 'PROVIDER_UNAVAILABLE' AND a.cancelled_by = 'CLINIC' ELSE false END`,
	} {
		if found := w.number(sql, day, next); found != 0 {
			w.t.Errorf("%d %s", found, what)
		}
	}
}

// toldOnce holds the messages to one piece of news for each visit, which says what became of it. Where letters are sent it is sent once, unless nobody
// can say whether it was.
func (w *ward) toldOnce() {
	w.t.Helper()
	const news = `SELECT m.appointment_id AS visit, count(DISTINCT (m.kind, m.version, m.scheduled_for)) AS news, min(m.kind) AS kind, min(m.version) AS version,
		count(*) FILTER (WHERE m.state IN ('SENT', 'DELIVERED')) AS sent, bool_or(m.state = 'UNKNOWN') AS unknown
		FROM messages m WHERE m.kind IN ('CANCELLATION', 'CHANGE') GROUP BY m.appointment_id`
	wrong := w.number(`SELECT count(*) FROM closure_items i LEFT JOIN (`+news+`) m ON m.visit = i.appointment_id
		WHERE (m.news, m.version, m.kind) IS DISTINCT FROM (1::bigint, 2, CASE i.outcome WHEN 'MOVED' THEN 'CHANGE' ELSE 'CANCELLATION' END)
			OR $1 AND sent <> 1 AND NOT unknown`, alone())
	if others := w.number(`SELECT count(*) FROM (` + news + `) m WHERE visit NOT IN (SELECT appointment_id FROM closure_items)`); wrong != 0 || others != 0 {
		w.t.Errorf("of %d visits there isn't one message, and of %d others there is", wrong, others)
	}
	if twice := w.vendors.Duplicates(); len(twice) != 0 {
		w.t.Errorf("these were sent twice: %v", twice)
	}
}

// reported holds the report to the table.
func (w *ward) reported(ctx context.Context, id string, n int) {
	w.t.Helper()
	c, err := w.Closure(ctx, id)
	w.must(err)
	of := func(outcome string) int {
		return w.number(`SELECT count(*) FROM closure_items WHERE outcome = $1`, outcome)
	}
	if p := c.Progress; p.Affected != n || c.Items.TotalCount != n || p.Moved != of("MOVED") || p.Cancelled != of("CANCELLED") || p.Waiting+p.Offered+p.Kept+p.Gone+p.Failed != 0 {
		w.t.Errorf("reported: %+v", c)
	}
}
