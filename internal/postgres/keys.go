package postgres

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

const (
	callKeyBegin = `SELECT coalesce(key_begin($1, $2, $3), '{"outcome": ""}')`
	callKeyEnd   = `SELECT key_end($1, $2, $3, jsonb_build_object('id', $4::uuid))`
)

type keyAnswer struct {
	Outcome     string    `json:"outcome"`
	FirstUsedAt time.Time `json:"firstUsedAt"`
	ID          uuid.UUID `json:"id"`
	At          time.Time `json:"at"`
	limitRow
}

// keyBegin claims a client's key before anything else is locked, or answers the id of what it made before. It fails with
// errs.KeyInUse, errs.KeyReused and errs.LimitReached.
func keyBegin(ctx context.Context, tx pgx.Tx, organization uuid.UUID, by clinic.Stamp, once clinic.Once) (uuid.UUID, bool, error) {
	var answer keyAnswer
	forgotten := by.At.Add(-clinic.KeyLife)
	if err := tx.QueryRow(ctx, callKeyBegin, organization, keyOf(by, once), forgotten).Scan(&answer); err != nil {
		return uuid.Nil, false, err
	}
	switch answer.Outcome {
	case "KEY_IN_USE":
		return uuid.Nil, false, errs.KeyInUse{}
	case "KEY_REUSED":
		return uuid.Nil, false, errs.KeyReused{FirstUsedAt: answer.FirstUsedAt}
	case "LIMIT_REACHED":
		return uuid.Nil, false, answer.reached(answer.At)
	}
	return answer.ID, answer.Outcome == "REPLAYED", nil
}

// keyEnd keeps the id of what a key made.
func keyEnd(ctx context.Context, tx pgx.Tx, organization uuid.UUID, by clinic.Stamp, once clinic.Once, id uuid.UUID) error {
	_, err := tx.Exec(ctx, callKeyEnd, organization, keyOf(by, once), by.At, id)
	return err
}

func keyOf(by clinic.Stamp, once clinic.Once) keyParam {
	return keyParam{by.Actor.ID, by.Actor.Client, keptKey(once.Key), once.Operation, hex.EncodeToString(once.Input[:]), clinic.MaxKeys}
}
