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
func (db *DB) keyBegin(ctx context.Context, tx pgx.Tx, organization uuid.UUID, by clinic.Stamp, once clinic.Once) (uuid.UUID, bool, error) {
	key, err := db.keyParam(ctx, organization, by, once)
	if err != nil {
		return uuid.Nil, false, err
	}
	var answer keyAnswer
	forgotten := by.At.Add(-clinic.KeyLife)
	if err := tx.QueryRow(ctx, callKeyBegin, organization, key, forgotten).Scan(&answer); err != nil {
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
func (db *DB) keyEnd(ctx context.Context, tx pgx.Tx, organization uuid.UUID, by clinic.Stamp, once clinic.Once, id uuid.UUID) error {
	key, err := db.keyParam(ctx, organization, by, once)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, callKeyEnd, organization, key, by.At, id)
	return err
}

// keyParam is a key as the database may know it. The organisation is zero for the platform's.
func (db *DB) keyParam(ctx context.Context, organization uuid.UUID, by clinic.Stamp, once clinic.Once) (keyParam, error) {
	key, err := db.lookUp(ctx, organization)
	if err != nil {
		return keyParam{}, err
	}
	return keyParam{
		Actor: by.Actor.ID, Client: by.Actor.Client, Operation: once.Operation, Most: clinic.MaxKeys,
		Key:  hex.EncodeToString(key.kept(keyLabel, []byte(once.Key))),
		Hash: hex.EncodeToString(key.kept(inputLabel, once.Input[:])),
	}, nil
}
