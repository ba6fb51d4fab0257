package app

import (
	"crypto/ed25519"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
)

func TestTheSchemaIsShownUnlessItIsHidden(t *testing.T) {
	for _, hidden := range []bool{false, true} {
		handler := wire(Frame{
			Clock: clock.System{}, Issuer: "test", Key: make(ed25519.PublicKey, ed25519.PublicKeySize), LinkKey: make([]byte, 32),
			PublicURL: &url.URL{Scheme: "https", Host: "api.example.org"}, Log: slog.New(slog.DiscardHandler), HideSchema: hidden,
		}, unreachable(t)).Handler()
		client := gqltest.Client{Handler: handler}
		client.Post(t, `{ __typename viewer { __typename kind } }`, nil).OK(t)
		for _, query := range []string{
			`{ __schema { queryType { name } } }`,
			`{ __type(name: "Query") { name } }`,
			`{ a: __type(name: "Query") { name } }`,
			`{ ... on Query { ... @include(if: true) { __schema { queryType { name } } } } }`,
			`{ ...Root } fragment Root on Query { __type(name: "Query") { name } }`,
		} {
			answer := client.Post(t, query, nil)
			if got := answer.Code() == "GRAPHQL_VALIDATION_FAILED" && answer.Body["data"] == nil; got != hidden {
				t.Errorf("hidden %v, %s: %s", hidden, query, answer.Raw)
			}
			if !hidden {
				answer.OK(t)
			}
		}
		page := httptest.NewRecorder()
		handler.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/graphiql", nil))
		if (page.Code == http.StatusNotFound) != hidden {
			t.Errorf("hidden %v: the page answers %d", hidden, page.Code)
		}
	}
}

// unreachable is a database that nobody is at.
func unreachable(t *testing.T) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Defaults("postgres://nobody@127.0.0.1:1/none"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}
