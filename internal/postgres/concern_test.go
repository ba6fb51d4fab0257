package postgres_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

const (
	linkThem = `INSERT INTO account_links (organization_id, id, account_id, patient_id, relation, invitation_id, linked_at, ended_at)
		VALUES ($1, gen_random_uuid(), $2, $3, 'CAREGIVER', gen_random_uuid(), '2026-06-01', $4)`
	visitsOf = `SELECT array_agg(id) FROM appointments WHERE patient_id = ANY ($1)`
	explain  = "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, COSTS OFF, BUFFERS OFF) "
)

func refs(organization uuid.UUID, ids []uuid.UUID) []clinic.Ref {
	list := make([]clinic.Ref, len(ids))
	for i, id := range ids {
		list[i] = clinic.Ref{Organization: organization, ID: id}
	}
	return list
}

// sorted is what two lists that are the same but for their order have in common.
func sorted(list []clinic.Ref) string {
	texts := make([]string, len(list))
	for i, r := range list {
		texts[i] = fmt.Sprint(r)
	}
	slices.Sort(texts)
	return strings.Join(texts, "\n")
}

func TestTheAppointmentsOfWhomOneActsForAreListedByIndexes(t *testing.T) {
	d := newDesk(t)
	ann, child, former, other := d.Patient(), d.Patient(), d.Patient(), d.Patient()
	elsewhere := sample.NewClinic(t, d.pool)
	theirs := elsewhere.Patient()
	doctor, abroad := d.Provider(1), elsewhere.Provider(1)
	for patient, n := range map[uuid.UUID]int{ann.PatientID: 3, child.PatientID: 4, former.PatientID: 5, other.PatientID: 4000} {
		d.Set(visits, doctor.ID, d.Location, d.VisitKind, patient, sample.Monday, n)
	}
	elsewhere.Set(visits, abroad.ID, elsewhere.Location, elsewhere.VisitKind, theirs.PatientID, sample.Monday, 2)
	d.Set(linkThem, ann.ID, child.PatientID, nil)
	d.Set(linkThem, ann.ID, former.PatientID, sample.Monday)
	elsewhere.Set(linkThem, ann.ID, theirs.PatientID, nil)
	d.Set(`INSERT INTO account_links (organization_id, id, account_id, patient_id, relation, invitation_id, linked_at)
		SELECT $1, gen_random_uuid(), gen_random_uuid(), $2, 'CAREGIVER', gen_random_uuid(), '2026-06-01' FROM generate_series(1, 2000)`, other.PatientID)
	if _, err := d.pool.Exec(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	var own []uuid.UUID
	if err := d.pool.QueryRow(t.Context(), visitsOf, []uuid.UUID{ann.PatientID, child.PatientID}).Scan(&own); err != nil {
		t.Fatal(err)
	}

	sent := &lastQuery{}
	traced := d.poolWith(func(c *pgxpool.Config) { c.ConnConfig.Tracer = sent })
	store := postgres.NewAppointmentStore(postgres.New(traced, keytest.Of(t, traced)))
	list := func(a access.Actor, limit int) []clinic.Ref {
		t.Helper()
		found, err := store.Concerning(t.Context(), a, limit)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if got := list(ann, 100); sorted(got) != sorted(refs(d.Organization, own)) {
		t.Errorf("found %v, not %v", got, own)
	}
	if got := list(ann, 6); len(got) != 6 {
		t.Errorf("found %d of at most 6", len(got))
	}
	stranger := ann
	stranger.ID, stranger.PatientID = sample.NewID(), uuid.Nil
	if got := list(stranger, 100); len(got) != 0 {
		t.Errorf("of nobody's were found %v", got)
	}

	list(ann, 1001)
	plan := d.explained(sent, "mediconnect_app")
	for _, index := range []string{"appointments_by_patient", "account_links_"} {
		if !strings.Contains(plan, index) || strings.Contains(plan, "Rows Removed") {
			t.Errorf("not by %s:\n%s", index, plan)
		}
	}
}

// explained is how the last statement was executed for the desk's organisation.
func (d *desk) explained(sent *lastQuery, role string) string {
	d.t.Helper()
	tx := d.begin()
	defer func() { _ = tx.Rollback(context.WithoutCancel(d.t.Context())) }()
	if _, err := tx.Exec(d.t.Context(), "SELECT set_config('role', $1, true), set_config('mediconnect.organization', $2, true)", role, d.Organization.String()); err != nil {
		d.t.Fatal(err)
	}
	rows, _ := tx.Query(d.t.Context(), explain+sent.sql, sent.args...)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		d.t.Fatalf("%s: %v", sent.sql, err)
	}
	return strings.Join(lines, "\n")
}

// Three patients' screens come back while a clinic has written very much of others.
func TestWhatWasWrittenOfThingsIsReadWithoutReadingWhatWasOfOthers(t *testing.T) {
	for column, of := range map[string]func([]clinic.Ref) live.Interest{
		"appointment_id": func(own []clinic.Ref) live.Interest { return live.Interest{Appointments: own} },
		"offer_id":       func(own []clinic.Ref) live.Interest { return live.Interest{OwnOffers: own} },
	} {
		t.Run(column, func(t *testing.T) { newDesk(t).readsOf(column, of) })
	}
}

// readsOf has entries read of three things that a column of the log names.
func (d *desk) readsOf(column string, interest func([]clinic.Ref) live.Interest) {
	t := d.t
	t.Helper()
	elsewhere := sample.NewClinic(t, d.pool)
	own := []uuid.UUID{sample.NewID(), sample.NewID(), sample.NewID()}
	write := func(organization uuid.UUID, thing any, n int) {
		t.Helper()
		if _, err := d.pool.Exec(t.Context(), `INSERT INTO event_log (organization_id, at, topic, provider_id, `+column+`, payload)
			SELECT $1, now(), 'test', gen_random_uuid(), coalesce($2, gen_random_uuid()), '{}' FROM generate_series(1, $3::int)`, organization, thing, n); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		write(d.Organization, nil, 7000)
		write(elsewhere.Organization, own[0], 1) // the same id, of another tenant
		for _, id := range own {
			write(d.Organization, id, 1)
		}
	}
	if _, err := d.pool.Exec(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	want := d.positions(`SELECT position FROM event_log WHERE organization_id = $1 AND `+column+` = ANY ($2) ORDER BY position`, d.Organization, own)

	sent := &logQuery{}
	traced := d.poolWith(func(c *pgxpool.Config) { c.ConnConfig.Tracer = sent })
	log := postgres.NewLog(postgres.New(traced, nil))
	end := head(t, log)
	of := interest(refs(d.Organization, own))
	for limit, reads := range map[int]int{500: 1, 4: 3, 2: 5} {
		var got []int64
		at, n := live.Cursor{Epoch: end.Epoch}, 0
		for ; at.Position < end.Position; n++ {
			entries, next, err := log.ReadOf(t.Context(), of, at, end.Position, limit)
			if err != nil || len(entries) > limit || next.Position <= at.Position {
				t.Fatalf("%d entries after %d, up to %d, %v", len(entries), at.Position, next.Position, err)
			}
			for _, e := range entries {
				got = append(got, e.Position)
			}
			at = next
		}
		if !slices.Equal(got, want) || len(got) != 9 || n != reads {
			t.Errorf("%d at once: %d reads found %v, not %v", limit, n, got, want)
		}
	}
	if got, _, err := log.ReadOf(t.Context(), of, live.Cursor{Epoch: end.Epoch, Position: want[1]}, want[6], 500); err != nil || len(got) != 5 {
		t.Errorf("between two places are %v, %v", got, err)
	}
	plan := d.explained(&sent.lastQuery, "mediconnect_relay")
	thing := strings.TrimSuffix(column, "_id")
	if !strings.Contains(plan, "event_log_by_"+thing) || !regexp.MustCompile(`AND \(`+column+` = \w\.`+column+`\) AND \("position" >`).MatchString(plan) || strings.Contains(plan, "Rows Removed") {
		t.Error(plan)
	}
}

func (d *desk) positions(sql string, args ...any) []int64 {
	d.t.Helper()
	rows, _ := d.pool.Query(d.t.Context(), sql, args...)
	list, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}
