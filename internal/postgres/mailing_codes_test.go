package postgres_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

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
	m.letter(identity.InviteLetter, true)
	m.account(access.Admin, "boss@example.org")
	if err := try(platform, access.Admin); errs.Of(err) != errs.Forbidden {
		t.Errorf("another administrator: %v", err)
	}
	if n := len(m.delivered()); n != 0 {
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
