package unleashtest

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// Way is a way to a server, which counts what goes over it and can be cut.
type Way struct {
	target   string
	listener net.Listener
	sent     atomic.Int64 // bytes, towards the server

	mu   sync.Mutex
	cut  bool
	open map[net.Conn]bool
}

// Way makes one of its own for a test.
func (s *Server) Way(t testing.TB) *Way {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &Way{target: s.address, listener: listener, open: map[net.Conn]bool{}}
	t.Cleanup(func() {
		_ = listener.Close()
		w.Cut()
	})
	go w.serve()
	return w
}

// URL is Unleash's API by this way.
func (w *Way) URL() *url.URL {
	return &url.URL{Scheme: "http", Host: w.listener.Addr().String(), Path: "/api"}
}

// Sent is how many bytes have been sent to the server.
func (w *Way) Sent() int64 { return w.sent.Load() }

// Cut ends all connections, and those that come.
func (w *Way) Cut() { w.set(true) }

// Mend lets connections through again.
func (w *Way) Mend() { w.set(false) }

func (w *Way) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	for conn := range w.open {
		if cut {
			_ = conn.Close()
		}
	}
}

func (w *Way) serve() {
	for {
		in, err := w.listener.Accept()
		if err != nil {
			return
		}
		go w.let(in)
	}
}

func (w *Way) let(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", w.target)
	if err != nil || !w.enter(in, out) {
		return
	}
	defer w.leave(in, out)
	go func() {
		_, _ = io.Copy(in, out)
		_ = in.Close()
	}()
	_, _ = io.Copy(counting{out, &w.sent}, in)
}

func (w *Way) enter(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		if w.cut {
			_ = c.Close()
		} else {
			w.open[c] = true
		}
	}
	return !w.cut
}

func (w *Way) leave(conns ...net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(w.open, c)
	}
}

type counting struct {
	io.Writer
	n *atomic.Int64
}

func (c counting) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return c.Writer.Write(p)
}
