package postgres

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/access/token"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/seal"
)

// SigningKeys keeps the keys of access tokens, as the role that signs in. Private parts are sealed for the platform.
type SigningKeys struct{ db *DB }

var _ token.KeyStore = (*SigningKeys)(nil)

// NewSigningKeys puts the keys over a database.
func NewSigningKeys(db *DB) *SigningKeys { return &SigningKeys{db} }

// platform is whom what is the platform's own is sealed for.
var platform = seal.Subject{}

type signingKeyRow struct {
	Kid                                              string
	PublicKey, PrivateKey                            []byte
	CreatedAt, SignsFrom, SignsUntil, PublishedUntil time.Time
}

func (r signingKeyRow) cell() cell {
	return cell{about: platform, at: keyPlace(r.Kid), value: r.PrivateKey}
}

// keyPlace is where a key's private part stands; its row's name is no id, so a digest stands for it.
func keyPlace(kid string) seal.Place {
	sum := sha256.Sum256([]byte(kid))
	return seal.Place{Table: "signing_keys", Column: "private_key", Row: uuid.UUID(sum[:16])}
}

const selectSigningKeys = `
SELECT kid, public_key, private_key, created_at, signs_from, signs_until, published_until FROM signing_keys
WHERE published_until > $1 ORDER BY signs_from, kid`

// SigningKeys implements token.KeyStore.
func (s *SigningKeys) SigningKeys(ctx context.Context, now time.Time) (token.StoredKeys, error) {
	rows, err := list[signingKeyRow](ctx, s.db.job(signInRole), selectSigningKeys, now)
	if err != nil {
		return token.StoredKeys{}, err
	}
	found := token.StoredKeys{Closed: map[string]error{}}
	for _, r := range rows {
		found.Newest = r.Kid
		if key, err := s.open(ctx, r); err != nil {
			found.Closed[r.Kid] = fmt.Errorf("the signing key %s: %w", r.Kid, err)
		} else {
			found.Keys = append(found.Keys, key)
		}
	}
	return found, ctx.Err() // or what wasn't looked for would look closed
}

// open opens a row by itself, since that of another may be gone for good.
func (s *SigningKeys) open(ctx context.Context, r signingKeyRow) (token.SigningKey, error) {
	keys, err := s.db.opener(ctx, []cell{r.cell()})
	if err != nil {
		return token.SigningKey{}, err
	}
	seed, err := keys.open(r.cell())
	if err != nil {
		return token.SigningKey{}, err
	}
	return r.key(seed)
}

func (r signingKeyRow) key(seed *access.Private) (token.SigningKey, error) {
	k := token.SigningKey{
		ID: r.Kid, Public: r.PublicKey, CreatedAt: r.CreatedAt.UTC(), SignsFrom: r.SignsFrom.UTC(), SignsUntil: r.SignsUntil.UTC(),
		PublishedUntil: r.PublishedUntil.UTC(),
	}
	if seed == nil || len(seed.Reveal()) != ed25519.SeedSize {
		return k, errs.Bug("open the signing key "+r.Kid, seal.ErrTampered)
	}
	k.Private = ed25519.NewKeyFromSeed([]byte(seed.Reveal()))
	if token.Thumbprint(k.Public) != r.Kid || !k.Public.Equal(k.Private.Public()) {
		return k, errs.Bug("open the signing key "+r.Kid, seal.ErrTampered)
	}
	return k, nil
}

const (
	lockSigningKeys  = `SELECT pg_advisory_xact_lock(hashtextextended('signing_keys', 0))`
	newestSigningKey = `SELECT kid FROM signing_keys WHERE published_until > $1 ORDER BY signs_from DESC, kid DESC LIMIT 1`
	insertSigningKey = `
INSERT INTO signing_keys (kid, public_key, private_key, created_at, signs_from, signs_until, published_until) VALUES ($1, $2, $3, $4, $5, $6, $7)`
)

// AddSigningKey implements token.KeyStore.
func (s *SigningKeys) AddSigningKey(ctx context.Context, k token.SigningKey, after string, now time.Time) (added bool, err error) {
	pens, err := s.db.pens(ctx, platform)
	if err != nil {
		return false, err
	}
	sealed := pens[platform].seal(keyPlace(k.ID), access.Private(k.Private.Seed()))
	err = s.db.writeAs(ctx, signInRole, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockSigningKeys); err != nil {
			return err
		}
		newest, err := texts(ctx, tx, newestSigningKey, now)
		if err != nil || len(newest) > 0 && newest[0] != after || len(newest) == 0 && after != "" {
			return err
		}
		_, err = tx.Exec(ctx, insertSigningKey, k.ID, []byte(k.Public), sealed, k.CreatedAt, k.SignsFrom, k.SignsUntil, k.PublishedUntil)
		added = err == nil
		return err
	})
	return added, err
}

const updateSigningKey = `UPDATE signing_keys SET private_key = $2 WHERE kid = $1 AND private_key = $3`

// resealSigningKeys seals anew what is sealed with another than the platform's newest key. There are a few of them at most.
func (db *DB) resealSigningKeys(ctx context.Context) (int, error) {
	rows, err := list[signingKeyRow](ctx, db.job(signInRole), selectSigningKeys, time.Time{}) // also those that nobody has swept yet
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	pens, err := db.pens(ctx, platform)
	if err != nil {
		return 0, err
	}
	cells := make([]cell, len(rows))
	for i, r := range rows {
		cells[i] = r.cell()
	}
	keys, err := db.opener(ctx, cells)
	if err != nil {
		return 0, err
	}
	batch := &pgx.Batch{}
	for i, r := range rows {
		args, err := sealAnew(pens[platform], keys, cells[i:i+1])
		if err != nil {
			return 0, err
		}
		if args != nil {
			batch.Queue(updateSigningKey, r.Kid, args[0], args[1])
		}
	}
	if batch.Len() == 0 {
		return 0, nil
	}
	err = db.writeAs(ctx, signInRole, func(ctx context.Context, tx pgx.Tx) error { return tx.SendBatch(ctx, batch).Close() })
	return batch.Len(), err
}

// texts answers a column of texts.
func texts(ctx context.Context, q querier, query string, args ...any) ([]string, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
