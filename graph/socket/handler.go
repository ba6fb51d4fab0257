// Package socket belongs to the door: GraphQL over WebSocket, after the protocol graphql-transport-ws
// (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md). One policy holds for it and for HTTP.
package socket

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/caller"
	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/graph/throttle"
	"github.com/mediconnect/mediconnect/graph/transport"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/errs"
)

const subprotocol = "graphql-transport-ws"

// Limits bound what one socket may ask for and how long it is waited for.
type Limits struct {
	Message    int64         // bytes of one
	Operations int           // live at once
	Rate       int           // messages a second
	Burst      int           // messages that may come at once
	Init       time.Duration // until connection_init
	Ping       time.Duration // between signs of life
	Pong       time.Duration // until one is answered
	Write      time.Duration // until a message has been taken
	Idle       time.Duration // without an operation or a message
	Deadline   time.Duration // of a query or a mutation
}

// Default is what a server allows unless told otherwise.
func Default() Limits {
	return Limits{
		Message: 64 << 10, Operations: 10, Rate: 20, Burst: 100,
		Init: 5 * time.Second, Ping: 25 * time.Second, Pong: 10 * time.Second, Write: 10 * time.Second,
		Idle: 10 * time.Minute, Deadline: 10 * time.Second,
	}
}

// Handler serves sockets.
type Handler struct {
	Exec    graphql.GraphExecutor
	Desk    caller.Desk
	Crowd   *crowd.Crowd
	Origins caller.Origins
	Limits  Limits
	Allow   throttle.Allow // counts operations; nil: nobody asks too often
	Shown   presenter.Presenter
	Log     *slog.Logger
	NewID   func() uuid.UUID // of operations, which are logged and recorded like requests
}

// Asked says whether a request asks for a socket.
func Asked(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// ServeHTTP opens a socket, and leaves it to a goroutine of its own: the request's would keep the request, and its buffers, for as
// long as the socket lives.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.Origins.Allow(r) {
		h.turn(w, r, http.StatusForbidden, &presenter.Refusal{Code: presenter.Forbidden, Message: "Pages of this origin may not open sockets here."})
		return
	}
	place, err := h.Crowd.Arrive(h.Desk.AddressOf(r))
	switch {
	case errors.Is(err, crowd.ErrTooMany):
		h.turn(w, r, http.StatusTooManyRequests, &presenter.Refusal{Code: presenter.RateLimited, Message: "Too many sockets of this address.", Wait: 5})
		return
	case err != nil:
		h.turn(w, r, http.StatusServiceUnavailable, errs.TryAgain(err))
		return
	}
	conn, err := websocket.Accept(slim{w}, r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol}, InsecureSkipVerify: true, // the origin has been looked at
	})
	if err != nil {
		place.Leave()
		return // Accept has answered
	}
	go h.socket(r, conn, place).serve()
}

// slim hands a connection over with small buffers. Most sockets are idle, and most messages are short.
type slim struct{ http.ResponseWriter }

const bufferSize = 512

// Hijack implements http.Hijacker.
func (w slim) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, large, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	early := large.Reader.Buffered() // what the client has sent already
	small := bufio.NewReaderSize(io.MultiReader(io.LimitReader(large.Reader, int64(early)), conn), max(bufferSize, early))
	if _, err := small.Peek(early); err != nil {
		return nil, nil, err
	}
	return conn, bufio.NewReadWriter(small, bufio.NewWriterSize(conn, bufferSize)), nil
}

func (h *Handler) turn(w http.ResponseWriter, r *http.Request, status int, err error) {
	nobody, _ := h.Desk.Of(r, "", false) // only a token is refused
	r = r.WithContext(viewer.With(r.Context(), nobody.Viewer(accesslog.From(r.Context()).RequestID)))
	transport.Handler{Exec: h.Exec}.Turn(w, r, status, err)
}
