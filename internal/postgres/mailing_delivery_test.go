package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/identity"
)

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
