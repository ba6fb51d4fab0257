package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// word is a provider that says what it is told to.
type word struct {
	identity.OpenIDProvider
	who  identity.Proven
	err  error
	sent []identity.OpenIDAsk
}

func (w *word) Find(organization uuid.UUID, name string) (identity.OpenIDProvider, bool) {
	return w.OpenIDProvider, w.Organization == organization && w.Name == name
}

func (w *word) Authorize(_ context.Context, _ identity.OpenIDProvider, ask identity.OpenIDAsk) (string, error) {
	w.sent = append(w.sent, ask)
	return "https://corp.example/authorize", nil
}

func (w *word) Exchange(_ context.Context, _ identity.OpenIDProvider, _ identity.CompleteOpenID, ask identity.OpenIDAsk) (identity.Proven, error) {
	last := w.sent[len(w.sent)-1]
	if ask.State = last.State; ask != last { // the state isn't kept
		return identity.Proven{}, errors.New("asked with something else")
	}
	return w.who, w.err
}

const wayBack = "https://app.example.org/back"

// byWord is a reception where people come from a provider, too.
func byWord(t *testing.T) (*reception, *identity.OpenID, *word) {
	r := newReception(t)
	w := &word{OpenIDProvider: identity.OpenIDProvider{
		Organization: r.organization, Name: "corp", Roles: []access.Role{access.FrontDesk, access.PatientRole}, Domains: []string{"corp.example"},
		RedirectURIs: []string{wayBack},
	}, who: identity.Proven{Subject: "1", Email: "desk@CORP.example", Verified: true}}
	return r, identity.NewOpenID(r.Service, postgres.NewAccounts(r.db), w), w
}

// come goes to the provider and comes back.
func (r *reception) come(o *identity.OpenID, w *word, as access.Actor) (identity.SignedIn, error) {
	r.t.Helper()
	_, err := o.Begin(r.t.Context(), as, identity.BeginOpenID{Organization: r.organization, Provider: "corp", RedirectURI: wayBack, Client: "test"})
	if err != nil {
		r.t.Fatal(err)
	}
	return o.Complete(r.t.Context(), as, identity.CompleteOpenID{State: w.sent[len(w.sent)-1].State, Code: "code"})
}

func TestWhoAProviderVouchesForSignsInAndIsAskedForASecondFactorUnlessItDid(t *testing.T) {
	r, o, w := byWord(t)
	desk := r.account(r.organization, access.FrontDesk, "desk@corp.example", "")
	in, err := r.come(o, w, access.Nobody("test"))
	if err != nil || in.Challenge == nil || in.Challenge.Kind != identity.Enroll {
		t.Fatalf("%+v, %v", in, err)
	}
	w.who.SecondFactor = true
	if in, err = r.come(o, w, access.Nobody("test")); err != nil || in.Tokens == nil || r.sessions.opened[0].Account.ID != desk.ID {
		t.Fatalf("%+v, %v", in, err)
	}
	w.who = identity.Proven{Subject: "1", SecondFactor: true} // the link stands, whatever becomes of the address
	if in, err = r.come(o, w, access.Nobody("test")); err != nil || in.Tokens == nil {
		t.Errorf("%+v, %v", in, err)
	}
	if !slices.Contains(r.told(), "account.openId.link") {
		t.Errorf("told of %v", r.told())
	}
}

func TestNobodyComesInOnAnAddressThatTheProviderDoesntSpeakFor(t *testing.T) {
	r, o, w := byWord(t)
	r.account(r.organization, access.FrontDesk, "desk@corp.example", "")
	r.account(r.organization, access.FrontDesk, "desk@other.example", "")
	r.account(r.organization, access.Admin, "boss@corp.example", "")
	gone := r.account(r.organization, access.FrontDesk, "gone@corp.example", "")
	if _, err := r.Suspend(t.Context(), r.admin(), identity.ChangeAccount{Account: gone.Ref()}); err != nil {
		t.Fatal(err)
	}
	for name, who := range map[string]identity.Proven{
		"an unverified address":        {Subject: "2", Email: "desk@corp.example"},
		"a domain of somebody else":    {Subject: "2", Email: "desk@other.example", Verified: true},
		"a domain that ends alike":     {Subject: "2", Email: "desk@evilcorp.example", Verified: true},
		"nobody's address":             {Subject: "2", Email: "nobody@corp.example", Verified: true},
		"no address":                   {Subject: "2", Verified: true},
		"a role that it may not bring": {Subject: "2", Email: "boss@corp.example", Verified: true},
		"a suspended account":          {Subject: "2", Email: "gone@corp.example", Verified: true},
	} {
		w.who = who
		if in, err := r.come(o, w, access.Nobody("test")); !isRefused(err) {
			t.Errorf("%s: %+v, %v", name, in, err)
		}
	}
	w.who = identity.Proven{Subject: "1", Email: "desk@corp.example", Verified: true, SecondFactor: true}
	if _, err := r.come(o, w, access.Nobody("test")); err != nil {
		t.Fatal(err)
	}
	w.who.Subject = "3" // somebody new, who was given the address
	if in, err := r.come(o, w, access.Nobody("test")); !isRefused(err) {
		t.Errorf("somebody else with the address: %+v, %v", in, err)
	}
	w.err = identity.ErrNotProven
	if in, err := r.come(o, w, access.Nobody("test")); !isRefused(err) {
		t.Errorf("what proves nothing: %+v, %v", in, err)
	}
}

func TestWhoIsSignedInLinksThemselfWhateverTheirAddress(t *testing.T) {
	r, o, w := byWord(t)
	ann := r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	ben := r.account(r.organization, access.PatientRole, "ben@example.org", goodPassword)
	self := func(a identity.Account) access.Actor {
		return access.Actor{Kind: access.Patient, ID: a.ID, Organization: r.organization, Role: a.Role, Credential: sample.NewID(), RequestID: "test"}
	}
	w.who = identity.Proven{Subject: "9", Email: "other@example.com"}
	if in, err := r.come(o, w, self(ann)); err != nil || in.Tokens == nil {
		t.Fatalf("%+v, %v", in, err)
	}
	if in, err := r.come(o, w, access.Nobody("test")); err != nil || in.Tokens == nil || r.sessions.opened[1].Account.ID != ann.ID {
		t.Errorf("%+v, %v", in, err)
	}
	if in, err := r.come(o, w, self(ben)); !isRefused(err) {
		t.Errorf("who is somebody else there: %+v, %v", in, err)
	}
}

func TestAnAttemptIsCompletedOnceAndInTime(t *testing.T) {
	r, o, w := byWord(t)
	r.account(r.organization, access.PatientRole, "desk@corp.example", "")
	if _, err := r.come(o, w, access.Nobody("test")); err != nil {
		t.Fatal(err)
	}
	back := identity.CompleteOpenID{State: w.sent[0].State, Code: "code"}
	if _, err := o.Complete(t.Context(), access.Nobody("test"), back); errs.Of(err) != errs.NotFound {
		t.Errorf("once more: %v", err)
	}
	if _, err := o.Begin(t.Context(), access.Nobody("test"), identity.BeginOpenID{Organization: r.organization, Provider: "corp", RedirectURI: wayBack, Client: "test"}); err != nil {
		t.Fatal(err)
	}
	r.clock.Advance(10 * time.Minute)
	for _, state := range []access.Private{w.sent[1].State, "", "x", access.Private(rand.Text())} {
		if _, err := o.Complete(t.Context(), access.Nobody("test"), identity.CompleteOpenID{State: state, Code: "code"}); errs.Of(err) != errs.NotFound {
			t.Errorf("%s: %v", state.Reveal(), err)
		}
	}
	for name, c := range map[string]struct {
		in   identity.BeginOpenID
		kind errs.Kind
	}{
		"nowhere":        {identity.BeginOpenID{Organization: r.organization, Provider: "corp", RedirectURI: "https://evil.example/", Client: "test"}, errs.InvalidInput},
		"almost":         {identity.BeginOpenID{Organization: r.organization, Provider: "corp", RedirectURI: wayBack + "/", Client: "test"}, errs.InvalidInput},
		"no provider":    {identity.BeginOpenID{Organization: r.organization, Provider: "x", RedirectURI: wayBack, Client: "test"}, errs.NotFound},
		"another tenant": {identity.BeginOpenID{Organization: sample.NewID(), Provider: "corp", RedirectURI: wayBack, Client: "test"}, errs.NotFound},
	} {
		if _, err := o.Begin(t.Context(), access.Nobody("test"), c.in); errs.Of(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A session that was taken back in between, or whoever lures somebody to a provider, links nobody.
func TestALinkIsCompletedByWhoBeganItAndNobodyElse(t *testing.T) {
	r, o, w := byWord(t)
	ann := r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	ben := r.account(r.organization, access.PatientRole, "ben@example.org", goodPassword)
	self := func(a identity.Account) access.Actor {
		return access.Actor{Kind: access.Patient, ID: a.ID, Organization: r.organization, Role: a.Role, Credential: sample.NewID(), RequestID: "test"}
	}
	w.who = identity.Proven{Subject: "9"}
	begin := identity.BeginOpenID{Organization: r.organization, Provider: "corp", RedirectURI: wayBack, Client: "test"}
	for name, by := range map[string]access.Actor{"nobody": access.Nobody("test"), "somebody else": self(ben)} {
		if _, err := o.Begin(t.Context(), self(ann), begin); err != nil {
			t.Fatal(err)
		}
		back := identity.CompleteOpenID{State: w.sent[len(w.sent)-1].State, Code: "code"}
		if in, err := o.Complete(t.Context(), by, back); errs.Of(err) != errs.NotFound {
			t.Errorf("%s: %+v, %v", name, in, err)
		}
		if in, err := r.come(o, w, access.Nobody("test")); !isRefused(err) {
			t.Errorf("%s left a link: %+v, %v", name, in, err)
		}
	}
}

func TestANewPasswordEndsLinksSinceAThiefMayHaveMadeThem(t *testing.T) {
	r, o, w := byWord(t)
	ann := r.account(r.organization, access.PatientRole, "ann@example.org", goodPassword)
	w.who = identity.Proven{Subject: "9"}
	self := access.Actor{Kind: access.Patient, ID: ann.ID, Organization: r.organization, Role: ann.Role, Credential: sample.NewID(), RequestID: "test"}
	if in, err := r.come(o, w, self); err != nil || in.Tokens == nil {
		t.Fatalf("link: %+v, %v", in, err)
	}
	if in, err := r.come(o, w, access.Nobody("test")); err != nil || in.Tokens == nil {
		t.Fatalf("linked: %+v, %v", in, err)
	}
	if _, err := r.ChangePassword(t.Context(), self, identity.ChangePassword{Current: goodPassword, New: "nine lazy herons paddle"}); err != nil {
		t.Fatal(err)
	}
	if in, err := r.come(o, w, access.Nobody("test")); !isRefused(err) {
		t.Errorf("after that: %+v, %v", in, err)
	}
}

func TestWhoComesInByAProviderMayGuessThePasswordNoMoreThanOthers(t *testing.T) {
	r, o, w := byWord(t)
	r.account(r.organization, access.PatientRole, "desk@corp.example", goodPassword)
	for range 5 {
		if _, err := r.signIn("desk@corp.example", "wrong"); !isRefused(err) {
			t.Fatal(err)
		}
	}
	if in, err := r.come(o, w, access.Nobody("test")); err != nil || in.Tokens == nil {
		t.Fatalf("%+v, %v", in, err)
	}
	if _, err := r.signIn("desk@corp.example", "wrong"); !isLocked(err) {
		t.Errorf("after that: %v", err)
	}
}

func TestACodeOfTheAppAfterAProvidersWordForgetsNoTriesOfThePassword(t *testing.T) {
	r, o, w := byWord(t)
	r.account(r.organization, access.FrontDesk, "desk@corp.example", goodPassword)
	secret, _ := r.enrolled("desk@corp.example")
	come := func() {
		t.Helper()
		r.clock.Advance(time.Minute)
		in, err := r.come(o, w, access.Nobody("test"))
		if err != nil || in.Challenge == nil {
			t.Fatalf("%+v, %v", in, err)
		}
		if in, err = r.answer(in.Challenge, r.code(secret)); err != nil || in.Tokens == nil {
			t.Fatalf("%+v, %v", in, err)
		}
	}
	for range 6 { // right ones are no tries
		come()
	}
	for range 4 {
		if _, err := r.signIn("desk@corp.example", "wrong"); !isRefused(err) {
			t.Fatal(err)
		}
	}
	come()
	if _, err := r.signIn("desk@corp.example", "wrong"); !isRefused(err) {
		t.Errorf("the fifth: %v", err)
	}
	if _, err := r.signIn("desk@corp.example", goodPassword); !isLocked(err) {
		t.Errorf("the sixth: %v", err)
	}
}
