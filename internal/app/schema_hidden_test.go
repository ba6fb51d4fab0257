package app

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/access/token"
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

// Over a socket each operation is looked at as over HTTP, with the token that the socket was opened with.
func TestAHiddenSchemaIsShownOverASocketToTheScopeForIt(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := wire(Frame{
		Clock: clock.System{}, Issuer: "test", Key: public, LinkKey: make([]byte, 32),
		PublicURL: &url.URL{Scheme: "https", Host: "api.example.org"}, Log: slog.New(slog.DiscardHandler), HideSchema: true,
	}, unreachable(t))
	t.Cleanup(a.Close)
	server := httptest.NewServer(a.Handler())
	defer server.Close()
	for role, shown := range map[access.Role]bool{access.Admin: true, access.FrontDesk: false} {
		who := access.Actor{ID: uuid.UUID{1}, Organization: uuid.UUID{2}, Role: role, Scopes: []string{access.SchemaRead}}
		bearer, err := token.Sign(private, "test", who, time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		answer := overASocket(t, server.URL, bearer, `{ __schema { queryType { name } } }`)
		if strings.Contains(answer, `"name":"Query"`) != shown || strings.Contains(answer, "GRAPHQL_VALIDATION_FAILED") == shown {
			t.Errorf("%s: %s", role, answer)
		}
	}
}

// overASocket is the first message about an operation.
func overASocket(t *testing.T, server, bearer, document string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(server, "http", "ws", 1)+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	var answer []byte
	for _, message := range []any{
		map[string]any{"type": "connection_init", "payload": map[string]any{"token": bearer}},
		map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{"query": document}},
	} {
		text, err := json.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Write(ctx, websocket.MessageText, text); err != nil {
			t.Fatal(err)
		}
		if _, answer, err = conn.Read(ctx); err != nil {
			t.Fatal(err)
		}
	}
	return string(answer)
}
