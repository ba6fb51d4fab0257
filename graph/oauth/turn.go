package oauth

import (
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/mediconnect/mediconnect/internal/errs"
)

// turn words why a request isn't served as OAuth does (RFC 6749, section 5.2): a client of it reads no other form. The headers that say how long to
// wait are there already.
func turn(w http.ResponseWriter, r *http.Request, status int, why string) {
	fault := &oidc.Error{ErrorType: oidc.InvalidRequest, Description: why}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		fault = later(why)
	}
	unkept(w.Header())
	refuse(w, r, fault, status)
}

// unkept has an answer kept by nobody (RFC 6749, section 5.1).
func unkept(head http.Header) {
	head.Set("Cache-Control", "no-store")
	head.Set("Pragma", "no-cache")
}

// calm answers also where the server fails in the middle of a request.
func (e Endpoints) calm(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if cause := recover(); cause != nil {
				e.Log.ErrorContext(r.Context(), "token request failed", "requestId", requestOf(r.Context()), "error", errs.Panicked(cause))
				fault, status := failed()
				unkept(w.Header())
				refuse(w, r, fault, status)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
