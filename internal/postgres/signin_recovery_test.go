package postgres_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// self is an account as it comes with a session.
func self(a identity.Account) access.Actor {
	kind, _ := access.KindOf(a.Role)
	return access.Actor{Kind: kind, ID: a.ID, Organization: a.OrganizationID, Role: a.Role, Credential: sample.NewID(), RequestID: "test"}
}

func (r *reception) replace(a access.Actor, code access.Private) ([]access.Private, error) {
	return r.ReplaceCodes(r.t.Context(), a, identity.ReplaceCodes{Code: code})
}

func TestRecoveryCodesAreMadeAnewWithACodeOfTheAppAndTheOldOnesAreVoid(t *testing.T) {
	r := newReception(t)
	desk := r.account(r.organization, access.FrontDesk, "desk@example.org", goodPassword)
	secret, old := r.enrolled("desk@example.org")
	if _, err := r.replace(self(desk), r.code(secret)); !isRefused(err) {
		t.Errorf("the code that was used to enrol: %v", err)
	}
	r.clock.Advance(time.Minute)
	if _, err := r.replace(self(desk), old[0]); !isRefused(err) {
		t.Errorf("a recovery code: %v", err)
	}
	code := r.code(secret)
	fresh, err := r.replace(self(desk), code)
	if err != nil || len(fresh) != 10 || slices.Contains(fresh, old[1]) {
		t.Fatalf("%v, %v", fresh, err)
	}
	if !slices.Equal(r.told()[len(r.told())-1:], []string{"account.recoveryCodes"}) {
		t.Errorf("told of %v", r.told())
	}
	if _, err := r.replace(self(desk), code); !isRefused(err) {
		t.Errorf("the same code once more: %v", err)
	}
	if _, err := r.answer(r.challenged("desk@example.org", goodPassword), old[1]); !isRefused(err) {
		t.Errorf("an old recovery code: %v", err)
	}
	if in, err := r.answer(r.challenged("desk@example.org", goodPassword), fresh[0]); err != nil || in.Tokens == nil {
		t.Errorf("a new one: %+v, %v", in, err)
	}
}

func TestWhoHasASessionCantGuessCodesForEver(t *testing.T) {
	r := newReception(t)
	desk := r.account(r.organization, access.FrontDesk, "desk@example.org", goodPassword)
	secret, _ := r.enrolled("desk@example.org")
	r.clock.Advance(time.Minute)
	if _, err := r.replace(self(desk), r.code(secret)); err != nil { // a right one is no try
		t.Fatal(err)
	}
	for i := range 5 {
		if _, err := r.replace(self(desk), "000000"); !isRefused(err) {
			t.Fatalf("guess %d: %v", i+1, err)
		}
	}
	r.clock.Advance(time.Minute)
	if _, err := r.replace(self(desk), r.code(secret)); !isLocked(err) {
		t.Errorf("the right code after five guesses: %v", err)
	}
	if _, err := r.signIn("desk@example.org", goodPassword); !isLocked(err) {
		t.Errorf("signing in after five guesses: %v", err)
	}
}

func TestOneCodeMakesRecoveryCodesAnewOnceHoweverManyAskAtOnce(t *testing.T) {
	r := newReception(t)
	desk := r.account(r.organization, access.FrontDesk, "desk@example.org", goodPassword)
	secret, _ := r.enrolled("desk@example.org")
	r.clock.Advance(time.Minute)
	code := r.code(secret)
	var all sync.WaitGroup
	var done atomic.Int64
	for range 4 {
		all.Go(func() {
			if _, err := r.replace(self(desk), code); err == nil {
				done.Add(1)
			} else if !isRefused(err) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if done.Load() != 1 {
		t.Errorf("%d times", done.Load())
	}
}

func TestRecoveryCodesAreOfWhoHasASecondFactorAndSignedInHere(t *testing.T) {
	r := newReception(t)
	ann := r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	outside := self(ann)
	outside.Credential = outside.Organization
	outside.ID = sample.NewID()
	for name, c := range map[string]struct {
		by   access.Actor
		kind errs.Kind
	}{
		"nobody": {access.Nobody("test"), errs.Unauthenticated}, "who has no second factor": {self(ann), errs.Forbidden}, "who has no account": {outside, errs.Forbidden},
	} {
		if _, err := r.replace(c.by, "000000"); errs.Of(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(r.told()) != 1 {
		t.Errorf("told of %v", r.told())
	}
}

func TestNoCodeIsOfNoSecondFactor(t *testing.T) {
	r := newReception(t)
	if _, ok := (identity.Factor{}).Takes(r.code("").Reveal(), r.clock.Now()); ok {
		t.Error("who has none is proved by a code of the empty secret")
	}
}
