package app

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/mediconnect/mediconnect/graph/caller"
	"github.com/mediconnect/mediconnect/internal/access"
)

// monitorPath is where the platform's administrators see the queue.
const monitorPath = "/admin/queue"

// watchQueue makes the queue's page, if there is a queue. Whoever stops the process calls close.
func (a *App) watchQueue(settings RedisSettings, log *slog.Logger) (closing func(), err error) {
	q, err := settings.queue(log)
	if err != nil || q == nil {
		return func() {}, err
	}
	pages, err := q.Monitor(monitorPath, false)
	if err != nil {
		q.Close()
		return func() {}, err
	}
	a.monitor = pages
	return func() { _ = pages.Close(); q.Close() }, nil
}

// administrators lets the platform's administrators in: with a token of theirs, as a browser asks for a password: any name, and the token.
type administrators struct {
	pages    http.Handler
	verifier caller.Verifier
	standing caller.Standing
}

// ServeHTTP shows pages, and changes nothing.
func (d administrators) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "This page only shows.", http.StatusMethodNotAllowed)
		return
	}
	if !d.admits(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="the platform's administrators: a token as the password", charset="UTF-8"`)
		http.Error(w, "A token of an administrator of the platform is needed.", http.StatusUnauthorized)
		return
	}
	d.pages.ServeHTTP(w, r)
}

func (d administrators) admits(r *http.Request) bool {
	text, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		_, text, _ = r.BasicAuth()
	}
	if text == "" {
		return false
	}
	actor, _, err := d.verifier.Verify(r.Context(), text)
	if err != nil || actor.Role != access.PlatformAdmin {
		return false
	}
	return d.standing == nil || d.standing.Stands(r.Context(), actor) == nil
}
