// Package gqltest belongs to the test kit: a small client for tests that post GraphQL to the real handler.
package gqltest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Client sends requests to a handler, with a token when it has one.
type Client struct {
	Handler http.Handler
	Token   string
}

// As is the same client with a token.
func (c Client) As(token string) Client {
	c.Token = token
	return c
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Raw    []byte
	Body   map[string]any // nil when it is no object in JSON
}

// Post sends a document with variables as GraphQL over HTTP asks for it.
func (c Client) Post(t testing.TB, document string, variables map[string]any) Answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	return c.Send(t, c.Request(body))
}

// Request is a POST of a body to /graphql.
func (c Client) Request(body []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// Send sends any request.
func (c Client) Send(t testing.TB, r *http.Request) Answer {
	t.Helper()
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	w := httptest.NewRecorder()
	c.Handler.ServeHTTP(w, r)
	a := Answer{Status: w.Code, Header: w.Header(), Raw: w.Body.Bytes()}
	_ = json.Unmarshal(a.Raw, &a.Body) // a test that needs a body sees that there is none
	return a
}

// Data is the value at a path of names and indexes below data, or nil.
func (a Answer) Data(path ...any) any { return At(a.Body["data"], path...) }

// Text is the string at a path below data, or "".
func (a Answer) Text(path ...any) string {
	s, _ := a.Data(path...).(string)
	return s
}

// Errors are the top-level errors.
func (a Answer) Errors() []any {
	list, _ := a.Body["errors"].([]any)
	return list
}

// Code is the extensions.code of the first top-level error, or "".
func (a Answer) Code() string {
	s, _ := At(a.Body, "errors", 0, "extensions", "code").(string)
	return s
}

// OK fails the test when there are top-level errors.
func (a Answer) OK(t testing.TB) Answer {
	t.Helper()
	if a.Status != http.StatusOK || len(a.Errors()) > 0 || a.Body == nil {
		t.Fatalf("status %d: %s", a.Status, a.Raw)
	}
	return a
}

// At is the value at a path of names and indexes, or nil.
func At(value any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			fields, _ := value.(map[string]any)
			value = fields[step]
		case int:
			items, _ := value.([]any)
			if step >= len(items) {
				return nil
			}
			value = items[step]
		}
	}
	return value
}
