package graphiql

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(path string, header ...string) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	mux.Handle("GET /graphiql", Handler())
	mux.Handle("GET /graphiql/{file}", Handler())
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

func TestThePageIsWholeAndItsOwn(t *testing.T) {
	page := get("/graphiql")
	if page.Code != 200 || page.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("status %d, %s", page.Code, page.Header().Get("Content-Type"))
	}
	if csp := page.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self';") || !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("policy %q", csp)
	}
	linked := regexp.MustCompile(`(?:src|href)="([^":]+)"`).FindAllStringSubmatch(page.Body.String(), -1)
	if len(linked) < 5 {
		t.Errorf("the page links %v", linked)
	}
	for _, link := range linked {
		file := get(link[1])
		if !strings.HasPrefix(link[1], "/graphiql/") || file.Code != 200 || file.Body.Len() == 0 {
			t.Errorf("%s: status %d", link[1], file.Code)
		}
		if again := get(link[1], "If-None-Match", file.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("%s is sent again: status %d", link[1], again.Code)
		}
	}
	if strings.Contains(page.Body.String(), "<style") || regexp.MustCompile(`<script[^>]*>[^<]`).MatchString(page.Body.String()) {
		t.Error("the page has scripts or styles that its policy forbids")
	}
}

func TestOtherFilesAreNotServed(t *testing.T) {
	for _, path := range []string{"/graphiql/README.md", "/graphiql/graphiql.go", "/graphiql/nothing.js"} {
		if got := get(path); got.Code != 404 {
			t.Errorf("%s: status %d", path, got.Code)
		}
	}
}
