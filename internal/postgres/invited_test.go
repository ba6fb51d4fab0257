package postgres_test

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// inviter is an account that invites, with a session.
func (m *mailed) inviter(organization uuid.UUID, role access.Role, email access.Private) access.Actor {
	m.t.Helper()
	a := newAccount(organization, role, email)
	if added, err := m.accounts.Create(m.t.Context(), stamp(), a, "a hash"); err != nil || !added {
		m.t.Fatal(added, err)
	}
	by := clinictest.Actor(role, organization)
	by.ID, by.Credential = a.ID, sample.NewID()
	return by
}

// invited is the code of somebody who was invited.
func (m *mailed) invited(by access.Actor, email access.Private, role access.Role) access.Private {
	m.t.Helper()
	if err := m.invite(by, identity.InviteAccount{Email: email, Role: role}); err != nil {
		m.t.Fatal(err)
	}
	return m.letter(identity.InviteLetter, true).Code
}

func TestAnInvitationIsGoodAsLongAsWhoMadeItMayMakeIt(t *testing.T) {
	for what, c := range map[string]struct{ gone, back string }{
		"suspended":     {"suspended_at = created_at", "suspended_at = NULL"},
		"of the desk":   {"role = 'FRONT_DESK'", "role = 'ADMIN'"},
		"of the record": {"role = 'AUDITOR'", "role = 'ADMIN'"},
	} {
		m := newMailed(t, identity.UsualMailLimits())
		admin := m.inviter(m.here, access.Admin, "boss@example.org")
		code := m.invited(admin, "new@example.org", access.FrontDesk)
		m.exec(`UPDATE accounts SET `+c.gone+` WHERE id = $1`, admin.ID)
		_, err := m.AcceptInvitation(t.Context(), nobody(), good(code))
		noCode(t, "who invited is "+what, err)
		_, err = m.AcceptInvitation(t.Context(), nobody(), identity.Redeem{Code: code, Password: "short", Client: "app"})
		noCode(t, "with a bad password, who invited is "+what, err)
		if m.asks(`SELECT count(*) FROM accounts`) != 1 {
			t.Errorf("%s: there is an account", what)
		}
		m.exec(`UPDATE accounts SET `+c.back+` WHERE id = $1`, admin.ID)
		if got, err := m.AcceptInvitation(t.Context(), nobody(), good(code)); err != nil || got.Account.Role != access.FrontDesk {
			t.Errorf("no longer %s: %+v, %v", what, got, err)
		}
	}
}

func TestAnInvitationByWhoHasNoAccountHereIsGoodWhileItIsntUsed(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	outside := clinictest.Actor(access.Admin, m.here)
	if _, err := m.AcceptInvitation(t.Context(), nobody(), good(m.invited(outside, "new@example.org", access.FrontDesk))); err != nil {
		t.Error(err)
	}
}

func TestOfThoseInvitedAsAFirstAdministratorOneIs(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	platform := m.inviter(uuid.Nil, access.PlatformAdmin, "root@example.org")
	one, other := m.invited(platform, "one@example.org", access.Admin), m.invited(platform, "other@example.org", access.Admin)
	if err := m.invite(platform, identity.InviteAccount{Email: "late@example.org", Role: access.Admin}); err != nil { // and isn't mailed yet
		t.Fatal(err)
	}
	got, err := m.AcceptInvitation(t.Context(), nobody(), good(one))
	if err != nil || got.Account.Role != access.Admin {
		t.Fatalf("%+v, %v", got, err)
	}
	_, err = m.AcceptInvitation(t.Context(), nobody(), good(other))
	noCode(t, "the other", err)
	if list := m.delivered(); len(list) != 0 {
		t.Errorf("mailed afterwards: %+v", list)
	}
	m.exec(`UPDATE accounts SET suspended_at = created_at WHERE id = $1`, got.Account.ID)
	_, err = m.AcceptInvitation(t.Context(), nobody(), good(other))
	noCode(t, "the other, once the first is suspended", err)
	if n := m.asks(`SELECT count(*) FROM accounts WHERE role = 'ADMIN'`); n != 1 {
		t.Errorf("%d administrators", n)
	}
}

// taking is a store in which something happens between a worker's taking a note and its mail.
type taking struct {
	identity.MailStore
	then func()
}

func (s taking) Take(ctx context.Context, d identity.DueNote, until time.Time) (identity.Taken, bool, error) {
	t, ok, err := s.MailStore.Take(ctx, d, until)
	s.then()
	return t, ok, err
}

func TestAnInvitationThatIsOverWhileItIsSentIsntSent(t *testing.T) {
	for what, then := range map[string]func(m *mailed, other access.Private){
		"another accepted": func(m *mailed, other access.Private) {
			if _, err := m.AcceptInvitation(t.Context(), nobody(), good(other)); err != nil {
				t.Error(err)
			}
		},
		"the operator made an administrator": func(m *mailed, _ access.Private) { m.account(access.Admin, "boss@example.org") },
	} {
		m := newMailed(t, identity.UsualMailLimits())
		platform := clinictest.Actor(access.PlatformAdmin, uuid.Nil)
		other := m.invited(platform, "one@example.org", access.Admin)
		if err := m.invite(platform, identity.InviteAccount{Email: "other@example.org", Role: access.Admin}); err != nil {
			t.Fatal(err)
		}
		store := taking{postgres.NewNotes(m.db), func() { then(m, other) }}
		worker := identity.NewMailing(store, clinic.Source{Clock: m.clock, NewID: sample.NewID}, rand.Reader, nil, m, identity.UsualMailLimits())
		if n, err := worker.Deliver(t.Context(), m, 10); n != 1 || err != nil || len(m.letters) != 0 {
			t.Errorf("%s: of %d notes is sent %+v, %v", what, n, m.letters, err)
		}
		if n := m.asks(`SELECT count(*) FROM account_notes WHERE dropped_at IS NOT NULL`); n != 1 {
			t.Errorf("%s: %d notes are dropped", what, n)
		}
	}
}

func TestOfTwoFirstAdministratorsAtOnceOneIs(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	platform := clinictest.Actor(access.PlatformAdmin, uuid.Nil)
	codes := make([]access.Private, 6)
	for i := range codes {
		codes[i] = m.invited(platform, access.Private(rune('a'+i))+"@example.org", access.Admin)
	}
	var made atomic.Int64
	_ = clinictest.AtOnce(len(codes), func(i int) error {
		if _, err := m.AcceptInvitation(t.Context(), nobody(), good(codes[i])); err == nil {
			made.Add(1)
		} else {
			noCode(t, "the others", err)
		}
		return nil
	})
	if made.Load() != 1 || m.asks(`SELECT count(*) FROM accounts WHERE role = 'ADMIN'`) != 1 {
		t.Errorf("%d made it", made.Load())
	}
}

func TestTheFirstAdministratorIsInvitedByWhoStandsAndWhileThereIsNone(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	platform := m.inviter(uuid.Nil, access.PlatformAdmin, "root@example.org")
	code := m.invited(platform, "one@example.org", access.Admin)
	m.exec(`UPDATE accounts SET suspended_at = created_at WHERE id = $1`, platform.ID)
	_, err := m.AcceptInvitation(t.Context(), nobody(), good(code))
	noCode(t, "who invited is suspended", err)
	m.exec(`UPDATE accounts SET suspended_at = NULL WHERE id = $1`, platform.ID)
	m.account(access.Admin, "boss@example.org") // by the command line
	_, err = m.AcceptInvitation(t.Context(), nobody(), good(code))
	noCode(t, "there is an administrator", err)
}

func TestAnotherPasswordEndsTheCodesThatWereMailedForOne(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	a := m.account(access.PatientRole, "ann@example.org")
	m.forgot("ann@example.org")
	code := m.letter(identity.ResetLetter, true).Code
	if done, err := m.accounts.SetPassword(t.Context(), stamp(), a, "another hash"); err != nil || !done {
		t.Fatal(done, err)
	}
	_, err := m.Reset(t.Context(), nobody(), identity.Reset{Code: code, Password: newPassword})
	noCode(t, "mailed before", err)
	m.forgot("ann@example.org")
	if _, err := m.Reset(t.Context(), nobody(), identity.Reset{Code: m.letter(identity.ResetLetter, true).Code, Password: newPassword}); err != nil {
		t.Errorf("mailed afterwards: %v", err)
	}
}

func TestWhoIsSuspendedWhileTheirFirstSessionBeginsGetsNone(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	m.during = func() { m.exec(`UPDATE accounts SET suspended_at = created_at, version = version + 1`) }
	m.signUp("ann@example.org")
	got, err := m.Verify(t.Context(), nobody(), good(m.letter(identity.ConfirmLetter, true).Code))
	if err != nil || got.Tokens != nil || got.Account.Email != "ann@example.org" || len(m.opened) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}
