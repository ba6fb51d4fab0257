package postgres

import (
	"context"
	"time"

	"github.com/mediconnect/mediconnect/internal/identity"
)

const (
	sessionMemory    = 24 * time.Hour
	refreshMemory    = 30 * 24 * time.Hour // of refresh tokens that were used, or are void: whoever uses one again so late gets nothing, and ends nothing
	revocationMemory = time.Hour           // every process remembers for half of it, and no token is good for longer than that
)

// tidyingSignIn are those whose time is the machine's.
var tidyingSignIn = []tidied{
	{`DELETE FROM stream_tickets WHERE digest IN (SELECT digest FROM stream_tickets WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
		func(now time.Time) time.Time { return now }},
	// Said again outside: who was tried anew since keeps the tries.
	{`DELETE FROM sign_in_tries WHERE latest_at <= $1 AND (organization_id, email_token) IN (
		SELECT organization_id, email_token FROM sign_in_tries WHERE latest_at <= $1 ORDER BY latest_at LIMIT $2)`,
		func(now time.Time) time.Time { return now.Add(-identity.TriesWithin) }},
	{`DELETE FROM sign_in_challenges WHERE (organization_id, id) IN (
		SELECT organization_id, id FROM sign_in_challenges WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
		func(now time.Time) time.Time { return now }},
	{`DELETE FROM openid_attempts WHERE (organization_id, digest) IN (
		SELECT organization_id, digest FROM openid_attempts WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
		func(now time.Time) time.Time { return now }},
	// What is over is kept for a while, so that who asks again for its end is answered.
	{`DELETE FROM sessions WHERE (organization_id, id) IN (
		SELECT organization_id, id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)`,
		func(now time.Time) time.Time { return now.Add(-sessionMemory) }},
	{`DELETE FROM sessions WHERE (organization_id, id) IN (
		SELECT organization_id, id FROM sessions WHERE ended_at <= $1 ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED)`,
		func(now time.Time) time.Time { return now.Add(-sessionMemory) }},
	{`DELETE FROM session_refreshes WHERE (organization_id, session_id, digest) IN (
		SELECT organization_id, session_id, digest FROM session_refreshes WHERE used_at <= $1
		ORDER BY used_at LIMIT $2 FOR UPDATE SKIP LOCKED)`,
		func(now time.Time) time.Time { return now.Add(-refreshMemory) }},
	{`DELETE FROM session_refreshes WHERE (organization_id, session_id, digest) IN (
		SELECT organization_id, session_id, digest FROM session_refreshes WHERE void_at <= $1
		ORDER BY void_at LIMIT $2 FOR UPDATE SKIP LOCKED)`,
		func(now time.Time) time.Time { return now.Add(-refreshMemory) }},
	{`DELETE FROM revocations WHERE at <= $1 AND subject IN (SELECT subject FROM revocations WHERE at <= $1 ORDER BY at LIMIT $2)`,
		func(now time.Time) time.Time { return now.Add(-revocationMemory) }},
	{`DELETE FROM signing_keys WHERE kid IN (SELECT kid FROM signing_keys WHERE published_until <= $1 LIMIT $2)`,
		func(now time.Time) time.Time { return now }},
}

// TidySignIn takes out of the way what is over of signing in and of sessions, by the machine's clock. The product's may be another, as
// that of a demo is, and would end what is good.
func (db *DB) TidySignIn(ctx context.Context, machine time.Time, limit int) (int, error) {
	return db.tidy(ctx, tidyingSignIn, machine, limit)
}
