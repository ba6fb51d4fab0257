package redistest

import (
	"bytes"
	"net"
	"strconv"
	"sync"

	"github.com/mediconnect/mediconnect/internal/devstack"
)

// link is a node's only address: whoever speaks to the node speaks through it, so that it can hold back what replicas are sent, as a slow
// network does, and cut everybody off.
type link struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	changed *sync.Cond
	slow    bool
	cut     bool
	open    map[*crossing]bool
}

// crossing is one connection through a link.
type crossing struct {
	of       *link
	in, out  net.Conn // from who called, to the node
	replica  bool     // it is a replica's, which is sent the node's data
	finished bool
}

func newLink() (*link, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(devstack.Loopback, "0"))
	if err != nil {
		return nil, err
	}
	l := &link{listener: listener, open: map[*crossing]bool{}}
	l.changed = sync.NewCond(&l.mu)
	return l, nil
}

func (l *link) port() int { return l.listener.Addr().(*net.TCPAddr).Port }

// serve lets callers through to a port until the link is closed.
func (l *link) serve(port int) {
	l.target = net.JoinHostPort(devstack.Loopback, strconv.Itoa(port))
	for {
		in, err := l.listener.Accept()
		if err != nil {
			return
		}
		go l.let(in)
	}
}

func (l *link) let(in net.Conn) {
	out, err := net.Dial("tcp", l.target)
	if err != nil {
		_ = in.Close()
		return
	}
	c := &crossing{of: l, in: in, out: out}
	l.mu.Lock()
	refused := l.cut
	l.open[c] = !refused
	l.mu.Unlock()
	if refused {
		c.end()
		return
	}
	go c.upwards()
	c.downwards()
}

// upwards hands on what the caller says. Only a replica says PSYNC.
func (c *crossing) upwards() {
	defer c.end()
	var said []byte
	buffer := make([]byte, 16<<10)
	for {
		n, err := c.in.Read(buffer)
		if len(said) < 4<<10 {
			said = append(said, buffer[:n]...)
			if bytes.Contains(said, []byte("PSYNC")) {
				c.of.change(func() { c.replica = true })
			}
		}
		if _, failed := c.out.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}

// downwards hands on what the node says: to a replica, not before the link is quick again.
func (c *crossing) downwards() {
	defer c.end()
	buffer := make([]byte, 16<<10)
	for {
		n, err := c.out.Read(buffer)
		if !c.mayPass() {
			return
		}
		if _, failed := c.in.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}

func (c *crossing) mayPass() bool {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	for c.replica && c.of.slow && !c.finished {
		c.of.changed.Wait()
	}
	return !c.finished
}

func (c *crossing) end() {
	c.of.change(func() { c.finished = true; delete(c.of.open, c) })
	_, _ = c.in.Close(), c.out.Close()
}

func (l *link) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	l.changed.Broadcast()
}

// lag holds back what replicas are sent, or lets it go.
func (l *link) lag(slow bool) { l.change(func() { l.slow = slow }) }

// sever ends all connections, with what was held back, and lets nobody in; or lets everybody in again.
func (l *link) sever(cut bool) {
	var all []*crossing
	l.change(func() {
		l.cut = cut
		for c := range l.open {
			all = append(all, c)
		}
	})
	if cut {
		for _, c := range all {
			c.end()
		}
	}
}

func (l *link) close() {
	_ = l.listener.Close()
	l.sever(true)
}
