package identity_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/identity"
)

// cheap are hashes for tests.
var cheap = identity.Cost{Memory: 64, Iterations: 1, Parallelism: 1}

func TestANewPasswordIsLongEnoughAndNotGuessedSoon(t *testing.T) {
	passwords := identity.NewPasswords(cheap, identity.Bulkhead{AtOnce: 1})
	for _, c := range []struct {
		role     access.Role
		password access.Private
		good     bool
	}{
		{access.PatientRole, "kX9#mQ2v", true},
		{access.PatientRole, "kX9#mQ2", false},
		{access.PatientRole, "password", false},
		{access.PatientRole, "12345678", false},
		{access.PatientRole, "ann.smith@example.org", false},
		{access.PatientRole, "mediconnect", false},
		{access.PatientRole, "", false},
		{access.PatientRole, "correct horse battery staple", true},
		{access.PatientRole, access.Private(strings.Repeat("é漢", 64)), true},
		{access.PatientRole, access.Private(strings.Repeat("é漢", 64) + "!"), false},
		{access.PatientRole, access.Private(strings.Repeat("x", 1<<20)), false},
		{access.PatientRole, "kX9#mQ2v\xff", false},
		{access.FrontDesk, "kX9#mQ2v", false},
		{access.FrontDesk, "kX9#mQ2vT!4", false},
		{access.FrontDesk, "kX9#mQ2vT!4w", true},
		{access.FrontDesk, "Sunshine2024", false},
	} {
		var check form.Check
		_, err := passwords.Read(t.Context(), &check, c.role, "ann.smith@example.org", c.password, "password")
		if good := check.Err() == nil; err != nil || good != c.good {
			t.Errorf("%s, %d bytes %.30q: %v", c.role, len(c.password), c.password.Reveal(), check.Err())
		}
	}
}

func TestWhicheverKeyboardWroteAPasswordItIsTheSame(t *testing.T) {
	passwords := identity.NewPasswords(cheap, identity.Bulkhead{AtOnce: 1, Waiting: 1, Wait: time.Minute})
	var check form.Check
	composed, err := passwords.Read(t.Context(), &check, access.PatientRole, "", "Zoé läuft im Café")
	if err != nil || check.Err() != nil {
		t.Fatal(err, check.Err())
	}
	hash, err := passwords.Hash(t.Context(), composed)
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[access.Private]bool{
		"Zoé läuft im Café":                   true,
		"Zoe\u0301 la\u0308uft im Cafe\u0301": true,
		"Zoé läuft im Cafe":                   false,
	} {
		right, stale, err := passwords.Verify(t.Context(), password, hash)
		if err != nil || right != want || stale {
			t.Errorf("%q: %v, stale %v, %v", password.Reveal(), right, stale, err)
		}
	}
	dearer := identity.NewPasswords(identity.Cost{Memory: 128, Iterations: 1, Parallelism: 1}, identity.Bulkhead{AtOnce: 1})
	if right, stale, err := dearer.Verify(t.Context(), composed, hash); !right || !stale || err != nil {
		t.Errorf("a hash of another cost: %v, stale %v, %v", right, stale, err)
	}
}

func TestNoPasswordIsNobodys(t *testing.T) {
	compared := 0
	passwords := identity.NewPasswords(cheap, identity.Bulkhead{AtOnce: 1}).Counted(func() { compared++ })
	for _, password := range []access.Private{"", "nobody's", "\x00"} {
		if right, _, err := passwords.Verify(t.Context(), password, ""); right || err != nil {
			t.Errorf("%q: %v, %v", password.Reveal(), right, err)
		}
	}
	if compared != 3 {
		t.Errorf("compared %d times", compared)
	}
}

func TestPasswordsAreHashedAFewAtATimeAndTheLineIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		passwords := identity.NewPasswords(cheap, identity.Bulkhead{AtOnce: 1, Waiting: 1, Wait: time.Minute}).Counted(func() { <-end })
		answers := make(chan error, 2)
		verify := func() {
			_, _, err := passwords.Verify(t.Context(), "x", "")
			answers <- err
		}
		go verify()
		synctest.Wait()
		go verify()
		synctest.Wait()
		if _, _, err := passwords.Verify(t.Context(), "x", ""); errs.Of(err) != errs.Busy || passwords.Turned() != 1 {
			t.Errorf("the one beyond the line: %v, %d turned away", err, passwords.Turned())
		}
		if err := <-answers; errs.Of(err) != errs.Busy || passwords.Turned() != 2 {
			t.Errorf("who waits a minute: %v, %d turned away", err, passwords.Turned())
		}
		close(end)
		if err := <-answers; err != nil {
			t.Errorf("who had a turn: %v", err)
		}
		if verify(); <-answers != nil {
			t.Error("there is room again, and yet it is refused")
		}
	})
}

// Strangers choose passwords, too, and finding out how soon one is guessed fills a core as a hash does.
func TestHowSoonAPasswordIsGuessedIsFoundOutAFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		passwords := identity.NewPasswords(cheap, identity.Bulkhead{AtOnce: 1}).Counted(func() { <-end })
		compared := make(chan error)
		go func() {
			_, _, err := passwords.Verify(t.Context(), "x", "")
			compared <- err
		}()
		synctest.Wait()
		var check form.Check
		if _, err := passwords.Read(t.Context(), &check, access.PatientRole, "", "kX9#mQ2v"); errs.Of(err) != errs.Busy || check.Err() != nil {
			t.Errorf("while the one core is taken: %v, %v", err, check.Err())
		}
		for _, password := range []access.Private{"short", access.Private(strings.Repeat("x", 1<<20))} {
			var check form.Check
			if _, err := passwords.Read(t.Context(), &check, access.PatientRole, "", password); err != nil || check.Err() == nil {
				t.Errorf("%d bytes are refused without a turn: %v, %v", len(password), err, check.Err())
			}
		}
		close(end)
		if err := <-compared; err != nil {
			t.Error(err)
		}
	})
}
