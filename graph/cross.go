package graph

import (
	"net/http"
	"strings"
)

// What pages of other sites may send and read (Fetch, section 3.3). No cookie is among it: nobody's browser speaks for them unasked.
const (
	crossMethods = "GET, POST"
	crossHeaders = "Accept, Accept-Language, Authorization, Content-Type, Idempotency-Key, Last-Event-ID, MediConnect-Feature-Override, X-Request-Id"
	crossExposed = "RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id"
	crossMaxAge  = "7200" // seconds that a browser remembers it, as long as any does
)

// crossing lets pages of the origins that are named use the API. Those of any other are told nothing, and so kept from reading answers.
func (d Deps) crossing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if len(d.Origins) > 0 {
			w.Header().Add("Vary", "Origin")
		}
		if origin == "" || strings.EqualFold(origin, "null") || !d.Origins.Allow(r) {
			next.ServeHTTP(w, r)
			return
		}
		head := w.Header()
		head.Set("Access-Control-Allow-Origin", origin)
		head.Set("Access-Control-Expose-Headers", crossExposed)
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			head.Set("Access-Control-Allow-Methods", crossMethods)
			head.Set("Access-Control-Allow-Headers", crossHeaders)
			head.Set("Access-Control-Max-Age", crossMaxAge)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}
