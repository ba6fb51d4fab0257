package prove_test

import (
	"maps"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// invariants are what must hold in the tables of an organisation whatever happened; each query counts the exceptions.
var invariants = []struct{ name, query string }{
	{"double bookings", `SELECT count(*) FROM claims a JOIN claims b ON a.organization_id = b.organization_id AND a.party_id = b.party_id
		AND a.lane = b.lane AND a.id < b.id AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at
		WHERE a.organization_id = $1 AND a.state = 'ACTIVE' AND b.state = 'ACTIVE'`},
	{"patients with two visits at once", `SELECT count(*) FROM appointments a JOIN appointments b ON a.organization_id = b.organization_id
		AND a.patient_id = b.patient_id AND a.id < b.id AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at
		WHERE a.organization_id = $1 AND a.status = 'BOOKED' AND b.status = 'BOOKED'`},
	{"booked visits without a lane and the patient's time", `SELECT count(*) FROM appointments a WHERE a.organization_id = $1 AND status = 'BOOKED'
		AND 2 <> (SELECT count(*) FROM claims c WHERE c.organization_id = $1 AND c.appointment_id = a.id AND c.state = 'ACTIVE'
			AND c.party_id IN (a.provider_id, a.patient_id) AND c.starts_at <= a.starts_at AND c.ends_at >= a.ends_at)`},
	{"claims of visits that are over", `SELECT count(*) FROM claims c JOIN appointments a ON a.organization_id = $1 AND a.id = c.appointment_id
		WHERE c.organization_id = $1 AND c.state = 'ACTIVE' AND a.status = 'CANCELLED'`},
	{"days counted wrong", `SELECT count(*) FROM party_days d WHERE d.organization_id = $1 AND booked <> (SELECT count(*) FROM claims c
		WHERE c.organization_id = $1 AND c.party_id = d.party_id AND c.counted_day = d.day AND c.state IN ('ACTIVE', 'PAST'))`},
	{"windows counted wrong", `SELECT count(*) FROM window_counts w WHERE w.organization_id = $1 AND booked <> (SELECT count(*) FROM claims c
		WHERE c.organization_id = $1 AND c.party_id = w.provider_id AND w.exception_id = ANY (c.counted_windows) AND c.state IN ('ACTIVE', 'PAST'))`},
	{"days over their cap", `SELECT count(*) FROM party_days d JOIN providers p ON p.organization_id = d.organization_id AND p.id = d.party_id
		WHERE d.organization_id = $1 AND d.booked > p.max_daily_appointments`},
	{"windows over their cap", `SELECT count(*) FROM window_counts w JOIN schedule_exceptions e ON e.organization_id = w.organization_id
		AND e.id = w.exception_id WHERE w.organization_id = $1 AND w.booked > e.max_appointments`},
	{"visits that were booked without a record", `SELECT count(*) FROM appointments a WHERE a.organization_id = $1
		AND 1 <> (SELECT count(*) FROM audit_events e WHERE e.organization_id = $1 AND e.entity_id = a.id AND e.action = 'appointment.book')`},
	{"visits whose version isn't the number of their records", `SELECT count(*) FROM appointments a WHERE a.organization_id = $1
		AND a.version <> (SELECT count(*) FROM audit_events e WHERE e.organization_id = $1 AND e.entity_id = a.id
			AND e.effect = 'WRITE' AND e.outcome = 'DONE')`},
	{"visits whose last change isn't in the log", `SELECT count(*) FROM appointments a WHERE a.organization_id = $1 AND NOT EXISTS (
		SELECT FROM event_log e WHERE e.organization_id = $1 AND e.appointment_id = a.id AND e.provider_id = a.provider_id AND e.at = a.updated_at)`},
}

func (p *proof) tablesHold() {
	p.t.Helper()
	for _, i := range invariants {
		if n := p.count(i.query); n != 0 {
			p.t.Errorf("%d %s", n, i.name)
		}
	}
}

// count runs a query with the organisation as its first argument.
func (p *proof) count(query string, more ...any) (n int) {
	p.t.Helper()
	org, err := p.Ref(p.Organization)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.pool.QueryRow(p.t.Context(), query, append([]any{org.ID}, more...)...).Scan(&n); err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// view is what a client knows of its visits, by their ids: the last answer about each.
type view map[string]rig.Visit

func (v view) see(visit *rig.Visit) {
	if visit != nil {
		v[visit.ID] = *visit
	}
}

const visits = `SELECT patient_id, id, version, status, starts_at FROM appointments WHERE organization_id = $1`

// agree compares what each patient was told with the table: the same visits in the same states, and no others.
func (p *proof) agree(views []view) {
	p.t.Helper()
	org, err := p.Ref(p.Organization)
	if err != nil {
		p.t.Fatal(err)
	}
	rows, _ := p.pool.Query(p.t.Context(), visits, org.ID)
	type row struct {
		PatientID, ID uuid.UUID
		Version       int
		Status        string
		StartsAt      time.Time
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		p.t.Fatal(err)
	}
	table := map[uuid.UUID]view{}
	for _, r := range list {
		if table[r.PatientID] == nil {
			table[r.PatientID] = view{}
		}
		id := globalid.Of(globalid.Appointment, clinic.Ref{Organization: org.ID, ID: r.ID})
		table[r.PatientID][id] = rig.Visit{ID: id, Version: r.Version, Status: r.Status, Start: r.StartsAt.UTC()}
	}
	for i, told := range views {
		if known := table[p.patients[i].Actor.PatientID]; !maps.Equal(known, told) {
			p.t.Errorf("client %d was told %+v, the table says %+v", i, told, known)
		}
	}
	p.t.Logf("%d visits in the table, all as the %d clients were told", len(list), len(views))
}

// deadlocks is PostgreSQL's own counter. A session reports to it when it ends, or a second after its last statement.
func (p *proof) deadlocks() (n int) {
	p.t.Helper()
	err := p.pool.QueryRow(p.t.Context(), `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&n)
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// noDeadlock ends the program's sessions, so that they report, looks, and starts it again.
func (p *proof) noDeadlock() {
	p.t.Helper()
	processes := []*rig.Server{world.server, world.worker}
	for _, s := range processes {
		if err := s.Kill(); err != nil {
			p.t.Fatal(err)
		}
	}
	p.sessionsEnd()
	if after := p.deadlocks(); after != p.before {
		p.t.Errorf("%d deadlocks", after-p.before)
	}
	for _, s := range processes {
		if err := s.Start(p.t.Context()); err != nil {
			p.t.Fatal(err)
		}
	}
}

const sessions = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'mediconnect'`

func (p *proof) sessionsEnd() {
	p.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < 20*time.Second; <-tick.C {
		var n int
		if err := p.pool.QueryRow(p.t.Context(), sessions).Scan(&n); err != nil {
			p.t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
	p.t.Fatal("sessions of killed servers don't end")
}
