package resolvers_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph"
	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/resolvers"
)

const whoAmI = `{ viewer { id kind roles { role } scopes } }`

// A token in a URL is refused on every transport, valid or not, and its URL isn't logged.
func TestATokenInTheURLIsRefusedAndNotLogged(t *testing.T) {
	a := serve(t, open())
	token := a.as(t, access.FrontDesk).Token
	for _, name := range []string{"access_token", "token", "authorization", "Access_Token", "api_key"} {
		query := url.Values{"query": {whoAmI}, name: {token}}.Encode()
		stream, socket := httptest.NewRequest(http.MethodGet, "/graphql?"+query, nil), httptest.NewRequest(http.MethodGet, "/graphql?"+query, nil)
		stream.Header.Set("Accept", "text/event-stream")
		socket.Header.Set("Connection", "Upgrade")
		socket.Header.Set("Upgrade", "websocket")
		post := httptest.NewRequest(http.MethodPost, "/graphql?"+url.Values{name: {token}}.Encode(), strings.NewReader(`{"query": "{ viewer { kind } }"}`))
		post.Header.Set("Content-Type", jsonType)
		post.Header.Set("Authorization", "Bearer "+token)
		for transport, r := range map[string]*http.Request{
			"GET": httptest.NewRequest(http.MethodGet, "/graphql?"+query, nil), "POST": post, "a stream": stream, "a socket": socket,
		} {
			answer := a.Client.Send(t, r)
			if answer.Status != http.StatusBadRequest || answer.Code() != "BAD_REQUEST" || answer.Header.Get("WWW-Authenticate") != `Bearer error="invalid_request"` || answer.Data() != nil {
				t.Errorf("%s by %s: status %d, %s", name, transport, answer.Status, answer.Raw)
			}
			if strings.Contains(string(answer.Raw), token) {
				t.Errorf("%s by %s is answered with the token", name, transport)
			}
		}
	}
	if line := a.log.String(); strings.Contains(line, token) || strings.Contains(line, "viewer+") || !strings.Contains(line, `"status":400`) {
		t.Errorf("the log has the URL, or no request: %.500s", line)
	}
}

func TestATicketIsNotUsedUpByWhatItIsNotFor(t *testing.T) {
	s, k := ticketed(t, time.Now().Add(time.Hour), usual)
	accept := http.Header{"Accept": {"text/event-stream"}}
	for name, params := range map[string]vars{
		"a query":                 {"query": "{ viewer { kind } }"},
		"a mutation":              {"query": `mutation { issueStreamTicket(input: {}) { ticket } }`},
		"no document":             {},
		"a document that is none": {"query": "subscription {"},
		"what isn't valid":        {"query": "subscription { nothing }"},
		"a hash that is unknown":  {"extensions": persisted(hashOf("x"))},
		"one of two operations":   {"query": watchVisits[:12] + " Watch" + watchVisits[12:] + ` query Ask { viewer { kind } }`, "operationName": "Ask"},
	} {
		params["ticket"] = "one-two"
		query := url.Values{}
		for key, value := range params {
			text, plain := value.(string)
			if !plain {
				text = string(inJSON(t, value))
			}
			query.Set(key, text)
		}
		r := httptest.NewRequest(http.MethodGet, "/graphql?"+query.Encode(), nil)
		r.Header = accept.Clone()
		w := httptest.NewRecorder()
		s.Handler.ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), `"errors":[`) || strings.Contains(w.Body.String(), `"data":`) || !k.good["one-two"] {
			t.Errorf("%s: status %d, the ticket is good still: %v, %s", name, w.Code, k.good["one-two"], w.Body)
		}
	}
	o := s.get(t, vars{"query": watchVisits, "ticket": "one-two"}, nil).begun()
	s.begins(t)
	close(s.events)
	o.wants(complete, "end")
}

func TestARequestThatCanBeReadInTwoWaysIsRefused(t *testing.T) {
	a := serve(t, open())
	const other = `{ service { build } }`
	for name, body := range map[string]string{
		"a key in other letters":           `{"Query": "{ viewer { kind } }"}`,
		"beside the right one":             `{"query": "{ viewer { kind } }", "QUERY": "` + other + `"}`,
		"twice":                            `{"query": "{ viewer { kind } }", "query": "` + other + `"}`,
		"variables in other letters":       `{"query": "{ viewer { kind } }", "VARIABLES": {}}`,
		"a variable twice":                 `{"query": "query($a: ID!) { node(id: $a) { id } }", "variables": {"a": "x", "a": "y"}}`,
		"an input's field twice":           `{"query": "{ viewer { kind } }", "variables": {"input": {"id": "x", "id": "y"}}}`,
		"in other letters, and nothing so": `{"query": "{ viewer { kind } }", "operationname": "x"}`,
	} {
		answer := a.Send(t, a.Request([]byte(body)))
		if answer.Status != http.StatusBadRequest || answer.Code() != "BAD_REQUEST" {
			t.Errorf("%s: status %d, %s", name, answer.Status, answer.Raw)
		}
	}
	ask := url.QueryEscape("{ viewer { kind } }")
	for name, query := range map[string]string{
		"a parameter twice":    "query=" + ask + "&query=" + url.QueryEscape(other),
		"variables twice":      "query=" + ask + "&variables={}&variables={}",
		"a key twice":          "query=" + ask + "&variables=" + url.QueryEscape(`{"a": 1, "a": 2}`),
		"an extension's twice": "query=" + ask + "&extensions=" + url.QueryEscape(`{"a": {"b": 1, "b": 2}}`),
	} {
		answer := a.Send(t, httptest.NewRequest(http.MethodGet, "/graphql?"+query, nil))
		if answer.Status != http.StatusBadRequest || answer.Code() != "BAD_REQUEST" {
			t.Errorf("%s: status %d, %s", name, answer.Status, answer.Raw)
		}
	}
	if answer := a.Send(t, a.Request([]byte(`{"query": "{ viewer { kind } }", "comment": "none of GraphQL's", "Comment": 1}`))); answer.OK(t).Text("viewer", "kind") != "ANONYMOUS" {
		t.Errorf("%s", answer.Raw)
	}
	if answer := a.Send(t, httptest.NewRequest(http.MethodGet, "/graphql?Query="+ask, nil)); answer.Code() != "BAD_REQUEST" {
		t.Errorf("a parameter in other letters is read: %s", answer.Raw)
	}
}

func TestADocumentThatCostsTooMuchIsNotKept(t *testing.T) {
	a := serveWith(t, open(), func(d *graph.Deps) { d.Limits.Cost = 20 })
	const document = `query Places($n: Int) { locations(first: $n) { edges { node { id } } } }`
	byHash := vars{"extensions": persisted(hashOf(document)), "variables": vars{"n": 10}}
	sent := func(n int) gqltest.Answer {
		return ask(t, a.Client, http.MethodPost, vars{"query": document, "extensions": persisted(hashOf(document)), "variables": vars{"n": n}})
	}
	if answer := sent(100); answer.Code() != "COST_LIMIT_EXCEEDED" {
		t.Fatalf("%s", answer.Raw)
	}
	if answer := ask(t, a.Client, http.MethodPost, byHash); answer.Code() != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("it is kept: %s", answer.Raw)
	}
	sent(10).OK(t)
	ask(t, a.Client, http.MethodPost, byHash).OK(t)
}

// Who somebody is follows from the token alone.
func TestNobodyBecomesSomebodyElseByAHeader(t *testing.T) {
	a := serve(t, open())
	claims := http.Header{}
	for _, name := range []string{"X-Role", "X-Roles", "X-Scopes", "X-User", "X-User-Id", "X-Account-Id", "X-Organization-Id", "X-Tenant", "X-Tenant-Id", "X-Patient-Id", "X-Actor",
		"X-Forwarded-User", "X-Remote-User", "Remote-User", "X-Auth-Request-User", "X-Hasura-Role", "X-Hasura-Admin-Secret", "X-Original-Url", "X-Http-Method-Override", "Cookie"} {
		claims.Set(name, "ADMIN")
	}
	claims.Set("X-Scopes", access.PlatformAdminAll)
	claims.Set("X-Patient-Id", a.patientID())
	claims.Set("X-Organization-Id", a.globalID(globalid.Organization, a.rooms.organization.ID))
	for name, c := range map[string]gqltest.Client{"nobody": a.Client, "a patient": a.as(t, access.PatientRole)} {
		plain := c.Post(t, whoAmI, nil).OK(t)
		r := c.Request(inJSON(t, vars{"query": whoAmI}))
		for header, values := range claims {
			r.Header[header] = values
		}
		if claimed := c.Send(t, r).OK(t); fmt.Sprint(claimed.Data()) != fmt.Sprint(plain.Data()) {
			t.Errorf("%s became %s, and was %s", name, claimed.Raw, plain.Raw)
		}
	}
}

// Nothing that an input doesn't have is taken from it, on any change.
func TestAnInputHasNoFieldsBesidesTheContracts(t *testing.T) {
	a := serve(t, open())
	schema := resolvers.Schema(&resolvers.Resolver{}).Schema()
	for mutation, whole := range a.mutations() {
		of := schema.Mutation.Fields.ForName(mutation).Arguments.ForName("input").Type.Name()
		for _, field := range []string{"role", "roles", "scopes", "actorId", "createdBy", "tenantId", "isAdmin", "status", "version"} {
			if schema.Types[of].Fields.ForName(field) != nil {
				continue
			}
			input := maps.Clone(whole)
			input[field] = "ADMIN"
			answer := a.may(t, mutation).Post(t, fmt.Sprintf("mutation($input: %s!) { %s(input: $input) { __typename } }", of, mutation), vars{"input": input})
			if answer.Code() != "INVALID_INPUT" || answer.Data(mutation) != nil {
				t.Errorf("%s with %s: %s", mutation, field, answer.Raw)
			}
		}
	}
}

func TestARequestIdOfAnyOtherFormIsNeitherAnsweredNorLogged(t *testing.T) {
	a := serve(t, open())
	for _, id := range []string{
		"x\r\nX-Evil: 1", "x\nX-Evil: 1", ownID + "\r\n", ownID + "\n", "%0d%0aX-Evil:%201", ownID + "%0d%0aX-Evil", "\u010d\u010aX-Evil", "x\x00y", "x\x1b[31my", "caf\xe9", "Müller", strings.Repeat("a", 60_000), strings.Repeat(ownID, 2), " " + ownID, ownID + " ",
	} {
		for transport, header := range map[string]string{"a request": "", "a socket": "websocket"} {
			a.log.Reset()
			r := httptest.NewRequest(http.MethodGet, "/graphql?query="+url.QueryEscape("{ viewer { kind } }"), nil)
			r.Header["X-Request-Id"] = []string{id}
			if header != "" {
				r.Header.Set("Upgrade", header)
			}
			w := httptest.NewRecorder()
			a.Handler.ServeHTTP(w, r)
			got := w.Header()["X-Request-Id"]
			if _, err := uuid.Parse(strings.Join(got, " ")); err != nil || strings.Contains(got[0], ownID) {
				t.Errorf("%.60q of %s is answered with %q", id, transport, got)
			}
			if line := a.log.String(); strings.Contains(line, "Evil") || strings.Contains(line, ownID) || len(line) > 2000 {
				t.Errorf("%.60q of %s is logged: %.500s", id, transport, line)
			}
		}
	}
}
