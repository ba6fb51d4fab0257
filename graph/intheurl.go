package graph

import (
	"net/http"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/graph/transport"
	"github.com/mediconnect/mediconnect/graph/viewer"
)

// secrets are parameters of a URL that a client may be tempted to send its token in.
var secrets = []string{"access_token", "api_key", "apikey", "authorization", "bearer", "id_token", "refresh_token", "token"}

// namesToken says whether a request has a token in its URL. URLs are kept by browsers, proxies and logs, so that clients must not
// (RFC 9700, section 4.3.2), and a server that took it would teach them to (RFC 6750, section 2.3).
func namesToken(r *http.Request) bool {
	for name := range r.URL.Query() {
		if slices.Contains(secrets, strings.ToLower(name)) {
			return true
		}
	}
	return false
}

// withoutSecrets refuses a token in a URL, whether it is valid or not: what it is good for isn't looked at (RFC 6750, section 3.1:
// invalid_request). It stands before all transports.
func (d Deps) withoutSecrets(exec graphql.GraphExecutor, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !namesToken(r) {
			next.ServeHTTP(w, r)
			return
		}
		nobody, _ := d.desk().Of(r, "", false) // only a token is refused
		r = r.WithContext(viewer.With(r.Context(), nobody.Viewer(accesslog.From(r.Context()).RequestID)))
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_request"`)
		refused := presenter.Refuse(presenter.BadRequest, "Send the token in the header Authorization, never in a URL. Give this one up: it may have been logged.")
		transport.Handler{Exec: exec}.Turn(w, r, http.StatusBadRequest, refused)
	})
}
