package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/identity"
)

const (
	// Whoever refreshes a session or ends it takes turns; what the tokens are is looked up after that.
	lockSession   = selectSession + ` FOR UPDATE`
	selectRefresh = `
SELECT r.generation, r.used_at, (SELECT count(*)::integer FROM session_refreshes n
    WHERE n.organization_id = $1 AND n.session_id = $2 AND n.generation = $4) AS siblings, CASE WHEN $4 % $5 = 0 THEN
    (SELECT count(*)::integer FROM session_refreshes a WHERE a.organization_id = $1 AND a.session_id = $2) ELSE 0 END AS remembered
FROM session_refreshes r WHERE r.organization_id = $1 AND r.session_id = $2 AND r.digest = $3`
	useRefresh = `UPDATE session_refreshes SET used_at = $4 WHERE organization_id = $1 AND session_id = $2 AND digest = $3`
	// What was made for lost answers beside the one that is used.
	voidSiblings = `
UPDATE session_refreshes SET void_at = $4 WHERE organization_id = $1 AND session_id = $2 AND generation = $3 AND used_at IS NULL`
	rotateSession = `UPDATE sessions SET generation = $3, rotated_at = $4, last_used_at = greatest(last_used_at, $4) WHERE organization_id = $1 AND id = $2`
	endSession    = `UPDATE sessions SET ended_at = $3 WHERE organization_id = $1 AND id = $2`
)

// countEvery so many generations it is looked how many tokens of a session are remembered.
const countEvery = 50

// RefreshSession implements identity.SessionStore.
func (s *Sessions) RefreshSession(ctx context.Context, r identity.Rotation) (of identity.Session, verdict identity.Verdict, err error) {
	err = s.db.write(ctx, r.Session.Organization, func(ctx context.Context, tx pgx.Tx) error {
		row, found, err := one[sessionRow](ctx, tx, lockSession, r.Session.Organization, r.Session.ID)
		if verdict = identity.Fails; err != nil || !found {
			return err
		}
		of = row.session()
		presented, err := findRefresh(ctx, tx, of, r.Presented)
		if err != nil {
			return err
		}
		verdict = of.Judge(presented, r.By.At, r.Limits)
		return follow(ctx, tx, &of, verdict, r)
	})
	return of, verdict, err
}

func findRefresh(ctx context.Context, tx pgx.Tx, of identity.Session, digest identity.RefreshDigest) (*identity.Refresh, error) {
	type row struct {
		Generation int
		UsedAt     *time.Time
		Siblings   int
		Remembered int
	}
	r, found, err := one[row](ctx, tx, selectRefresh, of.OrganizationID, of.ID, digest[:], of.Generation, countEvery)
	if err != nil || !found {
		return nil, err
	}
	return &identity.Refresh{Generation: r.Generation, UsedAt: or(utc(r.UsedAt)), Siblings: r.Siblings, Remembered: r.Remembered}, nil
}

// follow does what follows from a verdict.
func follow(ctx context.Context, tx pgx.Tx, of *identity.Session, verdict identity.Verdict, r identity.Rotation) error {
	organization, id, now := of.OrganizationID, of.ID, r.By.At
	batch := &pgx.Batch{}
	switch verdict {
	case identity.Rotates:
		of.Generation++
		of.RotatedAt = now
		batch.Queue(useRefresh, organization, id, r.Presented[:], now)
		batch.Queue(voidSiblings, organization, id, of.Generation-1, now)
		batch.Queue(insertRefresh, organization, id, r.Next[:], of.Generation, now)
		batch.Queue(rotateSession, organization, id, of.Generation, now)
	case identity.Retries:
		batch.Queue(insertRefresh, organization, id, r.Next[:], of.Generation, now)
	case identity.Reused, identity.Exhausted:
		if _, err := tx.Exec(ctx, endSession, organization, id, now); err != nil {
			return err
		}
		if err := revokeAll(ctx, tx, []uuid.UUID{id}); err != nil {
			return err
		}
		by := r.By
		kind, _ := access.KindOf(of.Role)
		by.Actor = access.Actor{Kind: kind, ID: of.AccountID, Client: of.Client, RequestID: r.By.Actor.RequestID}
		return record(ctx, tx, note(by, organization, endings[verdict], "Session", id))
	default:
		return nil
	}
	return tx.SendBatch(ctx, batch).Close()
}

// endings are what it is called in the audit trail that a session ends by a refresh token.
var endings = map[identity.Verdict]string{identity.Reused: "session.reused", identity.Exhausted: "session.exhausted"}
