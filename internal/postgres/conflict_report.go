package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/conflict"
)

const (
	selectFallbacks = `
SELECT id, instance, at, cause, cases, failed, slow, people, refused, rearmed_at, rearmed_by FROM conflict_fallbacks WHERE `
	standingFallback = selectFallbacks + `rearmed_at IS NULL ORDER BY at DESC, id LIMIT 1`
	listedFallbacks  = selectFallbacks + `rearmed_at IS NULL OR at >= $1 AND at < $2 ORDER BY at DESC, id LIMIT $3`
	fallbackStands   = `SELECT EXISTS (SELECT FROM conflict_fallbacks WHERE id = $1 AND rearmed_at IS NULL) AS stands`
)

type fallbackRow struct {
	ID, Instance uuid.UUID
	At           time.Time
	Cause        conflict.Cause
	Cases        int
	Failed, Slow int
	People       int
	Refused      int
	RearmedAt    *time.Time
	RearmedBy    *uuid.UUID
}

func (r fallbackRow) fallback() conflict.Fallback {
	return conflict.Fallback{
		ID: r.ID, Instance: r.Instance, At: r.At.UTC(), Cause: r.Cause, RearmedAt: utc(r.RearmedAt), RearmedBy: r.RearmedBy,
		Figures: conflict.Figures{Cases: r.Cases, Failed: r.Failed, Slow: r.Slow, People: r.People, Refused: r.Refused},
	}
}

// Standing is documented at conflict.Fallbacks.
func (s *ConflictRecords) Standing(ctx context.Context) (*conflict.Fallback, error) {
	rows, err := list[fallbackRow](ctx, s.db.tenant(uuid.Nil), standingFallback)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	f := rows[0].fallback()
	return &f, nil
}

// Stands is documented at conflict.Fallbacks.
func (s *ConflictRecords) Stands(ctx context.Context, id uuid.UUID) (bool, error) {
	rows, err := list[struct{ Stands bool }](ctx, s.db.tenant(uuid.Nil), fallbackStands, id)
	return len(rows) > 0 && rows[0].Stands, err
}

// Of no organisation in particular, rows of all are summed up: whoever reads sees those that it may.
const (
	sumCounts = `
SELECT mode, operation, what, key, (CASE WHEN what = 'LONGEST' THEN max(n) ELSE sum(n) END)::bigint AS n FROM conflict_counts
WHERE hour >= $1 AND hour < $2 AND `
	sumCountsOf         = sumCounts + `organization_id = $3 GROUP BY mode, operation, what, key`
	sumCountsOfAll      = sumCounts + `$3 = '00000000-0000-0000-0000-000000000000'::uuid GROUP BY mode, operation, what, key`
	selectDisagreements = `
SELECT organization_id, id, at, mode, operation, location_id, visit_kind_id, basic, full_, micros FROM conflict_disagreements
WHERE at >= $1 AND at < $2 AND `
	disagreementsOf    = selectDisagreements + `organization_id = $3 ORDER BY at DESC, id LIMIT $4`
	disagreementsOfAll = selectDisagreements + `$3 = '00000000-0000-0000-0000-000000000000'::uuid ORDER BY at DESC, organization_id, id LIMIT $4`
)

type countRow struct {
	Mode      conflict.Mode
	Operation conflict.Operation
	What      conflict.What
	Key       string
	N         int64
}

type disagreementRow struct {
	OrganizationID, ID      uuid.UUID
	At                      time.Time
	Mode                    conflict.Mode
	Operation               conflict.Operation
	LocationID, VisitKindID uuid.UUID
	Basic, Full             []string
	Micros                  int64
}

func (r disagreementRow) disagreement() conflict.OrganizationDisagreement {
	return conflict.OrganizationDisagreement{Organization: r.OrganizationID, Disagreement: conflict.Disagreement{
		ID: r.ID, At: r.At.UTC(), Mode: r.Mode, Operation: r.Operation, Location: r.LocationID, VisitKind: r.VisitKindID,
		Basic: ruleNames(r.Basic), Full: ruleNames(r.Full), Took: time.Duration(r.Micros) * time.Microsecond,
	}}
}

func ruleNames(names []string) []availability.Rule {
	return column(names, func(name string) availability.Rule { return availability.Rule(name) })
}

// Tallied is documented at conflict.ReportStore.
func (s *ConflictRecords) Tallied(ctx context.Context, organization uuid.UUID, from, to time.Time) (t conflict.Tallied, err error) {
	reads, counts, disagreements := s.db.tenant(organization), sumCountsOf, disagreementsOf
	if organization == uuid.Nil {
		reads, counts, disagreements = s.db.job(sweeperRole), sumCountsOfAll, disagreementsOfAll
	}
	err = reads.snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error {
		sums, err := all[countRow](ctx, tx, counts, from, to, organization)
		if err != nil {
			return err
		}
		t.Counts = make(map[conflict.Counted]int64, len(sums))
		for _, r := range sums {
			t.Counts[conflict.Counted{Mode: r.Mode, Operation: r.Operation, What: r.What, Key: r.Key}] = r.N
		}
		told, err := all[disagreementRow](ctx, tx, disagreements, from, to, organization, conflict.MaxListedDisagreements)
		if err != nil {
			return err
		}
		t.Disagreements = column(told, disagreementRow.disagreement)
		fallen, err := all[fallbackRow](ctx, tx, listedFallbacks, from, to, conflict.MaxListedFallbacks)
		t.Fallbacks = column(fallen, fallbackRow.fallback)
		return err
	})
	return t, err
}
