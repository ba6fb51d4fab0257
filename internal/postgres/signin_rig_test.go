package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pquerna/otp/totp"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

const goodPassword = access.Private("seven wet otters juggle")

// reception is where people sign in.
type reception struct {
	*identity.Service
	t            *testing.T
	pool         *pgxpool.Pool
	db           *postgres.DB
	clock        *clock.Frozen
	organization uuid.UUID
	passwords    *identity.Passwords
	compared     atomic.Int64
	sessions     *sessions
	sent         *statements
}

// sessions are those that were opened and ended.
type sessions struct {
	mu     sync.Mutex
	opened []identity.Start
	ended  []ending
	busy   error
	stuck  error  // why none ends
	during func() // what happens while one is opened
}

type ending struct{ account, but uuid.UUID }

func (s *sessions) Open(_ context.Context, start identity.Start) (identity.Tokens, error) {
	if s.during != nil {
		s.during()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = append(s.opened, start)
	return identity.Tokens{SessionID: sample.NewID(), Access: "access"}, s.busy
}

func (s *sessions) EndAll(ctx context.Context, _, account, but uuid.UUID) error {
	if err := errors.Join(s.stuck, ctx.Err()); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = append(s.ended, ending{account, but})
	return nil
}

// statements are what was sent to the database, without values.
type statements struct {
	mu   sync.Mutex
	seen []string
}

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, _, _ := strings.Cut(data.SQL, "SET LOCAL mediconnect.organization")
	s.seen = append(s.seen, text)
	return ctx
}

func (*statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// since answers what was sent since it was asked last.
func (s *statements) since() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := strings.Join(s.seen, "\n")
	s.seen = nil
	return text
}

func newReception(t *testing.T) *reception {
	t.Helper()
	pool := pgtest.New(t)
	r := &reception{
		t: t, pool: pool, clock: clock.FrozenAt(sample.Dawn), organization: sample.NewClinic(t, pool).Organization,
		sessions: &sessions{}, sent: &statements{},
	}
	cfg := pool.Config()
	cfg.ConnConfig.Tracer = r.sent
	traced, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(traced.Close)
	r.db = postgres.New(traced, keytest.Of(t, pool))
	t.Cleanup(r.db.Close)
	r.passwords = identity.NewPasswords(identity.Cost{Memory: 64, Iterations: 1, Parallelism: 1}, identity.Bulkhead{AtOnce: 2, Waiting: 200, Wait: time.Minute}).
		Counted(func() { r.compared.Add(1) })
	source := clinic.Source{Clock: r.clock, NewID: sample.NewID}
	r.Service = identity.NewService(postgres.NewAccounts(r.db), r.sessions, r.passwords, source, rand.Reader)
	return r
}

// account adds one; without a password when it is empty.
func (r *reception) account(organization uuid.UUID, role access.Role, email, password access.Private) identity.Account {
	r.t.Helper()
	hash := ""
	if password != "" {
		var err error
		if hash, err = r.passwords.Hash(r.t.Context(), password); err != nil {
			r.t.Fatal(err)
		}
	}
	a := newAccount(organization, role, email)
	if added, err := postgres.NewAccounts(r.db).Create(r.t.Context(), stamp(), a, hash); err != nil || !added {
		r.t.Fatalf("added %v, %v", added, err)
	}
	return a
}

func (r *reception) signIn(email, password access.Private) (identity.SignedIn, error) {
	return r.SignIn(r.t.Context(), access.Nobody("test"), identity.SignIn{Organization: r.organization, Email: email, Password: password, Client: "test"})
}

func (r *reception) answer(challenge *identity.Challenge, code access.Private) (identity.SignedIn, error) {
	return r.Answer(r.t.Context(), access.Nobody("test"), identity.AnswerChallenge{Challenge: challenge.Token, Code: code})
}

// code is what an authenticator app shows now.
func (r *reception) code(secret access.Private) access.Private {
	r.t.Helper()
	code, err := totp.GenerateCode(secret.Reveal(), r.clock.Now())
	if err != nil {
		r.t.Fatal(err)
	}
	return access.Private(code)
}

// challenged signs in and answers what is still owed.
func (r *reception) challenged(email, password access.Private) *identity.Challenge {
	r.t.Helper()
	in, err := r.signIn(email, password)
	if err != nil || in.Challenge == nil || in.Tokens != nil {
		r.t.Fatalf("%+v, %v", in, err)
	}
	return in.Challenge
}

// enrolled sets a second factor up, and answers its secret and recovery codes.
func (r *reception) enrolled(email access.Private) (secret access.Private, codes []access.Private) {
	r.t.Helper()
	asked := r.challenged(email, goodPassword)
	if asked.Kind != identity.Enroll || asked.Secret == nil {
		r.t.Fatalf("asked for %s", asked.Kind)
	}
	in, err := r.answer(asked, r.code(*asked.Secret))
	if err != nil || in.Tokens == nil {
		r.t.Fatalf("%+v, %v", in, err)
	}
	return *asked.Secret, in.RecoveryCodes
}

func (r *reception) admin() access.Actor {
	return access.Actor{
		Kind: access.Staff, ID: sample.NewID(), Organization: r.organization, Role: access.Admin, Scopes: access.ScopesOf(access.Admin), RequestID: "test",
	}
}

// told are the actions in the audit trail, the oldest first.
func (r *reception) told() (actions []string) {
	r.t.Helper()
	rows, _ := r.pool.Query(r.t.Context(), `SELECT action FROM audit_events ORDER BY position`)
	actions, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		r.t.Fatal(err)
	}
	return actions
}

// parameter is a part of an otpauth:// URI.
func parameter(t *testing.T, uri access.Private, name string) string {
	t.Helper()
	u, err := url.Parse(uri.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get(name)
}
