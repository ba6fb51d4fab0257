package postgres_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// visits gives a provider so many, each half an hour; two and two start together, and every third is cancelled.
const visits = `
INSERT INTO appointments (organization_id, id, version, status, provider_id, location_id, visit_kind_id, patient_id, modality,
	starts_at, ends_at, local_start, time_zone, tzdb_version, created_at, created_by, updated_at)
SELECT $1, gen_random_uuid(), 1, CASE WHEN n % 3 = 0 THEN 'CANCELLED' ELSE 'BOOKED' END, $2, $3, $4, $5, 'IN_PERSON',
	at, at + interval '30 minutes', at AT TIME ZONE 'UTC', 'UTC', '2026a', at, $5, at - n * interval '7 minutes'
FROM (SELECT n, $6::timestamptz + n / 2 * interval '1 hour' AS at FROM generate_series(1, $7::int) n) v`

func (d *desk) visits(provider clinic.Ref, n int) {
	d.Set(visits, provider.ID, d.Location, d.VisitKind, d.Patient().PatientID, sample.Monday, n)
}

func TestAgendasAreTheListsOfTheirProviders(t *testing.T) {
	d := newDesk(t)
	providers := []clinic.Ref{d.Provider(1), d.Provider(1), d.Provider(1), d.Provider(1)}
	for i, n := range []int{7, 0, 1, 12} {
		d.visits(providers[i], n)
	}
	store := postgres.NewAppointmentStore(postgres.New(d.pool, keytest.Of(t, d.pool)))
	one, err := store.List(t.Context(), appointment.Filter{Organization: d.Organization, Provider: providers[0].ID, Statuses: []appointment.Status{appointment.Booked}},
		appointment.StartAscending, paging.Window{Size: 2})
	if err != nil {
		t.Fatal(err)
	}
	day := sample.Monday.Add(3 * time.Hour)
	filters := []appointment.Filter{
		{}, {Statuses: []appointment.Status{appointment.Cancelled}}, {From: day}, {To: day}, {From: day, To: day.Add(time.Hour)}, {Patient: one.Items[0].PatientID},
	}
	for _, o := range []appointment.Order{appointment.StartAscending, appointment.StartDescending, appointment.UpdatedDescending} {
		key := appointment.Key(one.Items[1], o)
		for _, w := range []paging.Window{
			{Size: 1}, {Size: 3}, {Size: 100}, {Size: 3, Backward: true}, {Size: 3, After: key}, {Size: 3, Before: key, Backward: true},
		} {
			for _, f := range filters {
				d.compare(store, providers, f, o, w)
			}
		}
	}
}

// compare holds the pages and counts of all providers against those of each.
func (d *desk) compare(store *postgres.AppointmentStore, providers []clinic.Ref, f appointment.Filter, o appointment.Order, w paging.Window) {
	d.t.Helper()
	pages, err := store.Agendas(d.t.Context(), providers, appointment.Agenda{Filter: f, Order: o, Window: w})
	if err != nil {
		d.t.Fatal(err)
	}
	counts, err := store.CountAgendas(d.t.Context(), providers, f)
	if err != nil {
		d.t.Fatal(err)
	}
	for i, p := range providers {
		f.Organization, f.Provider = p.Organization, p.ID
		want, err := store.List(d.t.Context(), f, o, w)
		n, failed := store.Count(d.t.Context(), f)
		if err != nil || failed != nil {
			d.t.Fatal(err, failed)
		}
		got := pages[p]
		if len(got.Items)+len(want.Items) > 0 && !reflect.DeepEqual(got.Items, want.Items) || got.HasNext != want.HasNext || got.HasPrevious != want.HasPrevious || counts[p] != n {
			d.t.Errorf("provider %d, %+v, %s, %+v: %d of %d, more: %v; the list has %d of %d, more: %v",
				i, f, o, w, len(got.Items), counts[p], got.HasNext, len(want.Items), n, want.HasNext)
		}
	}
}

func TestAnAgendaReadsNoMoreVisitsThanItShows(t *testing.T) {
	d := newDesk(t)
	var providers []clinic.Ref
	for range 20 {
		providers = append(providers, d.Provider(1))
		d.visits(providers[len(providers)-1], 500)
	}
	if _, err := d.pool.Exec(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	sent := &lastQuery{}
	traced := d.poolWith(func(c *pgxpool.Config) { c.ConnConfig.Tracer = sent })
	store := postgres.NewAppointmentStore(postgres.New(traced, keytest.Of(t, traced)))
	if _, err := store.Agendas(t.Context(), providers, appointment.Agenda{
		Filter: appointment.Filter{From: sample.Monday.Add(48 * time.Hour)}, Order: appointment.StartAscending, Window: paging.Window{Size: 5},
	}); err != nil {
		t.Fatal(err)
	}
	rows, _ := d.pool.Query(context.WithoutCancel(t.Context()), "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, COSTS OFF, BUFFERS OFF) "+sent.sql, sent.args...)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	plan := strings.Join(lines, "\n")
	if err != nil || !strings.Contains(plan, "Index Scan using appointments_by_provider") || strings.Contains(plan, "rows=500") {
		t.Errorf("%v\n%s", err, plan)
	}
}
