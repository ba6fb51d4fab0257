package graph

import (
	"context"
	"net/http"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/caller"
	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/graph/throttle"
	"github.com/mediconnect/mediconnect/graph/transport"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// ticketParameter of a URL. It is good for nothing once the stream has begun.
const ticketParameter = "ticket"

func (d Deps) desk() caller.Desk {
	return caller.Desk{Verifier: d.Verifier, Standing: d.Standing, Bonds: d.Bonds, Wishes: d.Wishes, Address: d.Address}
}

// authenticated hands a request on with its caller.
func (d Deps) authenticated(next transport.Handler) http.Handler {
	desk := d.desk()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entry := accesslog.From(r.Context())
		if r.Method == http.MethodGet && transport.TakesStream(r) && !d.Origins.Allow(r) {
			refused := presenter.Refuse(presenter.Forbidden, "Pages of this origin may not open streams here.")
			nobody, _ := desk.Of(r, "", false) // only a token is refused
			next.Turn(w, r.WithContext(viewer.With(r.Context(), nobody.Viewer(entry.RequestID))), http.StatusForbidden, refused)
			return
		}
		who, meter, err := d.counted(desk, next, w.Header(), r)
		if err == nil {
			who, err = who.Wishing(r.Header.Values(caller.Override)...)
		}
		v := who.Viewer(entry.RequestID)
		r = r.WithContext(throttle.With(viewer.With(r.Context(), v), meter))
		switch {
		case throttle.Refused(err):
			next.Turn(w, r, http.StatusTooManyRequests, err)
		case errs.Of(err) == errs.Busy:
			next.Turn(w, r, http.StatusServiceUnavailable, err)
		case errs.Of(err) == errs.Forbidden:
			next.Turn(w, r, http.StatusForbidden, err)
		case err != nil:
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			next.Turn(w, r, http.StatusUnauthorized, err)
		default:
			entry.Actor, entry.Client = v.ID, v.Client
			next.ServeHTTP(w, r)
		}
	})
}

// recognised finds out the caller of a request by its token, or by the ticket in its URL. A ticket isn't used up by a request that it is
// not for.
func (d Deps) recognised(desk caller.Desk, next transport.Handler, r *http.Request) (caller.Caller, error) {
	token, given := caller.Bearer(r)
	query := r.URL.Query()
	if !query.Has(ticketParameter) {
		return desk.Of(r, token, given)
	}
	nobody, _ := desk.Of(r, "", false) // only a token is refused
	switch {
	case given:
		return nobody, errs.SignIn("Send a token or a ticket, not both.")
	case d.Tickets == nil || r.Method != http.MethodGet || !transport.TakesStream(r):
		return nobody, errs.SignIn("A ticket opens an event stream by GET, and nothing else.")
	}
	ctx, cancel := context.WithTimeout(viewer.With(r.Context(), nobody.Viewer(accesslog.From(r.Context()).RequestID)), d.Limits.Deadline)
	defer cancel()
	switch kind, ok := next.Kind(ctx, r); {
	case !ok:
		return nobody, nil // what is wrong with it is told as to anybody
	case kind != ast.Subscription:
		return nobody, errs.SignIn("A ticket opens an event stream by GET, and nothing else.")
	}
	actor, expires, err := d.Tickets.Redeem(ctx, query.Get(ticketParameter))
	if err != nil {
		return nobody, err
	}
	return desk.As(r, actor, expires)
}
