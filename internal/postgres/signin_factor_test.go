package postgres_test

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

func TestStaffSetUpASecondFactorWhenTheyFirstSignIn(t *testing.T) {
	r := newReception(t)
	r.account(r.organization, access.FrontDesk, "desk@example.org", goodPassword)
	asked := r.challenged("desk@example.org", goodPassword)
	if asked.Kind != identity.Enroll || parameter(t, *asked.URI, "secret") != asked.Secret.Reveal() || parameter(t, *asked.URI, "issuer") != "MediConnect" ||
		!asked.Expires.Equal(sample.Dawn.Add(5*time.Minute)) || len(r.sessions.opened) != 0 {
		t.Fatalf("%+v", asked)
	}
	if _, err := r.answer(asked, "000000"); !isRefused(err) {
		t.Fatalf("a wrong code: %v", err)
	}
	in, err := r.answer(asked, r.code(*asked.Secret))
	if err != nil || in.Tokens == nil || len(in.RecoveryCodes) != 10 {
		t.Fatalf("%+v, %v", in, err)
	}
	if _, err := r.answer(asked, r.code(*asked.Secret)); errs.Of(err) != errs.NotFound {
		t.Errorf("a challenge that was answered: %v", err)
	}
	again := r.challenged("desk@example.org", goodPassword)
	if again.Kind != identity.Totp || again.Secret != nil || again.URI != nil {
		t.Errorf("%+v", again)
	}
	want := []string{"account.create", "account.signIn.challenge", "account.signIn.refused", "account.signIn.enrolled", "account.signIn.challenge"}
	if told := r.told(); !slices.Equal(told, want) {
		t.Errorf("told of %v", told)
	}
	for _, row := range rowsOf(t, r.pool, "accounts") {
		if strings.Contains(string(row), asked.Secret.Reveal()) {
			t.Errorf("the secret is kept as it is: %s", row)
		}
	}
}

func TestEveryRoleThatSeesOthersNeedsASecondFactor(t *testing.T) {
	for _, role := range []access.Role{
		access.Admin, access.Auditor, access.Caregiver, access.FrontDesk, access.PatientRole, access.PlatformAdmin, access.Provider,
	} {
		if want := role != access.PatientRole && role != access.Caregiver; identity.NeedsSecondFactor(role) != want || !identity.SignsIn(role) {
			t.Errorf("%s needs one: %v", role, !want)
		}
	}
	if identity.SignsIn(access.Integrator) || identity.SignsIn("JANITOR") {
		t.Error("programs sign in as people")
	}
}

func TestACodeIsGoodOnceAndNearItsTime(t *testing.T) {
	r := newReception(t)
	r.account(r.organization, access.FrontDesk, "desk@example.org", goodPassword)
	secret, _ := r.enrolled("desk@example.org")
	used := r.code(secret)
	if _, err := r.answer(r.challenged("desk@example.org", goodPassword), used); !isRefused(err) {
		t.Errorf("the code that was used to enrol: %v", err)
	}
	at := r.clock.Now()
	for _, c := range []struct {
		made, given time.Duration
		good        bool
	}{
		{60 * time.Second, 0, false},                 // two steps ahead
		{60 * time.Second, 120 * time.Second, false}, // two behind
		{60 * time.Second, 90 * time.Second, true},
		{60 * time.Second, 90 * time.Second, false}, // once more
		{90 * time.Second, 90 * time.Second, true},
		{60 * time.Second, 90 * time.Second, false}, // before the last
		{120 * time.Second, 90 * time.Second, true},
	} {
		r.clock.Set(at.Add(c.made))
		code := r.code(secret)
		r.clock.Set(at.Add(c.given))
		_, err := r.answer(r.challenged("desk@example.org", goodPassword), code)
		if (err == nil) != c.good || err != nil && !isRefused(err) {
			t.Errorf("made at %v, given at %v: %v", c.made, c.given, err)
		}
	}
}

func TestOneCodeOpensOneSessionHoweverManyAnswersComeAtOnce(t *testing.T) {
	r := newReception(t)
	r.account(r.organization, access.FrontDesk, "desk@example.org", goodPassword)
	secret, codes := r.enrolled("desk@example.org")
	r.clock.Advance(time.Minute)
	for name, of := range map[string]func() access.Private{
		"the app's": func() access.Private { return r.code(secret) }, "a recovery code": func() access.Private { return codes[0] },
	} {
		code := of()
		challenges := make([]*identity.Challenge, 4)
		for i := range challenges {
			challenges[i] = r.challenged("desk@example.org", goodPassword)
		}
		var all sync.WaitGroup
		var in atomic.Int64
		for _, c := range challenges {
			all.Go(func() {
				if _, err := r.answer(c, code); err == nil {
					in.Add(1)
				} else if !isRefused(err) {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		all.Wait()
		if in.Load() != 1 {
			t.Errorf("%s let %d in", name, in.Load())
		}
		r.clock.Advance(20 * time.Minute)
	}
}

// Both had asked what they owe before either gave the code: what is read then doesn't say whether it is good still.
func TestOfTwoWhoGaveOneCodeAtOnceOneIsLetIn(t *testing.T) {
	r := newReception(t)
	r.account(r.organization, access.FrontDesk, "desk@example.org", goodPassword)
	_, codes := r.enrolled("desk@example.org")
	r.clock.Advance(time.Hour)
	store := postgres.NewAccounts(r.db)
	for name, give := range map[string]func(*identity.Answer){
		"the app's":       func(a *identity.Answer) { a.Step = r.clock.Now().Unix() / 30 },
		"a recovery code": func(a *identity.Answer) { a.Recovery = codes[0] },
	} {
		var owed []identity.Owed
		for range 2 {
			ticket, err := base64.RawURLEncoding.DecodeString(r.challenged("desk@example.org", goodPassword).Token.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			o, err := store.Owed(t.Context(), stamp(), identity.Ticket{Organization: r.organization, Digest: sha256.Sum256(ticket)})
			if err != nil {
				t.Fatal(err)
			}
			owed = append(owed, o)
		}
		for i, o := range owed {
			answer := identity.Answer{Owed: o}
			give(&answer)
			if _, ok, err := store.Answer(t.Context(), stamp(), answer); err != nil || ok != (i == 0) {
				t.Errorf("%s is taken again: %v, %v", name, ok, err)
			}
		}
	}
}

func TestARecoveryCodeStandsInForALostSecondFactorOnce(t *testing.T) {
	r := newReception(t)
	r.account(r.organization, access.FrontDesk, "desk@example.org", goodPassword)
	_, codes := r.enrolled("desk@example.org")
	written := access.Private(" " + strings.ToLower(strings.ReplaceAll(codes[3].Reveal(), "-", " - ")))
	if in, err := r.answer(r.challenged("desk@example.org", goodPassword), written); err != nil || in.Tokens == nil || in.RecoveryCodes != nil {
		t.Errorf("%+v, %v", in, err)
	}
	if _, err := r.answer(r.challenged("desk@example.org", goodPassword), codes[3]); !isRefused(err) {
		t.Errorf("once more: %v", err)
	}
	if _, err := r.answer(r.challenged("desk@example.org", goodPassword), codes[4]); err != nil {
		t.Errorf("another: %v", err)
	}
	if !slices.Contains(r.told(), "account.signIn.recovered") {
		t.Errorf("told of %v", r.told())
	}
}

func TestWhoKnowsAPasswordCantGuessCodesForEver(t *testing.T) {
	r := newReception(t)
	r.account(r.organization, access.FrontDesk, "desk@example.org", goodPassword)
	secret, _ := r.enrolled("desk@example.org")
	r.clock.Advance(time.Hour)
	for i := range 5 {
		if _, err := r.answer(r.challenged("desk@example.org", goodPassword), "000000"); !isRefused(err) {
			t.Fatalf("guess %d: %v", i+1, err)
		}
	}
	if _, err := r.signIn("desk@example.org", goodPassword); !isLocked(err) {
		t.Errorf("after five guesses: %v", err)
	}
	r.clock.Advance(15 * time.Minute)
	asked := r.challenged("desk@example.org", goodPassword)
	for range 4 {
		_, _ = r.answer(asked, "000000")
	}
	if _, err := r.answer(asked, r.code(secret)); err != nil {
		t.Errorf("right the fifth time: %v", err)
	}
	r.challenged("desk@example.org", goodPassword) // and the count begins anew
}

func TestAChallengeIsOverInTimeAndWithTheAccountAsItWas(t *testing.T) {
	r := newReception(t)
	desk := r.account(r.organization, access.FrontDesk, "desk@example.org", goodPassword)
	secret, _ := r.enrolled("desk@example.org")
	r.clock.Advance(time.Hour)
	asked := r.challenged("desk@example.org", goodPassword)
	r.clock.Advance(identity.ChallengeLife)
	if _, err := r.answer(asked, r.code(secret)); errs.Of(err) != errs.NotFound {
		t.Errorf("too late: %v", err)
	}
	asked = r.challenged("desk@example.org", goodPassword)
	if _, err := r.Suspend(t.Context(), r.admin(), identity.ChangeAccount{Account: desk.Ref()}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.answer(asked, r.code(secret)); errs.Of(err) != errs.NotFound {
		t.Errorf("of an account that is suspended: %v", err)
	}
	for _, token := range []access.Private{"", "x", asked.Token[:40], asked.Token + "A", "A" + asked.Token[1:], access.Private(strings.Repeat("A", 1<<20))} {
		if _, err := r.answer(&identity.Challenge{Token: token}, "000000"); errs.Of(err) != errs.NotFound {
			t.Errorf("%.50s: %v", token.Reveal(), err)
		}
	}
}

func TestOfTwoWhoSetUpASecondFactorAtOnceOneDoes(t *testing.T) {
	r := newReception(t)
	r.account(r.organization, access.FrontDesk, "desk@example.org", goodPassword)
	one, other := r.challenged("desk@example.org", goodPassword), r.challenged("desk@example.org", goodPassword)
	if _, err := r.answer(one, r.code(*one.Secret)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.answer(other, r.code(*other.Secret)); errs.Of(err) != errs.NotFound {
		t.Errorf("the other: %v", err)
	}
}
