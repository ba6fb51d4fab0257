package resolvers_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

const (
	jsonType   = "application/json"
	newType    = "application/graphql-response+json"
	streamType = "text/event-stream"
)

// What clients send, and are to be answered to a query.
var clients = []struct{ name, accept, want string }{
	{"fetch without a choice", "*/*", jsonType},
	{"genqlient", "", jsonType},
	{"Apollo Client 4", "application/graphql-response+json,application/json;q=0.9", newType},
	{"Apollo Client 3", "*/*", jsonType},
	{"Apollo Client, a subscription by multipart", `multipart/mixed;boundary="graphql";subscriptionSpec="1.0",application/graphql-response+json,application/json;q=0.9`, newType},
	{"urql 6", "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed", newType},
	{"Relay's example", "application/json", jsonType},
	{"Relay with the new type", "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", newType},
	{"Apollo Kotlin", "multipart/mixed;deferSpec=20220824, application/graphql-response+json, application/json", newType},
	{"Apollo iOS", "multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json", newType},
	{"an older Apollo iOS", "multipart/mixed;deferSpec=20220824,application/json", jsonType},
	{"graphql-request", "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", newType},
	{"graphql-sse", streamType, streamType},
	{"EventSource", streamType, streamType},
	{"urql, a subscription by fetch", "text/event-stream, multipart/mixed", streamType},
	{"a browser's address bar", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", jsonType},
	{"weights", "application/json;q=0.4, application/graphql-response+json;q=0.5", newType},
	{"a type that is not wanted", "application/graphql-response+json;q=0, application/json", jsonType},
	{"a stream that is not wanted", "text/event-stream;q=0", jsonType},
	{"a stream that is wanted more", "text/event-stream, application/json;q=0.1", jsonType},
	{"nothing that we have", "image/png", jsonType},
	{"no header at all", "a;b;c;;,,", jsonType},
	{"a header without an end", strings.Repeat("text/html, ", 1000) + newType, jsonType},
}

func TestEachClientIsAnsweredInTheTypeThatItReads(t *testing.T) {
	a := serve(t, open())
	for _, c := range clients {
		r := a.Request([]byte(`{"query": "{ viewer { kind } }"}`))
		r.Header.Set("Accept", c.accept)
		answer := a.Send(t, r)
		if got := answer.Header.Get("Content-Type"); answer.Status != http.StatusOK || got != c.want+"; charset=utf-8" {
			t.Errorf("%s: status %d, %q", c.name, answer.Status, got)
		}
		if got := strings.Count(string(answer.Raw), `{"data":{"viewer":{"kind":"ANONYMOUS"}}`); got != 1 {
			t.Errorf("%s: answered %s", c.name, answer.Raw)
		}
	}
	r := a.Request([]byte(`{"query": "{ viewer { kind } }"}`))
	r.Header["Accept"] = []string{"text/event-stream", newType} // as two headers
	if got := a.Send(t, r).OK(t).Header.Get("Content-Type"); got != newType+"; charset=utf-8" {
		t.Errorf("two headers: %q", got)
	}
}

func TestASubscriptionIsRefusedToWhoReadsNoStream(t *testing.T) {
	a := serve(t, open())
	const subscription = `subscription { availabilityChanged(scope: {providerIds: []}) { __typename } }`
	for _, c := range clients {
		if strings.Contains(c.accept, streamType) && !strings.Contains(c.accept, streamType+";q=0") {
			continue
		}
		for _, r := range []*http.Request{
			a.Request([]byte(`{"query": "` + subscription + `"}`)),
			httptest.NewRequest(http.MethodGet, "/graphql?query="+url.QueryEscape(subscription), nil),
		} {
			r.Header.Set("Accept", c.accept)
			answer := a.Send(t, r)
			if _, has := answer.Body["data"]; answer.Status != http.StatusNotAcceptable || answer.Code() != "NOT_ACCEPTABLE" || has {
				t.Errorf("%s by %s: status %d, %s", c.name, r.Method, answer.Status, answer.Raw)
			}
		}
	}
	if len(a.rooms.asked) > 0 {
		t.Errorf("asked %v", a.rooms.asked)
	}
}

func TestALongAnswerIsCompressedForWhoReadsIt(t *testing.T) {
	a := serve(t, open())
	long := `{"query": "{ __schema { types { name } } }"}`
	ask := func(body, accept string) *httptest.ResponseRecorder {
		r := a.Request([]byte(body))
		r.Header.Set("Accept-Encoding", accept)
		w := httptest.NewRecorder()
		a.Handler.ServeHTTP(w, r)
		if w.Header().Get("Vary") != "Accept, Accept-Encoding" {
			t.Errorf("Vary %q", w.Header().Get("Vary"))
		}
		return w
	}
	plain := ask(long, "").Body.String()
	for accept, want := range map[string]string{
		"gzip": "gzip", "gzip, deflate, br, zstd": "gzip", "GZIP;q=0.5": "gzip", "*": "gzip", "x-gzip": "gzip",
		"": "", "br": "", "identity": "", "gzip;q=0": "", "gzip; q=0, *": "", "*;q=0": "", strings.Repeat("gzip,", 1000): "",
	} {
		w := ask(long, accept)
		if got := w.Header().Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %.40q gives %q", accept, got)
		}
		text := w.Body.Bytes()
		if want == "gzip" {
			if len(text) >= len(plain) {
				t.Errorf("%d bytes became %d", len(plain), len(text))
			}
			z, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			if text, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		if string(text) != plain {
			t.Errorf("Accept-Encoding %.40q gives %.100s", accept, text)
		}
	}
	if got := ask(`{"query": "{ viewer { kind } }"}`, "gzip").Header().Get("Content-Encoding"); got != "" {
		t.Errorf("a short answer is encoded as %q", got)
	}
}
