package postgres_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// offerQueries counts the statements about offers.
type offerQueries struct{ n int }

func (o *offerQueries) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if strings.Contains(q.SQL, "waitlist_offers") {
		o.n++
	}
	return ctx
}

func (*offerQueries) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (o *offerQueries) TraceBatchStart(ctx context.Context, _ *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	for _, q := range b.Batch.QueuedQueries {
		if strings.Contains(q.SQL, "waitlist_offers") {
			o.n++
		}
	}
	return ctx
}

func (*offerQueries) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*offerQueries) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

const (
	hundredOffers = `
WITH p AS (SELECT id FROM patients WHERE organization_id = $1 ORDER BY id LIMIT 100), e AS (
    INSERT INTO waitlist_entries (organization_id, id, patient_id, status, priority, visit_kind_id, minimum_notice, joined_at, joined_by, ended_at)
    SELECT $1, gen_random_uuid(), p.id, 'LEFT', 0, $2, 0, $4, p.id, $4 FROM p RETURNING id, patient_id)
INSERT INTO waitlist_offers (organization_id, id, entry_id, patient_id, state, hold_id, provider_id, location_id, visit_kind_id, modality, starts_at, ends_at,
    local_start, time_zone, offered_at, told_at, expires_at, local_expires, ended_at, wave)
SELECT $1, gen_random_uuid(), e.id, e.patient_id, 'WITHDRAWN', gen_random_uuid(), gen_random_uuid(), $3, $2, 'IN_PERSON', $4, $4 + interval '1 hour', '2026-06-08', 'UTC',
    $4, $4, $4, '2026-06-08', $4, 1 FROM e`
	tellThem = `INSERT INTO event_log (organization_id, at, topic, offer_id, payload)
    SELECT organization_id, $2, 'waitlist.offer', id, '{}' FROM waitlist_offers WHERE organization_id = $1 ORDER BY id`
)

func TestAnOfferIsReadByWhomItIsForHoweverManyFollow(t *testing.T) {
	d := newWaitDesk(t)
	traced := &offerQueries{}
	db := postgres.New(d.poolWith(func(c *pgxpool.Config) { c.ConnConfig.Tracer = traced }), keytest.Of(t, d.pool))
	d.wait.Store = postgres.NewWaitlistStore(db)
	f := d.newFeed(db, nil)
	f.Waiting, f.Awaited = d.wait, live.NewConcerns(d.wait, d.clock)
	if err := f.pump(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	streams := make([]live.Stream, 1000)
	for i := range streams {
		var err error
		if streams[i], err = f.Offers(t.Context(), d.Patient(), nil); err != nil {
			t.Fatal(err)
		}
		defer streams[i].Close()
	}
	d.Set(hundredOffers, d.VisitKind, d.Location, sample.Monday)
	d.Set(tellThem, sample.Monday)
	if err := f.pump(t.Context(), head(t, f.log).Position); err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, s := range streams {
		for {
			e, err := s.(live.Patient).Poll(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if e == nil {
				break
			}
			if _, ok := e.(live.WaitlistOfferChanged); ok {
				told++
			}
		}
	}
	if told != 100 || traced.n > 101 {
		t.Errorf("%d are told of the 100 offers, by %d statements", told, traced.n)
	}
}

func TestTheOffersToThoseWhomOneActsForAreListedByAnIndex(t *testing.T) {
	d := newWaitDesk(t)
	ann, child := d.Patient(), d.Patient()
	for range 100 - 2 {
		d.Patient()
	}
	for range 30 {
		d.Set(hundredOffers, d.VisitKind, d.Location, sample.Monday)
	}
	d.Set(linkThem, ann.ID, child.PatientID, nil)
	d.Set(linkThem, ann.ID, d.Patient().PatientID, sample.Monday)
	if _, err := d.pool.Exec(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	sent := &lastQuery{}
	traced := d.poolWith(func(c *pgxpool.Config) { c.ConnConfig.Tracer = sent })
	d.wait.Store = postgres.NewWaitlistStore(postgres.New(traced, keytest.Of(t, traced)))
	found, all, err := d.wait.Concerning(t.Context(), ann, 60)
	if err != nil || !all || len(found) != 60 {
		t.Fatalf("%d are found, all: %v, %v", len(found), all, err)
	}
	if plan := d.explained(sent, "mediconnect_app"); !strings.Contains(plan, "waitlist_offers_of_patient") || strings.Contains(plan, "Seq Scan on waitlist_offers") {
		t.Error(plan)
	}
	whose, err := d.wait.Concerns(t.Context(), found)
	if err != nil || len(whose) != 60 {
		t.Fatalf("whose they are: %d, %v", len(whose), err)
	}
	for ref, c := range whose {
		if c.Patient != ann.PatientID && c.Patient != child.PatientID || !c.Of(ann) || c.Of(d.FrontDesk()) {
			t.Errorf("%v is of %+v", ref, c)
		}
	}
	if found, all, err = d.wait.Concerning(t.Context(), ann, 59); err != nil || all || len(found) != 0 {
		t.Errorf("of more than are asked for: %d, all: %v, %v", len(found), all, err)
	}
}
