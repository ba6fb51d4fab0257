package app

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

const (
	countConflicts = `
INSERT INTO conflict_counts (organization_id, hour, mode, operation, what, key, n)
SELECT $1, '2026-06-08T10:00:00Z', 'shadow', 'BOOK', what, key, n FROM (VALUES
    ('VERDICT', 'AGREED_ALLOWED', 90), ('VERDICT', 'ONLY_FULL', 10), ('FULL', 'DUPLICATE_VISIT', 10), ('ONLY_FULL', 'DUPLICATE_VISIT', 10),
    ('TOOK', '3508', 100), ('LONGEST', '', 3400)) c(what, key, n)`
	tellConflicts = `
INSERT INTO conflict_disagreements (organization_id, id, at, mode, operation, location_id, visit_kind_id, basic, full_, micros)
SELECT $1, gen_random_uuid(), '2026-06-08T10:15:00Z', 'shadow', 'BOOK', l.id, k.id, '{PATIENT_BUSY}', '{DUPLICATE_VISIT}', 3400
FROM locations l, visit_kinds k WHERE l.organization_id = $1 AND k.organization_id = $1 ORDER BY l.id, k.id LIMIT 1`
	addFallback = `
INSERT INTO conflict_fallbacks (id, instance, at, cause, cases, failed, slow, people, refused, rearmed_at, rearmed_by)
VALUES ($1::uuid, $1::uuid, '2026-06-08T10:20:00Z', 'LATENCY', 100, 1, 11, 90, 2, CASE WHEN $2::boolean THEN '2026-06-08T11:00:00Z'::timestamptz END, CASE WHEN $2::boolean THEN $1::uuid END)`
)

// keepConflicts has detections compared in a site.
func (r *realm) keepConflicts(t *testing.T, s *site) {
	t.Helper()
	s.Set(countConflicts)
	s.Set(tellConflicts)
}

// fallBack has a server fall back to the basic detection.
func fallBack(t *testing.T, pool *pgxpool.Pool, rearmed bool) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), addFallback, sample.NewID(), rearmed); err != nil {
		t.Fatal(err)
	}
}
