package resolvers_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/access/token"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/resolvers"
)

// withoutScope are mutations that ask for none, each with the reason.
var withoutScope = map[string]string{
	"refreshSession": "whoever has the refresh token", "signOut": "one's own session", "signOutEverywhere": "one's own, or an administrator's to do",
	"revokeSession": "one's own, or an administrator's to do",
	"signIn":        "whoever has the password", "answerSignInChallenge": "whoever has the challenge", "setUpSecondFactor": "one's own account",
	"replaceRecoveryCodes": "one's own account", "changePassword": "one's own account", "beginOpenIdSignIn": "whoever goes to a provider", "completeOpenIdSignIn": "whoever comes back",

	// By these somebody comes to be known: nothing can be asked of them before.
	"signUp": "a stranger", "verifyEmail": "whoever has the code", "requestPasswordReset": "a stranger", "resetPassword": "whoever has the code",
	"acceptAccountInvitation": "whoever has the code",
}

func TestEveryMutationNeedsAScope(t *testing.T) {
	a := serve(t, open())
	schema := resolvers.Schema(&resolvers.Resolver{}).Schema()
	powerless := a.with(t, access.Actor{ID: id(9), Role: access.Admin, Organization: a.rooms.organization.ID})
	for _, field := range schema.Mutation.Fields {
		if withoutScope[field.Name] != "" {
			continue
		}
		if field.Directives.ForName("requiresScopes") == nil {
			t.Errorf("%s asks for no scope", field.Name)
		}
		if a.mutations()[field.Name] == nil {
			t.Errorf("%s is not tested", field.Name)
			continue
		}
		anonymous := a.change(t, a.Client, field.Name, failureParts)
		if anonymous.Code() != "UNAUTHENTICATED" || anonymous.Data(field.Name) != nil {
			t.Errorf("%s, nobody: %s", field.Name, anonymous.Raw)
		}
		refused := a.change(t, powerless, field.Name, failureParts).OK(t)
		if refused.Text(field.Name, "errors", 0, "__typename") != "GenericError" || refused.Text(field.Name, "errors", 0, "code") != "FORBIDDEN" ||
			!reflect.DeepEqual(refused.Data(field.Name, "errors", 0, "path"), steps("input")) {
			t.Errorf("%s, without its scope: %s", field.Name, refused.Raw)
		}
	}
	if len(a.rooms.asked) > 0 {
		t.Errorf("asked %v", a.rooms.asked)
	}
}

func TestReadingWithoutAScopeIsForbiddenWithThePath(t *testing.T) {
	a := serve(t, open())
	query := `{ mine: patients(where: {name: "Mo"}) { edges { cursor } } viewer { kind } }`
	if answer := a.Post(t, query, nil); answer.Code() != "UNAUTHENTICATED" || answer.Text("viewer", "kind") != "ANONYMOUS" {
		t.Errorf("nobody: %s", answer.Raw)
	}
	answer := a.as(t, access.PatientRole).Post(t, query, nil)
	if answer.Code() != "FORBIDDEN" || gqltest.At(answer.Body, "errors", 0, "path", 0) != "mine" || answer.Text("viewer", "kind") != "PATIENT" {
		t.Errorf("a patient: %s", answer.Raw)
	}
	inside := a.as(t, access.PatientRole).Post(t, `{ providers { edges { node { name weeklyHours(locationId: "`+a.locationID()+`") { to } } } } }`, nil)
	if inside.Code() != "FORBIDDEN" || inside.Text("providers", "edges", 0, "node", "name") == "" {
		t.Errorf("a field inside: %s", inside.Raw)
	}
	visits := a.Post(t, `{ providers { edges { node { name appointments(first: 1) { totalCount } } } } }`, nil)
	if visits.Code() != "UNAUTHENTICATED" || visits.Text("providers", "edges", 0, "node", "name") == "" || len(a.rooms.asked) != 2 {
		t.Errorf("visits, nobody: %s, asked %v", visits.Raw, a.rooms.asked)
	}
}

func TestATokenThatIsNotAcceptedIsRefused(t *testing.T) {
	a := serve(t, open())
	who := access.Actor{ID: id(9), Role: access.PatientRole, Organization: a.rooms.organization.ID}
	expired, _ := token.Sign(a.key, issuer, who, time.Now().Add(-time.Second))
	foreign, _ := token.Sign(a.key, "mediconnect-dev", who, time.Now().Add(time.Hour))
	for name, header := range map[string]string{
		"expired": "Bearer " + expired, "of another issuer": "Bearer " + foreign, "garbage": "Bearer x", "empty": "Bearer", "another scheme": "Basic eDp5",
	} {
		r := a.Request([]byte(`{"query": "{ viewer { kind } }"}`))
		r.Header.Set("Authorization", header)
		answer := a.Send(t, r)
		if answer.Status != 401 || answer.Code() != "UNAUTHENTICATED" || answer.Header.Get("WWW-Authenticate") == "" || answer.Body["data"] != nil {
			t.Errorf("%s: status %d, %s", name, answer.Status, answer.Raw)
		}
	}
}

func TestTheViewerIsTheCaller(t *testing.T) {
	a := serve(t, open())
	zone := "Europe/Berlin"
	a.rooms.patient.TimeZone = &zone
	me := a.with(t, access.Actor{
		ID: id(9), Role: access.PatientRole, Organization: a.rooms.organization.ID, PatientID: a.rooms.patient.ID,
		Scopes: []string{access.AppointmentsRead, access.DirectoryWrite},
	})
	r := me.Request([]byte(`{"query": "{ viewer { id kind roles { role organization { name } } scopes asPatient { name } asProvider { name } timeZone locale } }"}`))
	r.Header.Set("Accept-Language", "es-MX,es;q=0.9,en;q=0.8")
	answer := me.Send(t, r).OK(t)
	for path, want := range map[string]string{"kind": "PATIENT", "timeZone": "Europe/Berlin", "locale": "es-MX"} {
		if got := answer.Text("viewer", path); got != want {
			t.Errorf("%s is %q", path, got)
		}
	}
	scopes, _ := answer.Data("viewer", "scopes").([]any)
	if len(scopes) != 1 || scopes[0] != access.AppointmentsRead {
		t.Errorf("scopes %v: a role doesn't lend what it hasn't", scopes)
	}
	if answer.Text("viewer", "asPatient", "name") != "Ada Moreau" || answer.Text("viewer", "roles", 0, "organization", "name") != "Riverside" {
		t.Errorf("%s", answer.Raw)
	}
	for header, want := range map[string]string{"*": "en", "*;q=0.5": "en", "de-CH, *;q=0.5": "de-CH"} {
		r := me.Request([]byte(`{"query": "{ viewer { locale } }"}`))
		r.Header.Set("Accept-Language", header)
		if got := me.Send(t, r).OK(t).Text("viewer", "locale"); got != want {
			t.Errorf("Accept-Language %q gives %q", header, got)
		}
	}
	again := me.Post(t, `query($id: ID!) { node(id: $id) { ... on Viewer { kind } } }`, vars{"id": answer.Text("viewer", "id")}).OK(t)
	if again.Text("node", "kind") != "PATIENT" {
		t.Errorf("%s", again.Raw)
	}
	if other := a.as(t, access.FrontDesk).Post(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": a.exceptionID()}).OK(t); other.Data("node") == nil {
		t.Errorf("%s", other.Raw)
	}
	if foreign := a.Post(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": answer.Text("viewer", "id")}).OK(t); foreign.Data("node") != nil {
		t.Errorf("somebody else's viewer: %s", foreign.Raw)
	}
	nobody := a.Post(t, `{ viewer { kind timeZone locale roles { role } scopes asPatient { id } } }`, nil).OK(t)
	if nobody.Text("viewer", "timeZone") != "UTC" || nobody.Text("viewer", "locale") != "en" || nobody.Data("viewer", "asPatient") != nil {
		t.Errorf("%s", nobody.Raw)
	}
}
