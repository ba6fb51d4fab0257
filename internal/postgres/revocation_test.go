package postgres_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func following(after time.Time) identity.Following {
	return identity.Following{After: after, Overlap: 10 * time.Second, Keep: 30 * time.Minute, Most: 100}
}

func TestWhatIsRevokedIsFollowedByTheClockOfTheDatabase(t *testing.T) {
	pool := pgtest.New(t)
	db := postgres.New(pool, keytest.Of(t, pool))
	t.Cleanup(db.Close)
	r := postgres.NewRevocations(db)
	since := func(after time.Time) ([]uuid.UUID, time.Time) {
		t.Helper()
		found, now, err := r.Since(t.Context(), following(after))
		if err != nil {
			t.Fatal(err)
		}
		return found, now
	}
	none, now := since(time.Time{})
	if len(none) > 0 || time.Since(now).Abs() > time.Minute {
		t.Fatalf("%v were revoked by %v", none, now)
	}
	one, two, old := uuid.New(), uuid.New(), uuid.New()
	if err := r.Revoke(t.Context(), []uuid.UUID{one, one}); err != nil {
		t.Fatal(err)
	}
	// As a transaction would that commits long after it has written, and as one that was over when the process started.
	if _, err := pool.Exec(t.Context(), `INSERT INTO revocations VALUES ($1, now() - interval '9 s'), ($2, now() - interval '31 min')`, two, old); err != nil {
		t.Fatal(err)
	}
	if found, _ := since(now); !slices.Contains(found, one) || !slices.Contains(found, two) || len(found) != 2 {
		t.Errorf("found %v since then", found)
	}
	if found, _ := since(time.Time{}); len(found) != 2 {
		t.Errorf("found %v at the start", found)
	}
	if found, _ := since(now.Add(24 * time.Hour)); len(found) != 2 {
		t.Errorf("found %v after the server's clock was set back", found)
	}
	if found, _, err := r.Since(t.Context(), identity.Following{Keep: time.Hour, Most: 1}); err != nil || len(found) != 1 {
		t.Errorf("found %v, %v of at most 1", found, err)
	}
	if found, err := r.Among(t.Context(), []uuid.UUID{one, uuid.New(), old}); err != nil || len(found) != 2 {
		t.Errorf("of these were revoked: %v, %v", found, err)
	}
	if _, err := pool.Exec(t.Context(), `UPDATE revocations SET at = at - interval '1 min'`); err != nil {
		t.Fatal(err)
	}
	if err := r.Revoke(t.Context(), []uuid.UUID{one}); err != nil {
		t.Fatal(err)
	}
	if found, _ := since(now); len(found) != 1 || found[0] != one {
		t.Errorf("found %v once one was revoked again", found)
	}
}
