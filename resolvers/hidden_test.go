package resolvers_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/graph"
	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/resolvers"
)

const shortIntrospection = `{ __schema { queryType { name fields { name } } } }`

func hiding(t *testing.T) *api {
	t.Helper()
	return serveWith(t, open(), func(d *graph.Deps) { d.HideSchema = true })
}

func TestAHiddenSchemaIsShownToTheScopeForIt(t *testing.T) {
	a := hiding(t)
	for _, role := range []access.Role{access.Admin, access.Integrator, access.PlatformAdmin} {
		client := a.as(t, role)
		if got := client.Post(t, shortIntrospection, nil).OK(t).Text("__schema", "queryType", "name"); got != "Query" {
			t.Errorf("%s is shown %q", role, got)
		}
		if got := client.Post(t, `mutation { releaseHold(input: {holdId: "x"}) { query { __type(name: "Query") { name } } } }`, nil).OK(t); got.Text("releaseHold", "query", "__type", "name") != "Query" {
			t.Errorf("%s is shown %s behind a change", role, got.Raw)
		}
		who := access.Actor{ID: id(9), Role: role, Organization: a.rooms.organization.ID, Scopes: slices.DeleteFunc(access.ScopesOf(role), func(s string) bool { return s == access.SchemaRead })}
		if got := a.with(t, who).Post(t, shortIntrospection, nil); got.Code() != "GRAPHQL_VALIDATION_FAILED" {
			t.Errorf("%s without the scope is shown %s", role, got.Raw)
		}
	}
	for _, role := range []access.Role{access.PatientRole, access.Caregiver, access.Provider, access.FrontDesk, access.Auditor} {
		who := access.Actor{ID: id(9), Role: role, Organization: a.rooms.organization.ID, Scopes: []string{access.SchemaRead}}
		if got := a.with(t, who).Post(t, shortIntrospection, nil); got.Code() != "GRAPHQL_VALIDATION_FAILED" || got.Body["data"] != nil {
			t.Errorf("%s, who may not have the scope, is shown %s", role, got.Raw)
		}
	}
}

// A document that is kept was perhaps asked for by somebody who may: whoever names it is looked at all the same.
func TestAKeptDocumentShowsTheSchemaToNobodyElse(t *testing.T) {
	a := hiding(t)
	named := vars{"extensions": persisted(hashOf(shortIntrospection))}
	ask(t, a.as(t, access.Admin), http.MethodPost, vars{"query": shortIntrospection, "extensions": persisted(hashOf(shortIntrospection))}).OK(t)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		ask(t, a.as(t, access.Admin), method, named).OK(t)
		for who, client := range map[string]func() any{
			"nobody":     func() any { return ask(t, a.Client, method, named).Code() },
			"front desk": func() any { return ask(t, a.as(t, access.FrontDesk), method, named).Code() },
		} {
			if code := client(); code != "GRAPHQL_VALIDATION_FAILED" {
				t.Errorf("%s by %s: %v", who, method, code)
			}
		}
	}
}

// Where only trusted documents are executed, the scope opens no others; those that ask for the schema need it.
func TestTheScopeDoesNotMakeADocumentTrusted(t *testing.T) {
	for _, hidden := range []bool{false, true} {
		a := serveWith(t, open(), func(d *graph.Deps) {
			trusted, err := graph.ReadTrusted(inJSON(t, vars{"kind": kindDocument, "schema": shortIntrospection}), d.Schema, d.Limits)
			if err != nil {
				t.Fatal(err)
			}
			d.Trusted, d.TrustedOnly, d.HideSchema = trusted, true, hidden
		})
		if got := a.as(t, access.Admin).Post(t, shortIntrospection, nil); got.Code() != "DOCUMENT_NOT_TRUSTED" {
			t.Errorf("hidden %v, an administrator's own introspection: %s", hidden, got.Raw)
		}
		ask(t, a.as(t, access.Admin), http.MethodPost, vars{"documentId": "schema"}).OK(t)
		if got := ask(t, a.Client, http.MethodPost, vars{"documentId": "schema"}); (got.Code() == "GRAPHQL_VALIDATION_FAILED") != hidden {
			t.Errorf("hidden %v, a trusted introspection of nobody: %s", hidden, got.Raw)
		}
		ask(t, a.Client, http.MethodPost, vars{"documentId": "kind"}).OK(t)
		page, err := http.NewRequest(http.MethodGet, "/graphiql", nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Send(t, page); got.Status != http.StatusNotFound {
			t.Errorf("hidden %v: a page that may ask for nothing answers %d", hidden, got.Status)
		}
	}
}

// What is misspelt is told by where it is in the document, and by no name that the document doesn't have.
func TestAMisspeltNameIsToldWithoutOthersOfTheSchema(t *testing.T) {
	a := hiding(t)
	schema := resolvers.Schema(&resolvers.Resolver{}).Schema()
	for what, document := range map[string]string{
		"a field of the root":         `{ provider { id } }`,
		"a field":                     `{ providers(first: 1) { edges { node { nam } } } }`,
		"a field behind a fragment":   `{ providers(first: 1) { edges { node { ...P } } } } fragment P on Provider { specialtie }`,
		"a mutation":                  `mutation { bookAppointmen(input: {}) { errors { __typename } } }`,
		"a subscription":              `subscription { appointmentChange { __typename } }`,
		"an argument":                 `{ providers(frist: 1) { edges { cursor } } }`,
		"an argument that is needed":  `{ node(it: "x") { id } }`,
		"an argument of a directive":  `{ viewer @include(iff: true) { id } }`,
		"a directive":                 `{ viewer @includ(if: true) { id } }`,
		"a type of a fragment":        `{ viewer { ... on Viewe { id } } }`,
		"a type of a variable":        `query($a: ProviderFilte) { providers(where: $a) { edges { cursor } } }`,
		"an enum value":               `{ appointments(orderBy: START_AS) { edges { cursor } } }`,
		"an enum value in an input":   `mutation { cancelAppointment(input: {appointmentId: "x", reason: SCHEDUL}) { errors { __typename } } }`,
		"a field of an input":         `{ providers(where: {specialt: "x"}) { edges { cursor } } }`,
		"a field of an input, needed": `mutation { releaseHold(input: {holdI: "x"}) { errors { __typename } } }`,
		"a scalar with fields":        `{ viewer { id { x } } }`,
		"an object without fields":    `{ viewer }`,
		"a field of introspection":    `{ __typ(name: "Query") { name } }`,
	} {
		answer := a.Post(t, document, nil)
		if len(answer.Errors()) == 0 {
			t.Errorf("%s is no error: %s", what, answer.Raw)
		}
		if names := told(schema, answer.Errors(), document); len(names) > 0 {
			t.Errorf("%s: %v told by %s", what, names, answer.Raw)
		}
	}
	for what, c := range map[string]struct {
		document string
		values   vars
	}{
		"an enum value":       {`query($o: AppointmentOrder) { appointments(orderBy: $o) { edges { cursor } } }`, vars{"o": "START_AS"}},
		"a field of an input": {`mutation($i: ReleaseHoldInput!) { releaseHold(input: $i) { errors { __typename } } }`, vars{"i": vars{"holdI": "x"}}},
	} {
		answer := a.Post(t, c.document, c.values)
		if names := told(schema, answer.Errors(), c.document); len(answer.Errors()) == 0 || len(names) > 0 {
			t.Errorf("%s of a variable: %v told by %s", what, names, answer.Raw)
		}
	}
}

var (
	name   = regexp.MustCompile(`[_A-Za-z][_A-Za-z0-9]*`)
	quoted = regexp.MustCompile(`"[^"]*"`)
)

// told are the names of the schema, quoted in sentences or in paths of errors, that a request didn't have.
func told(schema *ast.Schema, errors []any, request string) (found []string) {
	names, sent := presenter.NamesOf(schema), name.FindAllString(request, -1)
	for _, e := range errors {
		message, _ := gqltest.At(e, "message").(string)
		path, _ := gqltest.At(e, "extensions", "path").([]any)
		for _, word := range name.FindAllString(fmt.Sprint(quoted.FindAllString(message, -1), path), -1) {
			if _, known := names[word]; known && !slices.Contains(sent, word) {
				found = append(found, word)
			}
		}
	}
	return found
}
