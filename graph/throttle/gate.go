package throttle

import (
	"net/http"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/caller"
)

// Gate counts requests that aren't read as GraphQL: one for the caller if their token is accepted, else for their address, as each
// made-up token would have a limit of its own. While nothing is left for the address, no key is looked up in the database.
type Gate struct {
	Desk  caller.Desk
	Allow Allow // nil: there are no limits
	Turn  func(w http.ResponseWriter, r *http.Request, status int, err error)
}

// Before hands requests on that are allowed.
func (g Gate) Before(next http.Handler) http.Handler {
	if g.Allow == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := accesslog.From(r.Context()).RequestID
		token, given := caller.Bearer(r)
		looked := r
		if given {
			nobody, _ := g.Desk.Of(r, "", false) // only a token is refused
			if New(g.Allow, nobody.Viewer(id), nil).Spent(r.Context()) {
				looked = r.WithContext(caller.Spare(r.Context()))
			}
		}
		who, _ := g.Desk.Of(looked, token, given) // nobody, if it isn't accepted
		meter := New(g.Allow, who.Viewer(id), w.Header())
		if err := meter.Take(r.Context(), 1); err != nil {
			g.Turn(w, r, http.StatusTooManyRequests, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}
