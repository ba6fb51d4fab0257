package graph

import (
	"net/http"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/caller"
	"github.com/mediconnect/mediconnect/graph/transport"
	"github.com/mediconnect/mediconnect/graph/viewer"
)

func (d Deps) desk() caller.Desk {
	return caller.Desk{Verifier: d.Verifier, Bonds: d.Bonds, Address: d.Address}
}

// authenticated hands a request on with its caller.
func (d Deps) authenticated(next transport.Handler) http.Handler {
	desk := d.desk()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entry := accesslog.From(r.Context())
		token, given := caller.Bearer(r)
		who, err := desk.Of(r, token, given)
		v := who.Viewer(entry.RequestID)
		r = r.WithContext(viewer.With(r.Context(), v))
		if err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			next.Turn(w, r, http.StatusUnauthorized, err)
			return
		}
		entry.Actor, entry.Client = v.ID, v.Client
		next.ServeHTTP(w, r)
	})
}
