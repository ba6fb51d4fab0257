package bench_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/keyring"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// The smallest request that somebody who is signed in can make, and an ordinary one.
const (
	whoAmI   = `{ viewer { kind } }`
	pageOf20 = `{ providers(first: 20) { edges { node { id name languages } } } }`
	signIn   = `mutation($in: SignInInput!) { signIn(input: $in) { tokens { accessToken } errors { ... on UserError { code message } } } }`
)

const usualPassword = "a long walk by the sea"

// signed is a town with two servers over one database: one whose callers have sessions and are counted in Redis, and one whose callers
// have tokens of an issuer outside, of whom nothing is asked, and where nobody is counted.
type signed struct {
	*town
	connections int
	on, off     rig.Client
	account     map[string]any // that signs in
	hash        string         // of its password
}

func newSigned(t testing.TB, connections int) *signed {
	t.Helper()
	s := &signed{town: newTown(t, 20, 1, connections), connections: connections}
	redis, err := s.StartRedis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = redis.Kill() })
	who := s.open(t)
	s.off = rig.Client{Server: s.server, HTTP: rig.NewHTTP(connections)}
	if s.off.Token, err = s.Token(who); err != nil {
		t.Fatal(err)
	}
	s.Environ = append(s.Environ, "MEDICONNECT_REDIS_URL="+redis.URL(), "MEDICONNECT_RATE_LIMIT_PATIENT=1000000", "MEDICONNECT_RATE_LIMIT_ANONYMOUS=1000000")
	server, err := s.Serve(t.Context(), s.url, connections)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	s.on = rig.Client{Server: server, HTTP: rig.NewHTTP(connections)}
	var told struct {
		SignIn struct{ Tokens *struct{ AccessToken string } }
	}
	if err := s.on.Ask(t.Context(), signIn, map[string]any{"in": s.account}, &told); err != nil || told.SignIn.Tokens == nil {
		t.Fatalf("sign in: %+v, %v", told, err)
	}
	s.on.Token = told.SignIn.Tokens.AccessToken
	return s
}

// open makes a patient's account.
func (s *signed) open(t testing.TB) access.Actor {
	t.Helper()
	keys, err := keyring.Open(s.Keys)
	if err != nil {
		t.Fatal(err)
	}
	db := postgres.New(s.pool, keys)
	defer db.Close()
	of, err := s.Ref(s.Organization)
	if err != nil {
		t.Fatal(err)
	}
	s.hash, err = argon2id.CreateHash(usualPassword, &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		t.Fatal(err)
	}
	a := identity.Account{
		OrganizationID: of.ID, ID: uuid.New(), Version: 1, Role: access.PatientRole, Email: "ada@example.org", Locale: "en", CreatedAt: time.Now(),
	}
	if added, err := postgres.NewAccounts(db).Create(t.Context(), clinic.Stamp{At: time.Now(), AuditID: uuid.New()}, a, s.hash); err != nil || !added {
		t.Fatalf("added %v, %v", added, err)
	}
	s.account = map[string]any{"organizationId": globalid.OfOrganization(of.ID), "email": "ada@example.org", "password": usualPassword, "client": "bench"}
	return access.Actor{
		Kind: access.Patient, ID: a.ID, Client: "bench", Organization: of.ID, Role: a.Role, Scopes: access.ScopesOf(a.Role),
	}
}

// asking is how many such requests a client's connections get answered a second.
func (s *signed) asking(by rig.Client, document string) measure {
	return s.over(func(ctx context.Context) error {
		status, text, err := by.Post(ctx, document, nil)
		if err == nil && (status != http.StatusOK || bytes.Contains(text, []byte(`"errors"`))) {
			err = fmt.Errorf("status %d: %.300s", status, text)
		}
		return err
	})
}

// signingIn is how many sign in a second.
func (s *signed) signingIn() measure {
	by := s.on
	by.Token = ""
	return s.over(func(ctx context.Context) error {
		var told struct {
			SignIn struct{ Tokens *struct{ AccessToken string } }
		}
		if err := by.Ask(ctx, signIn, map[string]any{"in": s.account}, &told); err != nil || told.SignIn.Tokens == nil {
			return fmt.Errorf("sign in: %+v, %w", told, err)
		}
		return nil
	})
}

// hashing is how many passwords are compared a second, and nothing else done.
func (s *signed) hashing() measure {
	return s.over(func(context.Context) error {
		_, err := argon2id.ComparePasswordAndHash(usualPassword, s.hash)
		return err
	})
}

// over does something so many times, on as many connections as there are.
func (s *signed) over(do func(context.Context) error) measure {
	return func(t testing.TB, times int) float64 {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		turns := make(chan int, times)
		for n := range times {
			turns <- n
		}
		close(turns)
		var all sync.WaitGroup
		began := time.Now()
		for range s.connections {
			all.Go(func() {
				for range turns {
					if err := do(ctx); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		return float64(times) / time.Since(began).Seconds()
	}
}

// costs says what the on side's work costs a request over the off side's.
func costs(b *testing.B, what string, on, off []float64) {
	b.Helper()
	r := ratioOf(on, off)
	report(b, r, fmt.Sprintf("%s: with sessions and limits %.0f/s, without %.0f/s, ratio %s, %.0f µs more a request", what, median(on), median(off), r,
		1e6/median(on)-1e6/median(off)))
}

func TestWhatSessionsAndLimitsCostIsMeasured(t *testing.T) {
	s := newSigned(t, 4)
	p := plan{pairs: 1, window: 8, warm: 0}
	for _, m := range []measure{s.asking(s.on, whoAmI), s.asking(s.off, whoAmI), s.asking(s.on, pageOf20), s.asking(s.off, pageOf20), s.signingIn(), s.hashing()} {
		if rate := m(t, p.window); rate <= 0 {
			t.Errorf("%.1f a second", rate)
		}
	}
}

// What a session (its signature, the guard and its record) and the limits (Redis, once a request) cost, over HTTP with 16 connections;
// and what signing in costs besides the hash of the password, with as many at once as there are processors.
func BenchmarkSessionsAndLimitsAgainstWithout16Connections(b *testing.B) {
	s := newSigned(b, 16)
	for _, c := range []struct{ name, document string }{{"SmallestRequest", whoAmI}, {"PageOf20Providers", pageOf20}} {
		b.Run(c.name, func(b *testing.B) {
			on, off := plan{pairs: 20, window: 3000, warm: 2}.versus(b, s.asking(s.on, c.document), s.asking(s.off, c.document))
			costs(b, c.name, on, off)
		})
	}
	s.connections = 2
	b.Run("SigningInAgainstItsHash", func(b *testing.B) {
		on, off := plan{pairs: 20, window: 40, warm: 1}.versus(b, s.signingIn(), s.hashing())
		r := ratioOf(on, off)
		report(b, r, fmt.Sprintf("signing in %.0f/s, the hash alone %.0f/s, ratio %s", median(on), median(off), r))
	})
}
