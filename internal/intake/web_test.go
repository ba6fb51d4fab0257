package intake

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// publisher serves a publication under /api/ and remembers what it was asked for.
type publisher struct {
	*httptest.Server
	lock  sync.Mutex
	asked []string
}

func newPublisher(t *testing.T, answers map[string]http.HandlerFunc) *publisher {
	t.Helper()
	p := &publisher{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		p.lock.Lock()
		p.asked = append(p.asked, in.URL.Path+" "+in.Header.Get("Accept"))
		p.lock.Unlock()
		if answer := answers[in.URL.Path]; answer != nil {
			answer(out, in)
			return
		}
		http.NotFound(out, in)
	}))
	t.Cleanup(p.Close)
	return p
}

func text(s string) http.HandlerFunc {
	return func(out http.ResponseWriter, _ *http.Request) { fmt.Fprint(out, s) }
}

func goTo(where string) http.HandlerFunc {
	return func(out http.ResponseWriter, in *http.Request) { http.Redirect(out, in, where, http.StatusFound) }
}

// complete answers all of a small publication.
func complete() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"/api/$bulk-publish":    text(testManifest),
		"/api/locations.ndjson": text(testSite),
		"/api/schedules.ndjson": text(testDesk),
		"/api/slots.ndjson":     text(testSlot("s", "2023-03-25T09:00", "2023-03-25T10:00", 3)),
	}
}

func readWeb(t *testing.T, address string, limits WebLimits) (*publication, error) {
	t.Helper()
	source, err := NewWeb(address, limits)
	if err != nil {
		return nil, err
	}
	p := newPublication(func(clinic.GeoPoint) string { return "America/New_York" }, func(Progress) {})
	return p, p.read(t.Context(), source)
}

func TestAPublicationIsReadFromTheWeb(t *testing.T) {
	answers := complete()
	answers["/old/publication"] = goTo("/api/$bulk-publish")
	answers["/api/slots.ndjson"] = func(out http.ResponseWriter, in *http.Request) {
		if !strings.Contains(in.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("compression isn't offered")
		}
		out.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(out)
		fmt.Fprint(packed, testSlot("s", "2023-03-25T09:00", "2023-03-25T10:00", 3))
		packed.Close()
	}
	server := newPublisher(t, answers)
	p, err := readWeb(t, server.URL+"/old/publication", WebLimits{})
	if err != nil || len(p.desks["7"].windows) != 1 || p.report.RefusedTotal != 0 {
		t.Fatalf("%v, %v", err, p.report)
	}
	want := []string{
		"/old/publication application/json", "/api/$bulk-publish application/json", "/api/locations.ndjson application/fhir+ndjson",
		"/api/schedules.ndjson application/fhir+ndjson", "/api/slots.ndjson application/fhir+ndjson",
	}
	if !slices.Equal(server.asked, want) {
		t.Errorf("asked for %q", server.asked)
	}
	if p.base != "https://clinic.example/api/" { // what the publication calls itself, wherever it was found
		t.Errorf("base %q", p.base)
	}
}

func TestWholeAddressesOfOtherServersAreFollowed(t *testing.T) {
	other := newPublisher(t, map[string]http.HandlerFunc{"/slots.ndjson": text("")})
	answers := complete()
	answers["/api/$bulk-publish"] = text(strings.Replace(testManifest, `"slots.ndjson"`, `"`+other.URL+`/slots.ndjson"`, 1))
	server := newPublisher(t, answers)
	if _, err := readWeb(t, server.URL+"/api/$bulk-publish", WebLimits{}); err != nil || len(other.asked) != 1 {
		t.Errorf("%v, asked %v", err, other.asked)
	}
}

func TestAServerThatMisbehavesEndsTheImport(t *testing.T) {
	quiet := make(chan struct{})
	t.Cleanup(func() { close(quiet) })
	hang := func(out http.ResponseWriter, in *http.Request) {
		select {
		case <-quiet:
		case <-in.Context().Done():
		}
	}
	limits := WebLimits{Silence: 200 * time.Millisecond, Body: int64(len(testManifest)) + 50}
	for _, c := range []struct {
		name, path, reason string
		answer             http.HandlerFunc
	}{
		{"missing", "/api/$bulk-publish", "answered 404 Not Found", http.NotFound},
		{"broken", "/api/slots.ndjson", "answered 500 Internal Server Error", func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(500) }},
		{"turning in circles", "/api/$bulk-publish", "more than 5 redirects", goTo("/api/$bulk-publish")},
		{"pointing to a file", "/api/$bulk-publish", "can't be fetched", goTo("file:///etc/hostname")},
		{"too large", "/api/slots.ndjson", "larger than this program takes", text(strings.Repeat("\n", len(testManifest)+51))},
		{"as large as can be", "/api/slots.ndjson", "", text(strings.Repeat("\n", len(testManifest)+50))},
		{"never answering", "/api/slots.ndjson", "timeout awaiting response headers", hang},
		{"falling silent", "/api/slots.ndjson", "the server stopped sending", func(out http.ResponseWriter, in *http.Request) {
			fmt.Fprintln(out, "{}")
			out.(http.Flusher).Flush()
			hang(out, in)
		}},
		{"cut off", "/api/slots.ndjson", "unexpected EOF", func(out http.ResponseWriter, _ *http.Request) {
			out.Header().Set("Content-Length", "100")
			fmt.Fprintln(out, "{}")
		}},
	} {
		answers := complete()
		answers["/api/locations.ndjson"] = text("")
		answers["/api/schedules.ndjson"] = text("")
		answers["/api/slots.ndjson"] = text("")
		answers[c.path] = c.answer
		server := newPublisher(t, answers)
		_, err := readWeb(t, server.URL+"/api/$bulk-publish", limits)
		if c.reason == "" && err != nil || c.reason != "" && (err == nil || !strings.Contains(err.Error(), c.reason)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.reason)
		}
	}
}

func TestAllFilesTogetherAreBounded(t *testing.T) {
	total := int64(len(testManifest) + len(testSite) + len(testDesk) + len(testSlot("s", "2023-03-25T09:00", "2023-03-25T10:00", 3)))
	for _, c := range []struct {
		limit  int64
		reason string
	}{{total, ""}, {total - 1, `"slots.ndjson": the files together are larger than this program takes`}} {
		_, err := readWeb(t, newPublisher(t, complete()).URL+"/api/$bulk-publish", WebLimits{Total: c.limit})
		if c.reason == "" && err != nil || c.reason != "" && (err == nil || err.Error() != c.reason) {
			t.Errorf("%d of %d bytes: %v", c.limit, total, err)
		}
	}
}

func TestAnAddressMustBeOfTheWeb(t *testing.T) {
	for _, address := range []string{"ftp://a.example/x", "https://", "http:///x", "a.example", "https://a.example:x/"} {
		if _, err := NewWeb(address, WebLimits{}); err == nil {
			t.Errorf("%s was taken", address)
		}
	}
}

func TestARedirectDoesNotGiveUpEncryption(t *testing.T) {
	plain := newPublisher(t, complete())
	secure := httptest.NewTLSServer(goTo(plain.URL + "/api/$bulk-publish"))
	t.Cleanup(secure.Close)
	source, err := NewWeb(secure.URL, WebLimits{})
	if err != nil {
		t.Fatal(err)
	}
	source.client.Transport = secure.Client().Transport
	if _, err := source.Manifest(t.Context()); err == nil || !strings.Contains(err.Error(), "from https to http") {
		t.Errorf("%v", err)
	}
}

func TestAManifestDoesNotGiveUpEncryption(t *testing.T) {
	plain := newPublisher(t, complete())
	answers := complete()
	answers["/api/locations.ndjson"] = goTo(plain.URL + "/api/locations.ndjson")
	secure := httptest.NewTLSServer(newPublisher(t, answers).Config.Handler)
	t.Cleanup(secure.Close)
	source, err := NewWeb(secure.URL+"/api/$bulk-publish", WebLimits{})
	if err != nil {
		t.Fatal(err)
	}
	source.client.Transport = secure.Client().Transport
	body, err := source.Manifest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	body.Close()
	for _, c := range []struct{ address, reason string }{
		{"slots.ndjson", ""},
		{secure.URL + "/api/slots.ndjson", ""},
		{plain.URL + "/api/slots.ndjson", "was fetched by https and names a file by http"},
		{"locations.ndjson", "a redirect from https to http"},
	} {
		body, err := source.Open(t.Context(), c.address)
		if err == nil {
			body.Close()
		}
		if c.reason == "" && err != nil || c.reason != "" && (err == nil || !strings.Contains(err.Error(), c.reason)) {
			t.Errorf("%s: %v, want %q", c.address, err, c.reason)
		}
	}
	if len(plain.asked) > 0 {
		t.Errorf("asked for %q", plain.asked)
	}
}
