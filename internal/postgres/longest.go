package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// longest is how long the longest visit of each of some providers keeps them busy, buffers included. A claim knows the days whose
// openings it touches by it.
type longest struct {
	organization uuid.UUID
	providers    []uuid.UUID
	before       map[uuid.UUID]time.Duration
}

const selectLongest = `
SELECT p.provider_id, max(k.duration + k.buffer_before + k.buffer_after) AS seconds
FROM provider_visit_kinds p JOIN visit_kinds k ON k.organization_id = p.organization_id AND k.id = p.visit_kind_id
WHERE p.organization_id = $1 AND p.provider_id = ANY ($2) GROUP BY 1`

// longestOf reads it before the kinds of visit change.
func longestOf(ctx context.Context, tx pgx.Tx, organization uuid.UUID, providers []uuid.UUID) (longest, error) {
	l := longest{organization: organization, providers: providers}
	var err error
	l.before, err = l.read(ctx, tx)
	return l, err
}

func (l longest) read(ctx context.Context, tx pgx.Tx) (map[uuid.UUID]time.Duration, error) {
	type row struct {
		ProviderID uuid.UUID
		Seconds    int
	}
	rows, err := all[row](ctx, tx, selectLongest, l.organization, l.providers)
	lengths := make(map[uuid.UUID]time.Duration, len(rows))
	for _, r := range rows {
		lengths[r.ProviderID] = lasting(r.Seconds)
	}
	return lengths, err
}

const widenDays = `
UPDATE claims c SET days = ARRAY(SELECT DISTINCT d + n FROM unnest(c.days) d, generate_series(-$3::integer, $3) n ORDER BY 1)
WHERE c.organization_id = $1 AND c.party_id = $2 AND c.state = 'ACTIVE'`

// widen has the claims touch the days that a longer visit than any before reaches. Call it after the change.
func (l longest) widen(ctx context.Context, tx pgx.Tx) error {
	after, err := l.read(ctx, tx)
	if err != nil {
		return err
	}
	const day = 24 * time.Hour
	batch := &pgx.Batch{}
	for p, length := range after {
		if grown := length - l.before[p]; grown > 0 {
			batch.Queue(widenDays, l.organization, p, int((grown+day-1)/day))
		}
	}
	return tx.SendBatch(ctx, batch).Close()
}
