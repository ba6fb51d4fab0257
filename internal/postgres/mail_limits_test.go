package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/identity"
)

func (m *mailed) signUpFrom(email access.Private, address string) {
	m.t.Helper()
	if _, err := m.SignUp(m.t.Context(), nobody(), identity.SignUp{Organization: m.here, Email: email, Locale: "en", Address: address}); err != nil {
		m.t.Fatal(err)
	}
}

func TestAnAddressGetsThreeMailsAnHourAndTenADay(t *testing.T) {
	m := newMailed(t, identity.UsualMailLimits())
	for hour, want := range []int{3, 3, 3, 1, 0} {
		for n := range 5 {
			m.signUpFrom("Ann@example.org", fmt.Sprintf("192.0.2.%d", n))
		}
		if got := len(m.delivered()); got != want {
			t.Errorf("hour %d: %d mails, want %d", hour, got, want)
		}
		m.clock.Set(m.clock.Now().Truncate(time.Hour).Add(time.Hour))
	}
	m.clock.Set(m.clock.Now().Truncate(24 * time.Hour).Add(24 * time.Hour))
	m.signUp("ann@EXAMPLE.org")
	if got := len(m.delivered()); got != 1 {
		t.Errorf("on the next day: %d mails", got)
	}
	if n := m.asks(`SELECT count(*) FROM audit_events WHERE action = 'account.sign-up.limited'`); n != 25-10 {
		t.Errorf("%d refusals are told of", n)
	}
}

func TestLimitsHoldExactlyWhenAllAskAtOnce(t *testing.T) {
	m := newMailed(t, identity.MailLimits{AddressHour: 3, AddressDay: 10, OrganizationDay: 7, NetworkHour: 100})
	err := clinictest.AtOnce(40, func(n int) error {
		_, err := m.SignUp(t.Context(), nobody(), identity.SignUp{
			Organization: m.here, Email: access.Private(fmt.Sprintf("p%d@example.org", n%4)), Locale: "en", Address: fmt.Sprintf("192.0.2.%d", n),
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	to := map[access.Private]int{}
	list := m.delivered()
	for _, l := range list {
		to[l.To]++
	}
	if len(list) != 7 {
		t.Errorf("%d mails of the organisation's seven", len(list))
	}
	for address, n := range to {
		if n > 3 {
			t.Errorf("%d mails to %s", n, address.Reveal())
		}
	}
}

func TestWhoAsksTooOftenTakesNothingFromOthers(t *testing.T) {
	m := newMailed(t, identity.MailLimits{AddressHour: 2, AddressDay: 10, OrganizationDay: 5, NetworkHour: 2})
	for range 10 { // two of them count
		m.signUpFrom("ann@example.org", "2001:db8:1:2::1")
		m.signUpFrom("ann@example.org", "2001:db8:1:2:ffff::1") // the same network
	}
	if got := len(m.delivered()); got != 2 {
		t.Errorf("%d mails are asked for from one network", got)
	}
	for n := range 10 { // none of them counts for the organisation
		m.signUpFrom("ann@example.org", fmt.Sprintf("192.0.2.%d", n))
	}
	for n := range 3 {
		m.signUpFrom(access.Private(fmt.Sprintf("p%d@example.org", n)), fmt.Sprintf("198.51.100.%d", n))
	}
	if got := len(m.delivered()); got != 3 {
		t.Errorf("%d mails to the others, who are three", got)
	}
}
