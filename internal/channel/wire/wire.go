// Package wire is part of the cellar: how one request goes to a vendor over HTTP/1.1, and how it is known whether it left.
package wire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/resilience"
)

// Bounds of one request. A call's own context may end sooner.
const (
	longestAnswer = 256 << 10 // bytes of a body
	longestHead   = 32 << 10  // bytes of everything before it
	mostPreambles = 5         // informational answers before the answer (RFC 9110, section 15.2)
)

// Line is the way to one vendor. net/http's own client isn't used for it: that sends the headers of a request before it reads a body that it
// doesn't know, so the body can't hold anything back, and it keeps connections, on which a vendor may hang up just when a letter goes out.
// Here every request has a fresh connection and leaves as a whole, once; no proxy, no redirect and no HTTP/2 come between.
type Line struct {
	at  string // host:port
	tls *tls.Config
}

// To is the way to an http or https URL. The roots say whose certificates are believed; nil: those of the machine.
func To(base *url.URL, roots *x509.CertPool) *Line {
	if base.Scheme == "http" {
		return &Line{at: address(base, "80")}
	}
	return &Line{at: address(base, "443"), tls: &tls.Config{
		ServerName: base.Hostname(), RootCAs: roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(2), // a connection after the first costs less
	}}
}

func address(base *url.URL, port string) string {
	if p := base.Port(); p != "" {
		port = p
	}
	return net.JoinHostPort(base.Hostname(), port)
}

// Answer is what a vendor said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // at most 256 KiB
	Whole  bool   // nothing of the body is missing
}

// Ask sends a request and reads the answer. It asks leave when nothing but the request's bytes is left to be sent; nil needs none. A request
// that left is waited for within its time, even if whoever asked has gone. It fails with
//
//	what leave failed with, and nothing has left
//	reminder.NotAsked: whoever asked had gone, or leave came too late, before anything left
//	reminder.Later:    the vendor wasn't reached, and nothing has left
//	reminder.Unclear:  something left, and no answer came
func (l *Line) Ask(ctx context.Context, r *http.Request, leave reminder.Leave) (Answer, error) {
	r.Close = true
	var request bytes.Buffer
	if err := r.Write(&request); err != nil {
		return Answer{}, errs.Bug("write a request", err)
	}
	ctx, cancel := context.WithTimeout(ctx, resilience.VendorCall)
	defer cancel()
	conn, err := l.dial(ctx)
	if err != nil {
		return Answer{}, unreached(ctx, "connect")
	}
	defer conn.Close()
	if err := conn.send(ctx, request.Bytes(), leave); err != nil {
		return Answer{}, err
	}
	return read(conn, r)
}

// connection is one to a vendor. What goes through the socket is counted below TLS.
type connection struct {
	net.Conn
	socket *counted
}

type counted struct {
	net.Conn
	sent atomic.Int64 // bytes
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

// dial connects, and shakes hands if there is TLS.
func (l *Line) dial(ctx context.Context) (*connection, error) {
	socket, err := (&net.Dialer{Timeout: resilience.VendorConnect}).DialContext(ctx, "tcp", l.at)
	if err != nil {
		return nil, err
	}
	c := &counted{Conn: socket}
	if l.tls == nil {
		return &connection{c, c}, nil
	}
	secure := tls.Client(c, l.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = socket.Close()
		return nil, err
	}
	return &connection{secure, c}, nil
}

// send hands over a whole request, with leave. From then on its deadline alone ends the waiting.
func (c *connection) send(ctx context.Context, request []byte, leave reminder.Leave) error {
	deadline, _ := ctx.Deadline()
	_ = c.SetDeadline(deadline) // fails of closed connections alone, and so does what follows
	if leave != nil {
		left, err := granted(ctx, leave)
		if err != nil {
			return err
		}
		defer left()
	}
	if ctx.Err() != nil {
		return stopped
	}
	before := c.socket.sent.Load()
	_, err := c.Write(request)
	switch {
	case err == nil:
		return nil
	case c.socket.sent.Load() == before:
		return unreached(ctx, "send")
	}
	return reminder.Unclear{Code: "send"}
}

// granted asks leave. How long that takes is no matter of the vendor's.
func granted(ctx context.Context, leave reminder.Leave) (left func(), err error) {
	resilience.Apart(ctx, func() { left, err = leave(ctx) })
	return left, err
}

// unreached is why nothing left.
func unreached(ctx context.Context, step string) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return stopped
	}
	return reminder.Later{Cause: reminder.VendorUnavailable, Code: step}
}

// read takes the answer, within bounds. Once there is a status there is an answer, whatever becomes of its body.
func read(conn io.Reader, r *http.Request) (Answer, error) {
	bounded := bufio.NewReader(io.LimitReader(conn, longestHead+longestAnswer))
	for range mostPreambles + 1 {
		response, err := http.ReadResponse(bounded, r)
		if err != nil {
			break
		}
		if response.StatusCode < http.StatusOK {
			continue
		}
		body, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer+1))
		whole := err == nil && len(body) <= longestAnswer
		return Answer{response.StatusCode, response.Header, body[:min(len(body), longestAnswer)], whole}, nil
	}
	return Answer{}, reminder.Unclear{Code: "answer"}
}
