package openid_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/openid"
	"github.com/mediconnect/mediconnect/internal/testkit/openidtest"
)

const back = "https://app.example.org/back"

func client(a *openidtest.Provider, name string) openid.Client {
	return openid.Client{
		OpenIDProvider: identity.OpenIDProvider{Name: name, RedirectURIs: []string{back}}, Issuer: a.URL, ID: openidtest.ClientID, Secret: openidtest.ClientSecret,
		Contexts: []string{"urn:strong"},
	}
}

func ask() identity.OpenIDAsk {
	return identity.OpenIDAsk{State: access.Private(rand.Text()), Nonce: access.Private(rand.Text()), Verifier: access.Private(rand.Text() + rand.Text()), RedirectURI: back}
}

// trip sends somebody to a provider and back.
func trip(t *testing.T, p *openid.Providers, a *openidtest.Provider, name string) (identity.OpenIDProvider, identity.OpenIDAsk, identity.CompleteOpenID) {
	t.Helper()
	provider, ok := p.Find([16]byte{}, name)
	if !ok {
		t.Fatal("there is no provider")
	}
	with := ask()
	address, err := p.Authorize(t.Context(), provider, with)
	if err != nil {
		t.Fatal(err)
	}
	state, code := a.Visit(address)
	if state != with.State.Reveal() {
		t.Fatalf("came back with the state %s", state)
	}
	return provider, with, identity.CompleteOpenID{Code: access.Private(code)}
}

func TestAProviderSaysWhoCameBack(t *testing.T) {
	a := openidtest.New(t)
	p := openid.New([]openid.Client{client(a, "corp")}, clock.System{})
	if a.Asked() != 0 {
		t.Error("the provider is asked before anybody wants to sign in")
	}
	provider, with, code := trip(t, p, a, "corp")
	who, err := p.Exchange(t.Context(), provider, code, with)
	if err != nil || who != (identity.Proven{Subject: "ann-1", Email: "ann@example.org", Verified: true}) {
		t.Fatalf("%+v, %v", who, err)
	}
	if _, err := p.Exchange(t.Context(), provider, code, with); !errors.Is(err, identity.ErrNotProven) {
		t.Errorf("the same code once more: %v", err)
	}
	for name, c := range map[string]struct {
		claims map[string]any
		want   bool
	}{
		"a password": {map[string]any{"amr": []string{"pwd"}}, false}, "more than one factor": {map[string]any{"amr": []string{"pwd", "mfa"}}, true},
		"a context that is known": {map[string]any{"acr": "urn:strong"}, true}, "one that isn't": {map[string]any{"acr": "urn:weak"}, false},
	} {
		a.Claims = c.claims
		provider, with, code := trip(t, p, a, "corp")
		if who, err := p.Exchange(t.Context(), provider, code, with); err != nil || who.SecondFactor != c.want {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
}

func TestNothingButTheProvidersOwnAnswerToTheSameQuestionProvesAnything(t *testing.T) {
	a := openidtest.New(t)
	p := openid.New([]openid.Client{client(a, "corp")}, clock.System{})
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	none := func(payload []byte) string {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload) + "."
	}
	for name, c := range map[string]struct {
		claims map[string]any
		sign   func([]byte) string
		change func(*identity.OpenIDAsk)
	}{
		"another nonce":              {claims: map[string]any{"nonce": "x"}},
		"no nonce":                   {claims: map[string]any{"nonce": nil}},
		"another audience":           {claims: map[string]any{"aud": "somebody"}},
		"more audiences, not for us": {claims: map[string]any{"aud": []string{openidtest.ClientID, "somebody"}, "azp": "somebody"}},
		"another issuer":             {claims: map[string]any{"iss": "https://other.example"}},
		"expired":                    {claims: map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}},
		"from the future":            {claims: map[string]any{"iat": time.Now().Add(time.Hour).Unix()}},
		"nobody":                     {claims: map[string]any{"sub": ""}},
		"no algorithm":               {sign: none},
		"another key": {sign: func(b []byte) string {
			return openidtest.Compact(t, jose.RS256, jose.JSONWebKey{Key: foreign, KeyID: "1"}, b)
		}},
		"an unknown key": {sign: func(b []byte) string {
			return openidtest.Compact(t, jose.RS256, jose.JSONWebKey{Key: foreign, KeyID: "2"}, b)
		}},
		"the secret as the key": {sign: func(b []byte) string {
			return openidtest.Compact(t, jose.HS256, append([]byte(openidtest.ClientSecret), make([]byte, 32)...), b)
		}},
		"another verifier":                         {change: func(with *identity.OpenIDAsk) { with.Verifier += "x" }},
		"another way back":                         {change: func(with *identity.OpenIDAsk) { with.RedirectURI += "/x" }},
		"the nonce of an attempt of somebody else": {change: func(with *identity.OpenIDAsk) { with.Nonce = "x" }},
		"no ID token":                              {sign: func([]byte) string { return "" }},
	} {
		a.Claims, a.Sign = c.claims, c.sign
		provider, with, code := trip(t, p, a, "corp")
		if c.change != nil {
			c.change(&with)
		}
		if who, err := p.Exchange(t.Context(), provider, code, with); !errors.Is(err, identity.ErrNotProven) {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
}

func TestACodeOfAnotherProviderProvesNothing(t *testing.T) {
	one, other := openidtest.New(t), openidtest.New(t)
	p := openid.New([]openid.Client{client(one, "one"), client(other, "other")}, clock.System{})
	_, with, code := trip(t, p, one, "one")
	mixed, _ := p.Find([16]byte{}, "other")
	if who, err := p.Exchange(t.Context(), mixed, code, with); !errors.Is(err, identity.ErrNotProven) {
		t.Errorf("%+v, %v", who, err)
	}
	if _, ok := p.Find([16]byte{1}, "one"); ok {
		t.Error("another organisation has the provider")
	}
}

func TestACodeThatCameAsAnothersIsSentToNobody(t *testing.T) {
	for _, named := range []bool{true, false} {
		a := openidtest.New(t)
		a.Named = named
		p := openid.New([]openid.Client{client(a, "corp")}, clock.System{})
		provider, with, came := trip(t, p, a, "corp")
		right := a.URL
		wrong := map[string]*string{"another": new("https://other.example"), "with a slash": new(right + "/"), "nobody": new("")}
		if named {
			wrong["left out"] = nil
		}
		for name, issuer := range wrong {
			came.Issuer = issuer
			if who, err := p.Exchange(t.Context(), provider, came, with); !errors.Is(err, identity.ErrNotProven) {
				t.Errorf("%s: %+v, %v", name, who, err)
			}
		}
		came.Issuer = &right
		if _, err := p.Exchange(t.Context(), provider, came, with); err != nil {
			t.Errorf("the right one, with the code that was sent to nobody: %v", err)
		}
	}
}

func TestAProviderThatIsAwayOrSaysTooMuchIsToldAsBusyAndIsSoonNotAskedAnyMore(t *testing.T) {
	a := openidtest.New(t)
	p := openid.New([]openid.Client{client(a, "corp")}, clock.System{})
	provider, _ := p.Find([16]byte{}, "corp")
	a.Huge = true
	if _, err := p.Authorize(t.Context(), provider, ask()); errs.Of(err) != errs.Busy {
		t.Errorf("an endless answer: %v", err)
	}
	a.Huge, a.Away = false, 503
	for range 10 {
		if _, err := p.Authorize(t.Context(), provider, ask()); errs.Of(err) != errs.Busy {
			t.Fatalf("away: %v", err)
		}
	}
	if a.Asked() > 6 {
		t.Errorf("asked %d times", a.Asked())
	}
}

func TestAProviderThatFailsAtTheLastStepIsToldAsBusy(t *testing.T) {
	a := openidtest.New(t)
	p := openid.New([]openid.Client{client(a, "corp")}, clock.System{})
	provider, with, code := trip(t, p, a, "corp")
	a.Away = 500
	if _, err := p.Exchange(t.Context(), provider, code, with); errs.Of(err) != errs.Busy {
		t.Errorf("failing: %v", err)
	}
	a.Close()
	if _, err := p.Exchange(t.Context(), provider, code, with); errs.Of(err) != errs.Busy {
		t.Errorf("gone: %v", err)
	}
}
