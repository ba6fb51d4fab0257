package postgres_test

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/access/token"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestProcessesThatStartAtOnceMakeOneKeyAndAcceptEachOthersTokens(t *testing.T) {
	pool := pgtest.New(t)
	now := clock.FrozenAt(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	var issuers []token.Issuer
	for range 8 {
		db := postgres.New(pool, keytest.Of(t, pool))
		t.Cleanup(db.Close)
		keys := &token.Keys{Store: postgres.NewSigningKeys(db), Clock: now, Life: 24 * time.Hour}
		issuers = append(issuers, token.Issuer{Keys: keys, URL: "https://api.example.org", Clock: now, NewID: uuid.New})
	}
	who := access.Actor{ID: uuid.UUID{15: 1}, Credential: uuid.UUID{15: 2}, Organization: uuid.UUID{15: 3}, Role: access.FrontDesk, Client: "desk"}
	for day := range 3 {
		raws := make([]string, len(issuers))
		var all sync.WaitGroup
		for i := range issuers {
			all.Go(func() {
				if err := issuers[i].Keys.Refresh(t.Context()); err != nil {
					t.Error(err)
				}
				var err error
				if raws[i], _, err = issuers[i].Sign(t.Context(), who, token.MaxLife); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, raw := range raws {
			for _, i := range issuers {
				if _, _, err := i.Verify(t.Context(), raw); err != nil {
					t.Errorf("on day %d: %v", day, err)
				}
			}
		}
		now.Advance(23 * time.Hour)
	}
	var keys int
	var private []byte
	if err := pool.QueryRow(t.Context(), `SELECT count(*), string_agg(private_key, '') FROM signing_keys`).Scan(&keys, &private); err != nil || keys != 3 {
		t.Errorf("there are %d keys, %v", keys, err)
	}
	now.Advance(-time.Hour)
	list, err := postgres.NewSigningKeys(postgres.New(pool, keytest.Of(t, pool))).SigningKeys(t.Context(), now.Now())
	if err != nil || len(list) == 0 {
		t.Fatalf("%d keys can be read, %v", len(list), err)
	}
	for _, k := range list {
		if bytes.Contains(private, k.Private.Seed()) {
			t.Error("a private key lies open")
		}
	}
}

// Else nobody could sign in, and no token be read, once the platform's older key is dropped.
func TestSigningKeysAreSealedAnewWithThePlatformsKey(t *testing.T) {
	pool, folder := pgtest.New(t), keytest.NewFolder(t)
	now := clock.FrozenAt(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	published := func() []token.SigningKey {
		t.Helper()
		store := postgres.NewSigningKeys(postgres.New(pool, keytest.Open(t, folder)))
		list, err := (&token.Keys{Store: store, Clock: now, Life: 24 * time.Hour}).Published(t.Context())
		if err != nil || len(list) != 1 {
			t.Fatalf("%d keys can be read, %v", len(list), err)
		}
		return list
	}
	before := published()
	rotator := keytest.Open(t, folder)
	rotates := postgres.New(pool, rotator)
	if _, err := rotator.NewGeneration(t.Context(), uuid.Nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{1, 0} {
		if n, err := rotates.Reseal(t.Context(), uuid.Nil); err != nil || n != want {
			t.Errorf("%d are sealed anew, %v, want %d", n, err, want)
		}
	}
	if _, err := rotator.DropGenerations(t.Context(), uuid.Nil); err != nil {
		t.Fatal(err)
	}
	if after := published(); !after[0].Private.Equal(before[0].Private) {
		t.Error("it is another key")
	}
}
