package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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
