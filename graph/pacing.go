package graph

import (
	"errors"
	"net/http"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/caller"
	"github.com/mediconnect/mediconnect/graph/oauth"
	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/graph/throttle"
	"github.com/mediconnect/mediconnect/graph/transport"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// gate counts requests beside /graphql, and those for sockets.
func (d Deps) gate(exec graphql.GraphExecutor) throttle.Gate {
	return throttle.Gate{Desk: d.desk(), Allow: d.Allow, Turn: func(w http.ResponseWriter, r *http.Request, status int, err error) {
		nobody, _ := d.desk().Of(r, "", false) // only a token is refused
		r = r.WithContext(viewer.With(r.Context(), nobody.Viewer(accesslog.From(r.Context()).RequestID)))
		transport.Handler{Exec: exec}.Turn(w, r, status, err)
	}}
}

// worded is a gate that turns requests away in the words of OAuth.
func worded(g throttle.Gate, turn oauth.Turn) throttle.Gate {
	g.Turn = func(w http.ResponseWriter, r *http.Request, status int, err error) {
		why := "Not now."
		if refusal, ok := errors.AsType[*presenter.Refusal](err); ok { // its own sentence, without what the library puts before it
			why = refusal.Message
		}
		turn(w, r, status, why)
	}
	return g
}

// counted is the caller of a request, for whom its first execution has been counted, before anything else is done that costs: without
// a token, for the address; so, too, when the token isn't accepted. While nothing is left for the address, no key is looked up in the
// database. The meter counts the rest.
func (d Deps) counted(desk caller.Desk, next transport.Handler, head http.Header, r *http.Request) (caller.Caller, *throttle.Meter, error) {
	ctx, id := r.Context(), accesslog.From(r.Context()).RequestID
	nobody, _ := desk.Of(r, "", false) // only a token is refused
	ofAddress := throttle.New(d.Allow, nobody.Viewer(id), head)
	_, given := caller.Bearer(r)
	if !given {
		if err := ofAddress.Take(ctx, 1); err != nil {
			return nobody, ofAddress, err
		}
	}
	spent := given && ofAddress.Spent(ctx)
	if spent {
		r = r.WithContext(caller.Spare(ctx))
	}
	who, err := d.recognised(desk, next, r)
	meter := throttle.New(d.Allow, who.Viewer(id), head)
	switch {
	case !given, errs.Of(err) == errs.Busy && !spent:
		return who, meter, err
	case err != nil:
		if refused := ofAddress.Take(ctx, 1); refused != nil {
			err = refused
		}
		return who, ofAddress, err
	}
	return who, meter, meter.Take(ctx, 1)
}
