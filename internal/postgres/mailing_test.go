package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// mailed is an organisation whose mails a test reads.
type mailed struct {
	*identity.Mailing
	t        *testing.T
	pool     *pgxpool.Pool
	db       *postgres.DB
	accounts *postgres.Accounts
	sweeping *postgres.AppointmentStore
	clock    *clock.Frozen
	here     uuid.UUID

	mu      sync.Mutex
	letters []identity.Letter
	refuse  func(identity.Letter) error // nil: mails are taken
	opened  []identity.Start
	during  func()      // what happens while one is opened
	ended   []uuid.UUID // whose sessions were
}

const newPassword = "correct horse battery staple 7"

func newMailed(t *testing.T, limits identity.MailLimits) *mailed {
	t.Helper()
	pool := pgtest.New(t)
	db := postgres.New(pool, keytest.Of(t, pool))
	t.Cleanup(db.Close)
	m := &mailed{
		t: t, pool: pool, db: db, accounts: postgres.NewAccounts(db), sweeping: postgres.NewAppointmentStore(db), clock: clock.FrozenAt(sample.Dawn),
		here: sample.NewClinic(t, pool).Organization,
	}
	quick := identity.NewPasswords(identity.Cost{Memory: 8, Iterations: 1, Parallelism: 1}, identity.Bulkhead{AtOnce: 4, Waiting: 100, Wait: time.Minute})
	m.Mailing = identity.NewMailing(postgres.NewNotes(db), clinic.Source{Clock: m.clock, NewID: sample.NewID}, rand.Reader, quick, m, limits)
	return m
}

func (m *mailed) Open(_ context.Context, s identity.Start) (identity.Tokens, error) {
	if m.during != nil {
		m.during()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.opened = append(m.opened, s)
	return identity.Tokens{Access: "access"}, nil
}

func (m *mailed) EndAll(_ context.Context, _, account, _ uuid.UUID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = append(m.ended, account)
	return nil
}

func (m *mailed) Send(_ context.Context, l identity.Letter) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.letters = append(m.letters, l)
	if m.refuse != nil {
		return m.refuse(l)
	}
	return nil
}

// delivered sends what is due and answers the mails of it.
func (m *mailed) delivered() []identity.Letter {
	m.t.Helper()
	_, err := m.Deliver(m.t.Context(), m, 100)
	if err != nil && m.refuse == nil {
		m.t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.letters
	m.letters = nil
	return list
}

// letter is the one mail that is due.
func (m *mailed) letter(kind identity.LetterKind, coded bool) identity.Letter {
	m.t.Helper()
	list := m.delivered()
	if len(list) != 1 || list[0].Kind != kind || (list[0].Code != "") != coded || list[0].Organization == "" {
		m.t.Fatalf("mails are %+v, want one %s", list, kind)
	}
	return list[0]
}

func (m *mailed) signUp(email access.Private) {
	m.t.Helper()
	if _, err := m.SignUp(m.t.Context(), nobody(), identity.SignUp{Organization: m.here, Email: email, Locale: "de", Address: "192.0.2.1"}); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mailed) forgot(email access.Private) {
	m.t.Helper()
	if _, err := m.RequestReset(m.t.Context(), nobody(), identity.RequestReset{Organization: m.here, Email: email, Address: "192.0.2.1"}); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mailed) invite(by access.Actor, in identity.InviteAccount) error {
	m.t.Helper()
	in.Organization, in.Locale, in.Key = m.here, "en", sample.NewID().String()
	_, err := m.Invite(m.t.Context(), by, in)
	return err
}

func (m *mailed) account(role access.Role, email access.Private) identity.Account {
	m.t.Helper()
	a := newAccount(m.here, role, email)
	if added, err := m.accounts.Create(m.t.Context(), stamp(), a, "an old hash"); err != nil || !added {
		m.t.Fatal(added, err)
	}
	return a
}

func (m *mailed) exec(sql string, args ...any) {
	m.t.Helper()
	if _, err := m.pool.Exec(m.t.Context(), sql, args...); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mailed) asks(sql string, args ...any) (n int) {
	m.t.Helper()
	if err := m.pool.QueryRow(m.t.Context(), sql, args...).Scan(&n); err != nil {
		m.t.Fatal(err)
	}
	return n
}

func nobody() access.Actor { return access.Nobody("request") }

func good(code access.Private) identity.Redeem {
	return identity.Redeem{Code: code, Password: newPassword, Client: "app"}
}

// noCode says that err is what is told of any code that isn't good.
func noCode(t *testing.T, what string, err error) {
	t.Helper()
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || e.Kind != errs.NotFound || !slices.Equal(e.Path, []string{"code"}) || e.Message != "No such code." {
		t.Errorf("%s: %v", what, err)
	}
}

func TestWhoReadsTheMailMakesTheAccount(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	m.signUp("Ann@example.org")
	l := m.letter(identity.ConfirmLetter, true)
	if l.To != "Ann@example.org" || l.Locale != "de" || m.asks(`SELECT count(*) FROM accounts`) != 0 {
		t.Fatalf("before the code is used: %+v", l)
	}
	_, err := m.Verify(t.Context(), nobody(), identity.Redeem{Code: l.Code, Password: "short", Client: "app"})
	clinictest.Refused(t, err, errs.InvalidInput, "password")
	got, err := m.Verify(t.Context(), nobody(), good(l.Code))
	if err != nil || got.Tokens == nil || got.Account.Role != access.PatientRole || got.Account.Email != "Ann@example.org" || got.Account.Locale != "de" {
		t.Fatalf("%+v, %v", got, err)
	}
	if len(m.opened) != 1 || m.opened[0].Client != "app" || m.opened[0].Account.ID != got.Account.ID {
		t.Errorf("opened %+v", m.opened)
	}
	if n := m.asks(`SELECT count(*) FROM accounts WHERE password_hash LIKE '$argon2id$%' AND role = 'PATIENT' AND version = 1`); n != 1 {
		t.Errorf("%d accounts", n)
	}
	_, err = m.Verify(t.Context(), nobody(), good(l.Code))
	noCode(t, "once more", err)
	m.signUp("ann@EXAMPLE.org")
	m.letter(identity.KnownLetter, false)
}

func TestAForgottenPasswordIsSetAnewAndEndsAllSessions(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	a := m.account(access.FrontDesk, "desk@example.org")
	m.exec(`INSERT INTO sign_in_tries (organization_id, email_token, tried_at, latest_at) SELECT organization_id, email_token, '{}', created_at FROM accounts`)
	m.forgot("Desk@example.org")
	l := m.letter(identity.ResetLetter, true)
	_, err := m.Reset(t.Context(), nobody(), identity.Reset{Code: l.Code, Password: "short"})
	clinictest.Refused(t, err, errs.InvalidInput, "newPassword")
	if _, err := m.Reset(t.Context(), nobody(), identity.Reset{Code: l.Code, Password: newPassword}); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(m.ended, a.ID) || len(m.opened) != 0 {
		t.Errorf("ended %v, opened %v", m.ended, m.opened)
	}
	if m.asks(`SELECT count(*) FROM accounts WHERE password_hash LIKE '$argon2id$%' AND version = 2`) != 1 || m.asks(`SELECT count(*) FROM sign_in_tries`) != 0 {
		t.Error("the password is the old one, or they are still locked out")
	}
	_, err = m.Reset(t.Context(), nobody(), identity.Reset{Code: l.Code, Password: newPassword})
	noCode(t, "once more", err)
}

func TestNothingIsSentToWhomThereIsNothingToTell(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	m.account(access.PatientRole, "gone@example.org")
	m.exec(`UPDATE accounts SET suspended_at = created_at`)
	m.forgot("stranger@example.org")
	m.forgot("gone@example.org")
	m.signUp("gone@example.org")
	if list := m.delivered(); len(list) != 0 {
		t.Fatalf("mails are %+v", list)
	}
	if n := m.asks(`SELECT count(*) FROM account_notes WHERE dropped_at IS NOT NULL AND outcome = 'NOBODY'`); n != 3 {
		t.Errorf("%d notes came to nothing", n)
	}
}

func TestASuspendedAccountKeepsItsPassword(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	m.account(access.PatientRole, "ann@example.org")
	m.forgot("ann@example.org")
	l := m.letter(identity.ResetLetter, true)
	m.exec(`UPDATE accounts SET suspended_at = created_at`)
	_, err := m.Reset(t.Context(), nobody(), identity.Reset{Code: l.Code, Password: newPassword})
	noCode(t, "suspended", err)
}
