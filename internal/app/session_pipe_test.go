package app

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pipe hands connections on to a database, until it is told to hold back what comes.
type pipe struct {
	net.Listener
	mu   sync.Mutex
	hold chan struct{} // nil: nothing is held back
	only string        // of connections on which this was said; empty: of all
}

func (a *api) newPipe(t *testing.T) *pipe {
	t.Helper()
	config, err := pgxpool.ParseConfig(a.url)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &pipe{Listener: l}
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(func() { stop(); _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			network, address := pgconn.NetworkAddress(config.ConnConfig.Host, config.ConnConfig.Port)
			out, err := net.DialTimeout(network, address, 10*time.Second)
			if err != nil {
				_ = in.Close()
				continue
			}
			context.AfterFunc(ctx, func() { _, _ = in.Close(), out.Close() })
			said := &atomic.Bool{}
			go p.carry(ctx, in, out, said)
			go p.carry(ctx, out, in, said)
		}
	}()
	return p
}

func (p *pipe) carry(ctx context.Context, from, to net.Conn, said *atomic.Bool) {
	defer from.Close()
	defer to.Close()
	text := make([]byte, 32<<10)
	for {
		n, err := from.Read(text)
		p.mu.Lock()
		hold := p.hold
		if p.only == "" || bytes.Contains(text[:n], []byte(p.only)) {
			said.Store(true)
		}
		p.mu.Unlock()
		if hold != nil && said.Load() {
			select {
			case <-hold:
			case <-ctx.Done():
				return
			}
		}
		if _, failed := to.Write(text[:n]); err != nil || failed != nil {
			return
		}
	}
}

// held holds everything back until it is let go.
func (p *pipe) held() (letGo func()) {
	hold := make(chan struct{})
	p.mu.Lock()
	p.hold = hold
	p.mu.Unlock()
	return sync.OnceFunc(func() {
		p.mu.Lock()
		p.hold = nil
		p.mu.Unlock()
		close(hold)
	})
}

func TestAServerThatHearsNothingFromTheDatabaseLetsNobodyInWithoutAsking(t *testing.T) {
	a := newAPI(t)
	p := a.newPipe(t)
	b := a.beside(t, p)
	mine, other := a.openSession(t, a.clinic.FrontDesk()), a.openSession(t, a.clinic.FrontDesk())
	for _, s := range []string{mine.Access.Reveal(), other.Access.Reveal()} {
		if b.kind(t, s) != "STAFF" {
			t.Fatal("it isn't accepted before")
		}
	}
	letGo := p.held()
	t.Cleanup(letGo)
	a.As(mine.Access.Reveal()).Post(t, signOut, nil).OK(t)
	for name, token := range map[string]string{"of the session that has ended": mine.Access.Reveal(), "of another": other.Access.Reveal()} {
		answer := b.As(token).Post(t, whoAmI, nil)
		if answer.Status != http.StatusServiceUnavailable || answer.Code() != "SERVICE_BUSY" || answer.Header.Get("Retry-After") == "" {
			t.Errorf("a token %s: status %d, %s", name, answer.Status, answer.Raw)
		}
	}
	letGo()
	if b.kind(t, mine.Access.Reveal()) != "" || b.kind(t, other.Access.Reveal()) != "STAFF" {
		t.Error("once it hears again, it doesn't tell them apart")
	}
}

func TestAServerWhosePollIsHeldUpAsksAndRefuses(t *testing.T) {
	a := newAPI(t)
	p := a.newPipe(t)
	p.only = "clock_timestamp() AS now" // what asks for all that is new
	b := a.beside(t, p)
	other := a.openSession(t, a.clinic.FrontDesk()).Access.Reveal()
	if b.kind(t, other) != "STAFF" {
		t.Fatal("it isn't accepted before")
	}
	t.Cleanup(p.held())
	for range 5 {
		mine := a.openSession(t, a.clinic.FrontDesk()).Access.Reveal()
		if b.kind(t, mine) != "STAFF" {
			t.Error("it isn't accepted before")
		}
		a.As(mine).Post(t, signOut, nil).OK(t)
		if b.kind(t, mine) != "" || b.kind(t, other) != "STAFF" {
			t.Error("it doesn't tell them apart by asking")
		}
	}
}
