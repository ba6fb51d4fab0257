package app

import (
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/policy"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/openid"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/openidtest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

const (
	password = access.Private("seven wet otters juggle")
	wayBack  = "https://app.example.org/back"
)

// holder makes somebody who can sign in to an organisation.
func (a *api) holder(t *testing.T, who access.Actor, email string) identity.Account {
	t.Helper()
	hash, err := a.app.hashing.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	made := identity.Account{
		OrganizationID: who.Organization, ID: who.ID, Version: 1, Role: who.Role, Email: access.Private(email), Locale: "en", CreatedAt: sample.Dawn,
	}
	by := clinic.Stamp{Actor: access.Actor{Kind: access.System, RequestID: "test"}, At: sample.Dawn, AuditID: newID()}
	if added, err := postgres.NewAccounts(a.app.db).Create(t.Context(), by, made, hash); err != nil || !added {
		t.Fatalf("added %v, %v", added, err)
	}
	return made
}

// keepAccounts has somebody who is a provider, and has signed in. Who may ask for accounts by their ids is tried below.
func (r *realm) keepAccounts(t *testing.T, s *site) {
	made := r.holder(t, staffOf(s.Organization, access.Provider), "ada@example.org")
	s.Set("UPDATE accounts SET provider_id = $3, last_sign_in_at = created_at WHERE organization_id = $1 AND id = $2", made.ID, s.providers[0].ID)
	id, about := globalid.Of(globalid.Account, made.Ref()), subject{kind: globalid.Account, organization: s.Organization}
	if s == r.here {
		r.know(id, about)
	}
	r.subjects[id] = about
}

// vouched has the server take a provider's word, which answers on a socket.
func (r *realm) vouched(t *testing.T) *openidtest.Provider {
	t.Helper()
	says := openidtest.New(t)
	says.Named = true // so what comes back without its name is refused
	r.app.openID.SetProviders(openid.New([]openid.Client{{
		OpenIDProvider: identity.OpenIDProvider{
			Organization: r.here.Organization, Name: "corp", Roles: []access.Role{access.PatientRole}, Domains: []string{"example.org"}, RedirectURIs: []string{wayBack},
		},
		Issuer: says.URL, ID: openidtest.ClientID, Secret: openidtest.ClientSecret,
	}}, clock.System{}))
	return says
}

// peopleChanges are inputs of signing in, and of changes of who may.
func (r *realm) peopleChanges(t *testing.T, p person) map[string]func() []inputFor {
	s := r.here
	ours := subject{organization: s.Organization}
	says := r.vouched(t)
	organization := globalid.OfOrganization(s.Organization)
	somebody := func(role access.Role) (identity.Account, string) {
		email := r.key() + "@example.org"
		return r.holder(t, staffOf(s.Organization, role), email), email
	}
	entering := func(email string) vars {
		return vars{"organizationId": organization, "email": email, "password": password.Reveal(), "client": "test"}
	}
	current, known := password.Reveal(), false
	own := func() {
		if _, in := p.Handler.(*signedIn); in && !known {
			who := p.actor
			if who.Role == access.Admin { // while there is none, the platform invites one
				who.Role = access.Auditor
			}
			r.holder(t, who, r.key()+"@example.org")
			known = true
		}
	}
	begin := vars{"organizationId": organization, "provider": "corp", "redirectUri": wayBack, "client": "test"}
	one := func(input func() vars) func() []inputFor {
		return func() []inputFor { return []inputFor{{input: input, about: ours}} }
	}
	other := func(before string, more vars) func() []inputFor {
		return one(func() vars {
			account, _ := somebody(access.FrontDesk)
			s.Set("UPDATE accounts SET "+before+" WHERE organization_id = $1 AND id = $2", account.ID)
			input := vars{"accountId": globalid.Of(globalid.Account, account.Ref())}
			for name, value := range more {
				input[name] = value
			}
			return input
		})
	}
	return map[string]func() []inputFor{
		"signIn": one(func() vars { _, email := somebody(access.PatientRole); return entering(email) }),
		"answerSignInChallenge": one(func() vars {
			_, email := somebody(access.FrontDesk)
			asked := gqltest.Client{Handler: r.Handler}.Post(t, document("signIn", "challenge { challenge secret }"), vars{"input": entering(email)}).OK(t)
			code, err := totp.GenerateCode(asked.Text("signIn", "challenge", "secret"), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return vars{"challenge": asked.Text("signIn", "challenge", "challenge"), "code": code}
		}),
		"beginOpenIdSignIn": one(func() vars { return begin }),
		"completeOpenIdSignIn": one(func() vars {
			_, email := somebody(access.PatientRole)
			says.Claims = map[string]any{"sub": email, "email": email}
			begun := gqltest.Client{Handler: r.Handler}.Post(t, document("beginOpenIdSignIn", "authorizationUrl"), vars{"input": begin}).OK(t)
			state, code := says.Visit(begun.Text("beginOpenIdSignIn", "authorizationUrl"))
			return vars{"state": state, "code": code, "issuer": says.URL}
		}),
		"setUpSecondFactor": one(func() vars {
			own()
			s.Set("UPDATE accounts SET totp_secret = NULL, totp_enrolled_at = NULL WHERE organization_id = $1 AND id = $2", p.actor.ID)
			return vars{"currentPassword": current}
		}),
		"replaceRecoveryCodes": one(func() vars {
			own()
			if _, in := p.Handler.(*signedIn); !in {
				return vars{"code": "000000"}
			}
			return vars{"code": r.enrol(t, p, current)}
		}),
		"changePassword": one(func() vars {
			own()
			input := vars{"currentPassword": current, "newPassword": r.key() + " eight dry badgers"}
			if _, in := p.Handler.(*signedIn); in {
				current = input["newPassword"].(string)
			}
			return input
		}),
		"suspendAccount":    other("suspended_at = NULL", nil),
		"reinstateAccount":  other("suspended_at = created_at", nil),
		"resetSecondFactor": other("totp_secret = '\\x00', totp_enrolled_at = created_at", nil),
		"changeAccountRole": other("suspended_at = NULL", vars{"role": "AUDITOR"}),
	}
}

// enrol sets up a second factor for somebody who is signed in, and answers a code that is good.
func (r *realm) enrol(t *testing.T, p person, password string) string {
	t.Helper()
	asked := p.Post(t, document("setUpSecondFactor", "challenge { challenge secret }"), vars{"input": vars{"currentPassword": password}}).OK(t)
	secret := asked.Text("setUpSecondFactor", "challenge", "secret")
	code := func(at time.Time) string {
		made, err := totp.GenerateCode(secret, at)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	now := time.Now()
	answer := vars{"challenge": asked.Text("setUpSecondFactor", "challenge", "challenge"), "code": code(now)}
	gqltest.Client{Handler: r.Handler}.Post(t, document("answerSignInChallenge", "recoveryCodes"), vars{"input": answer}).OK(t)
	return code(now.Add(30 * time.Second)) // the step that is next is taken, too
}

func TestAnAccountIsToldByItsIDToWhoManagesItAlone(t *testing.T) {
	r := newRealm(t)
	id := globalid.Of(globalid.Account, r.holder(t, staffOf(r.here.Organization, access.FrontDesk), "bo@example.org").Ref())
	never := r.here.id(globalid.Account, sample.NewID())
	for _, p := range r.people {
		answer := p.Post(t, `query($id: ID!, $never: ID!) { node(id: $id) { id ... on Account { email } } never: node(id: $never) { id } }`, vars{"id": id, "never": never})
		told := answer.Text("node", "email")
		if manages := p.column == policy.Admin; (told == "bo@example.org") != manages || !manages && told != "" || answer.Text("never", "id") != "" {
			t.Errorf("%s: %s", p.column, answer.Raw)
		}
	}
}
