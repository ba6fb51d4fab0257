package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// signedIn is a server's sessions over a database of its own, and the time that a test tells.
type signedIn struct {
	*identity.Sessions
	pool  *pgxpool.Pool
	db    *postgres.DB
	clock *clock.Frozen
}

// bare signs nothing: its tokens are the sessions' ids.
type bare struct{}

func (bare) Sign(_ context.Context, a access.Actor, _ time.Duration) (string, time.Time, error) {
	return a.Credential.String(), time.Time{}, nil
}

func newSessions(t *testing.T) *signedIn {
	t.Helper()
	pool := pgtest.New(t)
	s := &signedIn{pool: pool, db: postgres.New(pool, keytest.Of(t, pool)), clock: clock.FrozenAt(time.Now().UTC())}
	t.Cleanup(s.db.Close)
	s.Sessions = s.server()
	return s
}

// server is one more process.
func (s *signedIn) server() *identity.Sessions {
	guard := &identity.Guard{Store: postgres.NewRevocations(s.db), Clock: clock.System{}, Uptime: clock.Uptime,
		Wait: func(context.Context, time.Duration) error { return nil }}
	return identity.NewSessions(identity.Sessions{
		Source: clinic.Source{Clock: s.clock, NewID: uuid.New}, Store: postgres.NewSessions(s.db), Guard: guard, Signer: bare{},
		Random: rand.Reader, Limits: identity.UsualLimits(),
	}, identity.NoCache{})
}

var clerk = identity.Account{OrganizationID: uuid.UUID{0: 1, 15: 1}, ID: uuid.UUID{0: 1, 15: 2}, Role: access.FrontDesk}

func (s *signedIn) open(t *testing.T, a identity.Account) identity.Tokens {
	t.Helper()
	tokens, err := s.Open(t.Context(), identity.Start{Account: a, Client: "app"})
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func callerOf(a identity.Account, tokens identity.Tokens) access.Actor {
	kind, _ := access.KindOf(a.Role)
	return access.Actor{Kind: kind, ID: a.ID, Organization: a.OrganizationID, Role: a.Role, Scopes: access.ScopesOf(a.Role), Credential: tokens.SessionID}
}

func (s *signedIn) refreshes(t *testing.T, token access.Private) identity.Tokens {
	t.Helper()
	tokens, err := s.Refresh(t.Context(), token, "request")
	if err != nil {
		t.Fatalf("a good token isn't refreshed: %v", err)
	}
	return tokens
}

func (s *signedIn) refuses(t *testing.T, why string, token access.Private) {
	t.Helper()
	if tokens, err := s.Refresh(t.Context(), token, "request"); !errors.Is(err, identity.SessionEnded{}) || tokens != (identity.Tokens{}) {
		t.Errorf("%s: %v, %+v", why, err, tokens)
	}
}

func (s *signedIn) stands(t *testing.T, why string, a access.Actor, want bool) {
	t.Helper()
	err := s.Stands(t.Context(), a)
	if (err == nil) != want || err != nil && errs.Of(err) != errs.Unauthenticated {
		t.Errorf("%s: stands is %v, want %v", why, err, want)
	}
}

func TestSessionsEndWhenIdleAndAtTheLatest(t *testing.T) {
	for name, c := range map[string]struct {
		role           access.Role
		idle, absolute time.Duration
	}{
		"staff":    {access.Provider, 15 * time.Minute, 12 * time.Hour},
		"a clerk":  {access.FrontDesk, 15 * time.Minute, 12 * time.Hour},
		"platform": {access.PlatformAdmin, 15 * time.Minute, 12 * time.Hour},
		"patient":  {access.PatientRole, 30 * 24 * time.Hour, 90 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSessions(t)
			account := identity.Account{OrganizationID: clerk.OrganizationID, ID: uuid.New(), Role: c.role}
			if c.role == access.PlatformAdmin {
				account.OrganizationID = uuid.Nil
			}
			idle := s.open(t, account)
			busy := s.open(t, account)
			for s.clock.Advance(c.idle - time.Minute); s.clock.Now().Before(busy.SessionExpires); s.clock.Advance(c.idle - time.Minute) {
				// It is used by requests alone, now here and now there, and what one process knows the others learn.
				elsewhere := s.server()
				if err := elsewhere.Stands(t.Context(), callerOf(account, busy)); err != nil {
					t.Fatalf("used %v before it ends: %v", busy.SessionExpires.Sub(s.clock.Now()), err)
				}
				if err := elsewhere.FlushUses(t.Context()); err != nil {
					t.Fatal(err)
				}
				if s.clock.Now().Sub(idle.SessionExpires.Add(-c.absolute)) > c.idle+2*time.Minute {
					s.stands(t, "idle for long", callerOf(account, idle), false)
					s.refuses(t, "idle for long", idle.Refresh)
				}
			}
			s.stands(t, "at its end", callerOf(account, busy), false)
			s.refuses(t, "at its end", busy.Refresh)
		})
	}
}

func TestManyUsesAreNotedOnceAMinute(t *testing.T) {
	s := newSessions(t)
	patients := make([]identity.Tokens, 20)
	for i := range patients {
		patients[i] = s.open(t, clerk)
	}
	last := func() (count int) {
		t.Helper()
		if err := s.FlushUses(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM sessions WHERE last_used_at = $1`, s.clock.Now()).Scan(&count); err != nil {
			t.Fatal(err)
		}
		return count
	}
	use := func() {
		for _, p := range patients {
			s.stands(t, "used", callerOf(clerk, p), true)
		}
	}
	s.clock.Advance(59 * time.Second)
	use()
	if n := last(); n != 0 {
		t.Errorf("%d were noted within a minute", n)
	}
	s.clock.Advance(time.Second)
	use()
	use()
	if n := last(); n != 20 {
		t.Errorf("%d of 20 uses were noted", n)
	}
	if _, err := s.pool.Exec(t.Context(), `UPDATE sessions SET last_used_at = last_used_at + interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(2 * time.Minute)
	use()
	if n := last(); n != 0 {
		t.Errorf("%d went back to a use before", n)
	}
}
