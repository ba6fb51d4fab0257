package app

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

const (
	whoAmI  = `{ viewer { kind session { id current client } sessions { id current } } }`
	refresh = `mutation($t: String!) { refreshSession(input: {refreshToken: $t}) { tokens { accessToken refreshToken expiresAt sessionExpiresAt sessionId }
		errors { __typename ... on UserError { code message path retryable } } } }`
	signOut = `mutation { signOut(input: {}) { errors { ... on UserError { code } } } }`
)

// beside is one more server over a test's database, which it reaches through a pipe, if there is one.
func (a *api) beside(t *testing.T, through *pipe) *api {
	t.Helper()
	config, err := pgxpool.ParseConfig(a.url)
	if err != nil {
		t.Fatal(err)
	}
	if through != nil {
		at := through.Addr().(*net.TCPAddr)
		config.ConnConfig.Host, config.ConnConfig.Port, config.ConnConfig.Fallbacks = at.IP.String(), uint16(at.Port), nil
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	b := &api{t: t, key: a.key, clock: a.clock, pool: a.pool, clinic: a.clinic, url: a.url}
	b.app = wire(Frame{
		Clock: a.clock, LinkKey: make([]byte, 32), PublicURL: a.app.frame.PublicURL, Log: slog.New(slog.DiscardHandler),
	}, postgres.New(pool, keytest.For(t, config.ConnConfig.Database)))
	b.Handler = b.app.Handler()
	t.Cleanup(b.app.Close)
	return b
}

// kind is how a server sees the holder of a token: "" is refused.
func (a *api) kind(t *testing.T, token string) string {
	t.Helper()
	answer := a.As(token).Post(t, whoAmI, nil)
	if answer.Status != http.StatusOK && answer.Status != http.StatusUnauthorized {
		t.Fatalf("status %d: %s", answer.Status, answer.Raw)
	}
	return answer.Text("viewer", "kind")
}

func TestASessionIsRefreshedAndSignedOutOfOverTheAPI(t *testing.T) {
	a := newAPI(t)
	b := a.beside(t, nil)
	opened := a.openSession(t, a.clinic.FrontDesk())
	seen := b.As(opened.Access.Reveal()).Post(t, whoAmI, nil).OK(t)
	if seen.Text("viewer", "kind") != "STAFF" || seen.Data("viewer", "session", "current") != true || seen.Text("viewer", "session", "client") != "test" ||
		seen.Text("viewer", "sessions", 0, "id") != seen.Text("viewer", "session", "id") {
		t.Errorf("at the other server: %s", seen.Raw)
	}
	pair := b.Post(t, refresh, vars{"t": opened.Refresh.Reveal()}).OK(t)
	token := pair.Text("refreshSession", "tokens", "accessToken")
	if pair.Text("refreshSession", "tokens", "sessionId") != seen.Text("viewer", "session", "id") || a.kind(t, token) != "STAFF" {
		t.Fatalf("refreshed: %s", pair.Raw)
	}
	if out := b.As(token).Post(t, signOut, nil).OK(t); out.Text("signOut", "errors", 0, "code") != "" {
		t.Fatalf("signing out: %s", out.Raw)
	}
	for _, old := range []string{token, opened.Access.Reveal()} {
		if a.kind(t, old) != "" || b.kind(t, old) != "" {
			t.Error("a token of a session that has ended is accepted")
		}
	}
	var told []string
	for _, text := range []string{pair.Text("refreshSession", "tokens", "refreshToken"), "", "mcr_" + strings.Repeat("A", 86), opened.Refresh.Reveal()} {
		answer := a.Post(t, refresh, vars{"t": text}).OK(t)
		if answer.Data("refreshSession", "tokens") != nil {
			t.Errorf("refreshed: %s", answer.Raw)
		}
		told = append(told, strings.ReplaceAll(string(answer.Raw), text, ""))
	}
	if len(slices.Compact(told)) != 1 || !strings.Contains(told[0], `"code":"SESSION_ENDED"`) {
		t.Errorf("refusals differ: %s", strings.Join(told, "\n"))
	}
}

func TestWhoeverIsSignedOutAtOneServerIsRefusedByTheOtherFromTheMomentOfTheAnswer(t *testing.T) {
	a := newAPI(t)
	b := a.beside(t, nil)
	var all sync.WaitGroup
	for range 10 { // at a time, as many times
		all.Go(func() {
			for range 10 {
				token := a.openSession(t, a.clinic.FrontDesk()).Access.Reveal()
				if b.kind(t, token) != "STAFF" {
					t.Error("it isn't accepted before")
				}
				if answer := a.As(token).Post(t, signOut, nil).OK(t); answer.Text("signOut", "errors", 0, "code") != "" {
					t.Errorf("signing out: %s", answer.Raw)
				}
				if b.kind(t, token) != "" {
					t.Error("it is accepted after")
				}
			}
		})
	}
	all.Wait()
}

func TestSocketsAndStreamsOfARevokedSessionAreClosed(t *testing.T) {
	a := newAPI(t)
	b := a.beside(t, nil)
	door := b.opened(t, HTTPSettings{})
	mine := a.openSession(t, a.clinic.FrontDesk())
	socket := door.dial(t, b.As(mine.Access.Reveal()), nil)
	ticket := b.As(mine.Access.Reveal()).Post(t, ticketIt, vars{"input": vars{}}).OK(t).Text("issueStreamTicket", "ticket")
	late := b.As(mine.Access.Reveal()).Post(t, ticketIt, vars{"input": vars{}}).OK(t).Text("issueStreamTicket", "ticket")
	stream := door.source(t, `subscription { appointmentChanged { __typename ... on StreamReady { cursor } } }`, ticket, "")
	if name, answer := stream.next(); name != "next" || len(answer.Errors()) > 0 {
		t.Fatalf("%s: %s", name, answer.Raw)
	}
	began := time.Now()
	a.As(mine.Access.Reveal()).Post(t, signOut, nil).OK(t)
	if name, answer := stream.next(); name != "next" || answer.Code() != "UNAUTHENTICATED" {
		t.Errorf("the stream is told %s: %s", name, answer.Raw)
	}
	if name, _ := stream.next(); name != "complete" {
		t.Errorf("then %s", name)
	}
	socket.closed(4403)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if e := door.source(t, `subscription { appointmentChanged { __typename } }`, late, ""); e.status != http.StatusUnauthorized {
		t.Errorf("a ticket from before opens a stream: %d", e.status)
	}
	again, _, err := door.knock(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	after := &line{t, again}
	after.say(`{"type":"connection_init","payload":{"Authorization":"Bearer ` + mine.Access.Reveal() + `"}}`)
	after.closed(4403)
}

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
			out, err := net.Dial(network, address)
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

func TestKeysOfTokensArePublishedForOthersToKeepForAWhile(t *testing.T) {
	a := newAPI(t)
	b := a.beside(t, nil)
	a.openSession(t, a.clinic.FrontDesk())
	var lists []string
	for _, server := range []*api{a, b} {
		answer := server.Send(t, httptest.NewRequest(http.MethodGet, "/.well-known/jwks.json", nil))
		if answer.Status != http.StatusOK || answer.Header.Get("Content-Type") != "application/jwk-set+json" || answer.Header.Get("Cache-Control") != "public, max-age=300" {
			t.Errorf("status %d, %v", answer.Status, answer.Header)
		}
		lists = append(lists, string(answer.Raw))
	}
	if lists[0] != lists[1] || strings.Count(lists[0], `"kid"`) != 1 || !strings.Contains(lists[0], `"kty":"OKP","crv":"Ed25519"`) || strings.Contains(lists[0], `"d"`) {
		t.Errorf("the lists are\n%s\n%s", lists[0], lists[1])
	}
}

func TestARefreshNeedsNoTokenAndAnExpiredOneIsRefusedBeforeIt(t *testing.T) {
	a := newAPI(t)
	opened := a.openSession(t, a.clinic.FrontDesk())
	old, _, err := a.app.issuer.Sign(t.Context(), a.actorOf(t, opened.Access.Reveal()), -time.Second)
	if err != nil {
		t.Fatal(err)
	}
	answer := a.As(old).Post(t, refresh, vars{"t": opened.Refresh.Reveal()})
	if answer.Status != http.StatusUnauthorized || !strings.Contains(string(answer.Raw), "expired") {
		t.Errorf("status %d: %s", answer.Status, answer.Raw)
	}
	if pair := a.Post(t, refresh, vars{"t": opened.Refresh.Reveal()}).OK(t); pair.Text("refreshSession", "tokens", "refreshToken") == "" {
		t.Errorf("without it: %s", pair.Raw)
	}
}

func (a *api) actorOf(t *testing.T, token string) access.Actor {
	t.Helper()
	who, _, err := a.app.tokens.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return who
}

func TestThatSomethingWasRevokedIsHeardByTheOtherServersOverRedis(t *testing.T) {
	var apps []*App
	url := redistest.NewURL(t)
	for range 2 {
		a := &App{pokes: make(chan struct{}, 1)}
		if err := a.useRedis(RedisSettings{URL: Secret(url)}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(a.redis.Close)
		apps = append(apps, a)
	}
	ctx, stop := context.WithCancel(t.Context())
	heard := make(chan struct{}, 1)
	var both sync.WaitGroup
	both.Go(func() { hear(ctx, apps[1].redis.Bus(revokedChannel), heard) })
	both.Go(func() { apps[0].tellOthers(ctx, apps[0].redis.Bus(revokedChannel)) })
	defer both.Wait()
	defer stop()
	again := time.NewTicker(20 * time.Millisecond) // until the other listens
	defer again.Stop()
	for late := time.After(10 * time.Second); ; {
		select {
		case <-heard:
			return
		case <-again.C:
			apps[0].poke()
		case <-late:
			t.Fatal("nothing is heard")
		}
	}
}
