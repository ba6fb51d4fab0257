package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// addresses are those that an answer must not tell apart: each twice, and one that more is asked of than may be.
func (r *realm) addresses(t *testing.T, organization string) map[string]string {
	t.Helper()
	list := map[string]string{
		"a patient's": "patient@mail.example", "the staff's": "staff@mail.example", "somebody's who is suspended": "gone@mail.example",
		"one that was invited": "invited@mail.example", "one too many": "flooded@mail.example", "nobody's": "nobody@mail.example",
	}
	r.account(t, r.here.Organization, access.PatientRole, list["a patient's"])
	r.account(t, r.here.Organization, access.FrontDesk, list["the staff's"])
	gone := r.account(t, r.here.Organization, access.PatientRole, list["somebody's who is suspended"])
	if _, err := r.looks().Exec(t.Context(), `UPDATE accounts SET suspended_at = created_at WHERE id = $1`, gone.ID); err != nil {
		t.Fatal(err)
	}
	r.done(t, r.here.admin, "inviteAccount", "accepted", vars{"email": list["one that was invited"], "role": "CAREGIVER", "idempotencyKey": r.key()})
	for range 4 {
		r.done(t, r.Client, "signUp", "accepted", vars{"organizationId": organization, "email": list["one too many"]})
	}
	return list
}

// said is what an answer says apart from its request's id, and the statements that it took.
func (r *realm) said(by gqltest.Client, t *testing.T, mutation, parts string, input vars) (string, []string) {
	t.Helper()
	text := document(mutation, parts+" "+refused)
	r.listen()
	answer := by.Post(t, text, vars{"input": input})
	var statements []string
	for _, s := range r.overheard() {
		statements = append(statements, parameters.ReplaceAllString(s, " "))
	}
	return requestIDs.ReplaceAllString(string(answer.Raw), ""), statements
}

func TestWhetherAnAddressHasAnAccountIsToldToItsReaderAlone(t *testing.T) {
	r := newRealm(t)
	organization := globalid.OfOrganization(r.here.Organization)
	addresses := r.addresses(t, organization)
	for mutation, ask := range map[string]struct {
		by    gqltest.Client
		input func(email string) vars
	}{
		"signUp":               {r.Client, func(email string) vars { return vars{"organizationId": organization, "email": email} }},
		"requestPasswordReset": {r.Client, func(email string) vars { return vars{"organizationId": organization, "email": email} }},
		"inviteAccount": {r.here.admin, func(email string) vars {
			return vars{"organizationId": organization, "email": email, "role": "CAREGIVER", "idempotencyKey": r.key()}
		}},
	} {
		want, statements := r.said(ask.by, t, mutation, "accepted", ask.input(addressNobodyHas()))
		if want != fmt.Sprintf(`{"data":{%q:{"accepted":true,"errors":[]}},"extensions":{"cost":{"requested":10,"limit":1000}}}`, mutation) && !strings.Contains(want, `"accepted":true`) {
			t.Fatalf("%s: %s", mutation, want)
		}
		if len(statements) < 4 {
			t.Fatalf("%s took %d statements", mutation, len(statements))
		}
		for what, email := range addresses {
			got, needed := r.said(ask.by, t, mutation, "accepted", ask.input(email))
			if got != want {
				t.Errorf("%s of an address that is %s: %s, of one that nobody has %s", mutation, what, got, want)
			}
			if !slices.Equal(needed, statements) {
				t.Errorf("%s of an address that is %s takes\n%s\nof one that nobody has\n%s", mutation, what, strings.Join(needed, "\n"), strings.Join(statements, "\n"))
			}
		}
	}
}

func TestCodesThatAreNotGoodAreToldApartByNobody(t *testing.T) {
	r := newRealm(t)
	organization := globalid.OfOrganization(r.here.Organization)
	signUp := func() string {
		email := addressNobodyHas()
		r.done(t, r.Client, "signUp", "accepted", vars{"organizationId": organization, "email": email})
		return r.codeFor(t, email)
	}
	used := signUp()
	r.done(t, r.Client, "verifyEmail", "tokens { expiresAt }", vars{"code": used, "password": choosing, "client": "app"})
	never := used[:40] + strings.Repeat("A", len(used)-40)
	good := signUp()
	for mutation, input := range map[string]func(code string) vars{
		"verifyEmail":             func(code string) vars { return vars{"code": code, "password": choosing, "client": "app"} },
		"acceptAccountInvitation": func(code string) vars { return vars{"code": code, "password": choosing, "client": "app"} },
		"resetPassword":           func(code string) vars { return vars{"code": code, "newPassword": choosing} },
	} {
		want, statements := r.said(r.Client, t, mutation, "__typename", input(never))
		if !strings.Contains(want, `"code":"NOT_FOUND","message":"No such code.","path":["input","code"]`) {
			t.Fatalf("%s: %s", mutation, want)
		}
		for what, code := range map[string]string{"used": used, "for something else": good, "malformed": "mcv_", "empty": "", "long": strings.Repeat("mcv_", 5000)} {
			if mutation == "verifyEmail" && what == "for something else" {
				continue // that is what it is for
			}
			got, needed := r.said(r.Client, t, mutation, "__typename", input(code))
			if got != want {
				t.Errorf("%s with a code that is %s: %s, with one that never was %s", mutation, what, got, want)
			}
			if len(code) == len(never) && !slices.Equal(needed, statements) {
				t.Errorf("%s with a code that is %s takes other statements", mutation, what)
			}
		}
	}
}

func TestNobodyIsInvitedToAClinicByAnotherOne(t *testing.T) {
	r := newRealm(t)
	there := globalid.OfOrganization(r.there.Organization)
	for what, input := range map[string]vars{
		"another organisation": {"organizationId": there, "email": addressNobodyHas(), "role": "ADMIN", "idempotencyKey": r.key()},
		"another's provider": {"email": addressNobodyHas(), "role": "PROVIDER", "idempotencyKey": r.key(),
			"providerId": r.there.id(globalid.Provider, r.there.providers[0].ID)},
		"nobody": {"email": addressNobodyHas(), "role": "PROVIDER", "idempotencyKey": r.key(), "providerId": r.here.id(globalid.Provider, sample.NewID())},
	} {
		answer := r.here.admin.Post(t, document("inviteAccount", "accepted "+refused), vars{"input": input}).OK(t)
		if answer.Text("inviteAccount", "errors", 0, "code") != "NOT_FOUND" || len(r.mailed(t)) != 0 {
			t.Errorf("%s: %s", what, answer.Raw)
		}
	}
	for _, role := range []string{"PLATFORM_ADMIN", "INTEGRATOR", "ROOT"} {
		answer := r.here.admin.Post(t, document("inviteAccount", "accepted "+refused), vars{"input": vars{"email": addressNobodyHas(), "role": role, "idempotencyKey": r.key()}})
		if answer.Code() == "" || len(r.mailed(t)) != 0 {
			t.Errorf("%s: %s", role, answer.Raw)
		}
	}
	answer := r.person("admin").Post(t, document("signUp", "accepted "+refused), vars{"input": vars{"organizationId": globalid.OfOrganization(sample.NewID()), "email": addressNobodyHas()}}).OK(t)
	if answer.Text("signUp", "errors", 0, "code") != "NOT_FOUND" {
		t.Errorf("an organisation that never was: %s", answer.Raw)
	}
}
