package postgres_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
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
		t: t, pool: pool, accounts: postgres.NewAccounts(db), sweeping: postgres.NewAppointmentStore(db), clock: clock.FrozenAt(sample.Dawn),
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

func TestCodesAreGoodForWhatTheyAreForUntilTheyExpireOrANewerOneComes(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	m.signUp("ann@example.org")
	first := m.letter(identity.ConfirmLetter, true).Code
	m.signUp("ann@example.org")
	second := m.letter(identity.ConfirmLetter, true).Code
	m.signUp("bob@example.org")
	bobs := m.letter(identity.ConfirmLetter, true).Code
	foreign := []byte(second)
	foreign[6]++ // of another organisation
	_, ofAnother := m.Reset(t.Context(), nobody(), identity.Reset{Code: second, Password: newPassword})
	noCode(t, "another kind", ofAnother)
	_, ofAnother = m.AcceptInvitation(t.Context(), nobody(), good(second))
	noCode(t, "another kind", ofAnother)
	for what, code := range map[string]access.Private{
		"an older one": first, "another organisation": access.Private(foreign), "nothing": "", "another prefix": "mcx_" + second[4:], "longer": second + "A",
		"a space": second + " ", "very long": access.Private(bytes.Repeat([]byte("A"), 100_000)), "broken": second[:10] + "\x00" + second[11:],
	} {
		_, err := m.Verify(t.Context(), nobody(), good(code))
		noCode(t, what, err)
	}
	m.clock.Advance(time.Hour - time.Microsecond)
	if _, err := m.Verify(t.Context(), nobody(), good(second)); err != nil {
		t.Errorf("at the last moment: %v", err)
	}
	m.clock.Advance(time.Microsecond)
	_, err := m.Verify(t.Context(), nobody(), good(bobs))
	noCode(t, "expired", err)
}

func TestOfTwoWhoUseACodeAtOnceOneHasTheAccount(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	m.signUp("ann@example.org")
	code := m.letter(identity.ConfirmLetter, true).Code
	var mu sync.Mutex
	made := 0
	_ = clinictest.AtOnce(8, func(int) error {
		_, err := m.Verify(t.Context(), nobody(), good(code))
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			made++
		} else {
			noCode(t, "the others", err)
		}
		return nil
	})
	if made != 1 || m.asks(`SELECT count(*) FROM accounts`) != 1 {
		t.Errorf("%d made it", made)
	}
}

func TestOfTwoWhoResetByOneCodeAtOnceOneChoosesThePassword(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	m.account(access.PatientRole, "ann@example.org")
	m.forgot("ann@example.org")
	code := m.letter(identity.ResetLetter, true).Code
	var mu sync.Mutex
	done := 0
	_ = clinictest.AtOnce(8, func(int) error {
		_, err := m.Reset(t.Context(), nobody(), identity.Reset{Code: code, Password: newPassword})
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			done++
		} else {
			noCode(t, "the others", err)
		}
		return nil
	})
	if done != 1 || m.asks(`SELECT version FROM accounts`) != 2 {
		t.Errorf("%d made it", done)
	}
}

func TestInvitationsGiveTheirRoleForAWeek(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	c := sample.NewClinic(t, m.pool)
	m.here = c.Organization
	admin := clinictest.Actor(access.Admin, m.here)
	doctor, never := c.Provider(1), clinic.Ref{Organization: m.here, ID: sample.NewID()}
	if err := m.invite(admin, identity.InviteAccount{Email: "doc@example.org", Role: access.Provider, Provider: &never}); errs.Of(err) != errs.NotFound {
		t.Errorf("a provider who never was: %v", err)
	}
	if err := m.invite(admin, identity.InviteAccount{Email: "doc@example.org", Role: access.Provider, Provider: &doctor}); err != nil {
		t.Fatal(err)
	}
	code := m.letter(identity.InviteLetter, true).Code
	m.clock.Advance(7*24*time.Hour - time.Microsecond)
	got, err := m.AcceptInvitation(t.Context(), nobody(), good(code))
	if err != nil || got.Account.Role != access.Provider || got.Account.ProviderID != doctor.ID || got.Tokens != nil || len(m.opened) != 0 {
		t.Fatalf("%+v, %v: whoever sees others' data has no session without a second factor", got, err)
	}
	if err := m.invite(admin, identity.InviteAccount{Email: "DOC@example.org", Role: access.Admin}); err != nil {
		t.Fatal(err)
	}
	m.letter(identity.InvitedLetter, false)
	if m.asks(`SELECT count(*) FROM accounts WHERE role = 'ADMIN'`) != 0 {
		t.Error("an invitation changes the role of who is there")
	}
}

func TestNobodyInvitesAboveTheirOwnRole(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	platform := clinictest.Actor(access.PlatformAdmin, uuid.Nil)
	try := func(by access.Actor, role access.Role) error {
		return m.invite(by, identity.InviteAccount{Email: access.Private(role + "@example.org"), Role: role})
	}
	for _, role := range []access.Role{access.FrontDesk, access.Auditor, access.PatientRole, access.PlatformAdmin, access.Integrator, "", "ROOT"} {
		if err := try(platform, role); errs.Of(err) != errs.Forbidden {
			t.Errorf("the platform invites %q: %v", role, err)
		}
	}
	admin := clinictest.Actor(access.Admin, m.here)
	for _, role := range []access.Role{access.PlatformAdmin, access.Integrator, "", "ROOT"} {
		if err := try(admin, role); errs.Of(err) != errs.Forbidden {
			t.Errorf("an administrator invites %q: %v", role, err)
		}
	}
	for _, role := range []access.Role{access.FrontDesk, access.Auditor, access.Provider, access.PatientRole, access.Caregiver, access.Integrator} {
		if err := try(clinictest.Actor(role, m.here), access.PatientRole); errs.Of(err) != errs.Forbidden {
			t.Errorf("%s invites: %v", role, err)
		}
	}
	if err := try(clinictest.Actor(access.Admin, sample.NewClinic(t, m.pool).Organization), access.PatientRole); errs.Of(err) != errs.NotFound {
		t.Errorf("somebody else's administrator: %v", err)
	}
	if err := try(platform, access.Admin); err != nil {
		t.Errorf("the first administrator: %v", err)
	}
	m.account(access.Admin, "boss@example.org")
	if err := try(platform, access.Admin); errs.Of(err) != errs.Forbidden {
		t.Errorf("another administrator: %v", err)
	}
	if n := len(m.delivered()); n != 1 {
		t.Errorf("%d mails", n)
	}
}

func TestAnInvitationIsSentOnceForAKey(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	admin := clinictest.Actor(access.Admin, m.here)
	in := identity.InviteAccount{Organization: m.here, Email: "new@example.org", Role: access.FrontDesk, Locale: "en", Key: "key"}
	for range 2 {
		if _, err := m.Invite(t.Context(), admin, in); err != nil {
			t.Fatal(err)
		}
	}
	m.letter(identity.InviteLetter, true)
	in.Role = access.Auditor
	if _, err := m.Invite(t.Context(), admin, in); !errors.As(err, new(errs.KeyReused)) {
		t.Errorf("another input: %v", err)
	}
}

func TestWhatCantBeSentNowIsTriedAgainFiveTimesWithinAnHour(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	m.refuse = func(identity.Letter) error { return errors.New("busy") }
	began := m.clock.Now()
	m.signUp("ann@example.org")
	var at []time.Duration
	var codes []access.Private
	for m.clock.Now().Before(began.Add(2 * time.Hour)) {
		for _, l := range m.delivered() {
			at, codes = append(at, m.clock.Now().Sub(began)), append(codes, l.Code)
		}
		m.clock.Advance(15 * time.Second)
	}
	want := []time.Duration{0, 15 * time.Second, 135 * time.Second, 735 * time.Second, 2535 * time.Second}
	if !slices.Equal(at, want) {
		t.Errorf("sent at %v, want %v", at, want)
	}
	slices.Sort(codes)
	if len(slices.Compact(codes)) != len(want) || m.asks(`SELECT count(*) FROM account_codes WHERE ended_at IS NULL`) != 1 {
		t.Error("each mail has a code of its own, and the newest is good alone")
	}
	if m.asks(`SELECT count(*) FROM account_notes WHERE outcome = 'GIVEN_UP' AND attempts = 5`) != 1 || m.asks(`SELECT count(*) FROM audit_events WHERE action = 'account.mail.none'`) != 1 {
		t.Error("nobody is told that it was given up")
	}
}

func TestWhatIsRefusedForGoodIsNotTriedAgain(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	m.refuse = func(identity.Letter) error { return identity.Undeliverable{Code: 550} }
	m.signUp("ann@example.org")
	if n := len(m.delivered()); n != 1 {
		t.Fatalf("%d mails", n)
	}
	m.clock.Advance(30 * time.Minute)
	if n := len(m.delivered()); n != 0 || m.asks(`SELECT count(*) FROM account_notes WHERE outcome = 'REFUSED'`) != 1 {
		t.Errorf("%d mails", n)
	}
}

func TestAWorkerThatDiesAfterTheMailLeavesASecondOneWithANewerCode(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	m.signUp("ann@example.org")
	ctx, die := context.WithCancel(t.Context())
	m.exec(`CREATE FUNCTION dies() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the worker died'; END $$`)
	m.exec(`CREATE TRIGGER dies BEFORE UPDATE OF sent_at ON account_notes FOR EACH ROW EXECUTE FUNCTION dies()`)
	if _, err := m.Deliver(ctx, m, 100); err == nil {
		t.Fatal("the worker lives")
	}
	die()
	m.exec(`DROP TRIGGER dies ON account_notes`)
	first := m.letters[0].Code
	m.letters = nil
	m.clock.Advance(time.Minute - time.Microsecond)
	if n := len(m.delivered()); n != 0 {
		t.Fatalf("%d mails while the first worker may be at it", n)
	}
	m.clock.Advance(time.Microsecond)
	second := m.letter(identity.ConfirmLetter, true).Code
	_, err := m.Verify(t.Context(), nobody(), good(first))
	noCode(t, "the first mail's", err)
	if _, err := m.Verify(t.Context(), nobody(), good(second)); err != nil {
		t.Errorf("the second mail's: %v", err)
	}
}

func TestWhatWasAskedForLongAgoIsNotSent(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	m.signUp("ann@example.org")
	if err := m.invite(clinictest.Actor(access.Admin, m.here), identity.InviteAccount{Email: "new@example.org", Role: access.FrontDesk}); err != nil {
		t.Fatal(err)
	}
	m.clock.Advance(time.Hour + time.Microsecond)
	m.letter(identity.InviteLetter, true)
	if m.asks(`SELECT count(*) FROM account_notes WHERE outcome = 'LATE'`) != 1 {
		t.Error("the sign-up waits")
	}
}

func TestManyWorkersSendEachMailOnce(t *testing.T) {
	m := newMailed(t, identity.MailLimits{AddressHour: 3, AddressDay: 10, OrganizationDay: 100, NetworkHour: 100})
	for n := range 24 {
		m.signUp(access.Private(fmt.Sprintf("p%d@example.org", n)))
	}
	err := clinictest.AtOnce(6, func(int) error {
		_, err := m.Deliver(t.Context(), m, 100)
		return err
	})
	to := map[access.Private]int{}
	for _, l := range m.letters {
		to[l.To]++
	}
	if err != nil || len(to) != 24 || len(m.letters) != 24 {
		t.Errorf("%d mails to %d addresses, %v", len(m.letters), len(to), err)
	}
}

func TestWhatIsOverIsSweptAway(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	m.signUp("ann@example.org")
	if err := m.invite(clinictest.Actor(access.Admin, m.here), identity.InviteAccount{Email: "new@example.org", Role: access.FrontDesk}); err != nil {
		t.Fatal(err)
	}
	m.delivered()
	for _, step := range []struct {
		after                time.Duration
		codes, notes, counts int
	}{
		{time.Hour - time.Microsecond, 2, 2, 0}, {time.Microsecond, 1, 2, 0},
		{47*time.Hour - time.Microsecond, 1, 2, 0}, {time.Microsecond, 1, 1, 0}, {5*24*time.Hour - time.Microsecond, 1, 1, 0}, {time.Microsecond, 0, 0, 0},
	} {
		m.clock.Advance(step.after)
		for range 2 { // codes first, then their notes
			if _, err := m.sweeping.Tidy(t.Context(), m.clock.Now(), 100); err != nil {
				t.Fatal(err)
			}
		}
		codes, notes := m.asks(`SELECT count(*) FROM account_codes`), m.asks(`SELECT count(*) FROM account_notes`)
		if codes != step.codes || notes != step.notes {
			t.Errorf("at %s: %d codes and %d notes, want %d and %d", m.clock.Now(), codes, notes, step.codes, step.notes)
		}
	}
	if n := m.asks(`SELECT count(*) FROM message_counts`); n != 0 {
		t.Errorf("%d counts are left", n)
	}
}

func TestNoTableHoldsAnAddressOrACode(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	m.signUp("ann@example.org")
	code := m.letter(identity.ConfirmLetter, true).Code
	for _, table := range []string{"account_notes", "account_codes", "message_counts", "audit_events"} {
		for _, row := range rowsOf(t, m.pool, table) {
			for _, secret := range []string{"ann@example", "\\x616e6e40", code.Reveal(), code.Reveal()[30:], "192.0.2.1"} {
				if bytes.Contains(bytes.ToLower(row), bytes.ToLower([]byte(secret))) {
					t.Errorf("%s holds %q: %s", table, secret, row)
				}
			}
		}
	}
}
