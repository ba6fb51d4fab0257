package caller_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/mediconnect/mediconnect/graph/caller"
)

func TestPagesOfOtherSitesAreTurnedAwayUnlessTheyAreNamed(t *testing.T) {
	allowed := caller.Origins{"https://app.example.org"}
	for origin, want := range map[string]bool{
		"https://api.example.org":      true, // the server's own
		"https://app.example.org":      true,
		"HTTPS://APP.example.org":      true,
		"http://app.example.org":       false,
		"https://app.example.org:8443": false,
		"https://evil.example.org":     false,
		"https://app.example.org.evil": false,
		"null":                         false,
		"":                             false,
		"https://":                     false,
		"::":                           false,
	} {
		r := httptest.NewRequest(http.MethodGet, "https://api.example.org/graphql", nil)
		r.Header.Set("Origin", origin)
		if got := allowed.Allow(r); got != want {
			t.Errorf("%q is allowed: %v", origin, got)
		}
	}
	if native := httptest.NewRequest(http.MethodGet, "/graphql", nil); !allowed.Allow(native) {
		t.Error("an app that isn't a page was turned away")
	}
	two := httptest.NewRequest(http.MethodGet, "https://api.example.org/graphql", nil)
	two.Header["Origin"] = []string{"https://api.example.org", "https://evil.example.org"}
	if allowed.Allow(two) {
		t.Error("two origins are taken for the first")
	}
}
