package postgres_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/access/token"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
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
	stored, err := postgres.NewSigningKeys(postgres.New(pool, keytest.Of(t, pool))).SigningKeys(t.Context(), now.Now())
	if err != nil || len(stored.Keys) == 0 {
		t.Fatalf("%d keys can be read, %v", len(stored.Keys), err)
	}
	for _, k := range stored.Keys {
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

// Whatever became of a key's row, the others verify and sign, and the next is made.
func TestAKeyThatCantBeOpenedStopsNoOther(t *testing.T) {
	for name, spoil := range map[string]string{
		"changed":                        `UPDATE signing_keys SET private_key = set_byte(private_key, octet_length(private_key) - 1, 1 # get_byte(private_key, octet_length(private_key) - 1)) WHERE kid = $1`,
		"no sealed value at all":         `UPDATE signing_keys SET private_key = '' WHERE kid = $1`,
		"sealed with a key that is gone": `UPDATE signing_keys SET private_key = set_byte(private_key, 2, 9) WHERE kid = $1`,
		"another public key":             `UPDATE signing_keys SET public_key = sha256(public_key) WHERE kid = $1`,
	} {
		t.Run(name, func(t *testing.T) {
			pool, folder := pgtest.New(t), keytest.NewFolder(t)
			now := clock.FrozenAt(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
			process := func() token.Issuer {
				keys := &token.Keys{Store: postgres.NewSigningKeys(postgres.New(pool, keytest.Open(t, folder))), Clock: now, Life: 24 * time.Hour}
				return token.Issuer{Keys: keys, URL: "https://api.example.org", Clock: now, NewID: uuid.New}
			}
			who := access.Actor{ID: uuid.UUID{15: 1}, Credential: uuid.UUID{15: 2}, Organization: uuid.UUID{15: 3}, Role: access.FrontDesk}
			signs := func(by token.Issuer) string {
				t.Helper()
				raw, _, err := by.Sign(t.Context(), who, token.MaxLife)
				if err != nil {
					t.Fatalf("signing: %v", err)
				}
				return raw
			}
			before := process()
			first := signs(before)
			now.Advance(23 * time.Hour)
			done(t, before.Keys.Refresh(t.Context())) // makes the next
			now.Advance(55 * time.Minute)
			early := signs(before)
			now.Advance(6 * time.Minute)
			late := signs(before)
			var newest string
			if err := pool.QueryRow(t.Context(), `SELECT kid FROM signing_keys ORDER BY signs_from DESC LIMIT 1`).Scan(&newest); err != nil {
				t.Fatal(err)
			}
			if _, err := pool.Exec(t.Context(), spoil, newest); err != nil {
				t.Fatal(err)
			}
			after := process()
			if err := after.Keys.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), newest) {
				t.Errorf("nobody is told: %v", err)
			}
			for what, by := range map[string]token.Issuer{"a process that had it open": before, "one that starts": after} {
				for range 2 {
					_ = by.Keys.Refresh(t.Context())
				}
				if _, _, err := by.Verify(t.Context(), early); err != nil {
					t.Errorf("%s: a token of another key: %v", what, err)
				}
				if _, _, err := by.Verify(t.Context(), signs(after)); err != nil {
					t.Errorf("%s: a token that is signed since: %v", what, err)
				}
			}
			if _, _, err := before.Verify(t.Context(), late); err != nil {
				t.Errorf("a token of that key, where it was opened before: %v", err)
			}
			if _, _, err := after.Verify(t.Context(), late); errs.Of(err) != errs.Unauthenticated {
				t.Errorf("a token of that key, where nobody knows what it was: %v", err)
			}
			if _, _, err := after.Verify(t.Context(), first); err == nil {
				t.Error("a token of yesterday is good")
			}
			var keys int
			if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM signing_keys`).Scan(&keys); err != nil || keys != 3 {
				t.Errorf("there are %d keys, %v", keys, err)
			}
		})
	}
}
