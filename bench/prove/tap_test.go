package prove_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/bench/rig"
)

// tap stands in every wire of one process: to PostgreSQL, to Redis and to the vendors. What a process has done to the world is what went over
// them, so that ending it before a request is handed on, or before its answer is, ends it at every point that can make a difference. The
// program knows nothing of it.
type tap struct {
	t      *testing.T
	folder string
	server string // PostgreSQL's socket

	mu      sync.Mutex
	needles [][]byte // one of them is in what is about the visit that is looked at
	seen    []step
	count   map[string]int
	at      point
	victim  *rig.Server
	meant   func() // is called once the victim has ended
	struck  chan struct{}
	lines   sync.WaitGroup
	conns   map[net.Conn]bool
	listen  []net.Listener
}

// step is a request and its answer, about the visit that is looked at.
type step struct {
	name   string
	nth    int  // of the same name, from 1
	asked  bool // the request itself named the visit, so that it can be ended before it
	effect bool // it changes something, or holds others up
}

// point is where a process is ended: before a step's request is handed on, or after it was answered and before the answer is handed on.
type point struct {
	name  string
	nth   int
	after bool
}

func (p point) String() string {
	when := "before"
	if p.after {
		when = "after"
	}
	text := when + " " + p.name
	if p.nth > 1 {
		text += fmt.Sprintf(" (%d)", p.nth)
	}
	return text
}

// exchange is a request under way.
type exchange struct {
	name    string
	request []byte
	about   bool // the visit that is looked at
	effect  bool
	within  *transaction
}

// transaction is one of PostgreSQL's. Its end is about the visit if anything in it was.
type transaction struct {
	about, wrote bool
	first        string
}

func newTap(t *testing.T, database, redis, vendor string) (p *tap, environ []string) {
	t.Helper()
	p = &tap{t: t, folder: t.TempDir(), conns: map[net.Conn]bool{}}
	config, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	p.server = filepath.Join(config.Host, fmt.Sprintf(".s.PGSQL.%d", config.Port))
	socket := filepath.Join(p.folder, fmt.Sprintf(".s.PGSQL.%d", config.Port))
	p.open("unix", socket, "unix", p.server, p.postgres)
	if err := os.Chmod(p.folder, 0o755); err != nil {
		t.Fatal(err)
	}
	db, _ := url.Parse(database)
	query := db.Query()
	query.Set("host", p.folder)
	db.RawQuery = query.Encode()
	cache, _ := url.Parse(redis)
	cache.Host = p.open("tcp", "127.0.0.1:0", "tcp", cache.Host, p.redis)
	at := "http://" + p.open("tcp", "127.0.0.1:0", "tcp", strings.TrimPrefix(vendor, "http://"), p.vendor)
	t.Cleanup(p.close)
	return p, []string{
		"MEDICONNECT_DATABASE_URL=" + db.String(), "MEDICONNECT_REDIS_URL=" + cache.String(), "MEDICONNECT_TWILIO_URL=" + at, "MEDICONNECT_SENDGRID_URL=" + at,
	}
}

func (p *tap) open(network, address, toNetwork, to string, carry func(client, server net.Conn)) string {
	p.t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.listen = append(p.listen, l)
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial(toNetwork, to)
			if err != nil {
				_ = client.Close()
				continue
			}
			p.keep(client, server)
			p.lines.Go(func() {
				defer p.drop(client, server)
				carry(client, server)
			})
		}
	}()
	return l.Addr().String()
}

func (p *tap) keep(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
	}
}

func (p *tap) drop(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(p.conns, c)
	}
}

func (p *tap) close() {
	for _, l := range p.listen {
		_ = l.Close()
	}
	p.mu.Lock()
	for c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.lines.Wait()
}

// watch looks for a visit's organisation from now on, and ends the victim at a point; no name: nowhere. What it returns is closed once the
// victim has ended and meant has returned.
func (p *tap) watch(about []string, at point, victim *rig.Server, meant func()) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.needles, p.seen, p.count, p.at, p.victim, p.meant, p.struck = nil, nil, map[string]int{}, at, victim, meant, make(chan struct{})
	for _, text := range about {
		p.needles = append(p.needles, []byte(text))
	}
	return p.struck
}

// hit says whether the point was come to.
func (p *tap) hit() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at == point{}
}

// steps are those seen so far.
func (p *tap) steps() []step {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]step{}, p.seen...)
}

func (p *tap) names(text []byte) bool {
	for _, needle := range p.needles {
		if bytes.Contains(text, needle) {
			return true
		}
	}
	return false
}

// before looks at a request that is to be handed on, and says whether it is.
func (p *tap) before(x *exchange) bool {
	p.mu.Lock()
	x.about = x.about || p.names(x.request) || x.within != nil && x.within.about
	if x.about && x.within != nil && !x.within.about {
		x.within.about, x.within.first = true, x.name
	}
	if !x.about || p.at.after || p.at.name != x.name || p.count[x.name]+1 != p.at.nth {
		p.mu.Unlock()
		return true
	}
	p.strike()
	return false
}

// after looks at an answer that is to be handed on, and says whether it is.
func (p *tap) after(x *exchange, answer []byte) bool {
	p.mu.Lock()
	asked := x.about
	if !asked && p.names(answer) {
		x.about = true
		if x.within != nil && !x.within.about {
			x.within.about, x.within.first = true, x.name
		}
	}
	if !x.about || p.count == nil {
		p.mu.Unlock()
		return true
	}
	p.count[x.name]++
	p.seen = append(p.seen, step{name: x.name, nth: p.count[x.name], asked: asked, effect: x.effect})
	if !p.at.after || p.at.name != x.name || p.count[x.name] != p.at.nth {
		p.mu.Unlock()
		return true
	}
	p.strike()
	return false
}

// strike ends the victim. The lock is held, and given back.
func (p *tap) strike() {
	victim, meant, struck := p.victim, p.meant, p.struck
	p.at = point{}
	p.mu.Unlock()
	if err := victim.Kill(); err != nil {
		p.t.Error(err)
	}
	if meant != nil {
		meant()
	}
	close(struck)
}

// line keeps the requests of a connection that wait for their answers.
type line struct {
	mu      sync.Mutex
	waiting []*exchange
}

func (l *line) push(x *exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, x)
}

func (l *line) pop() *exchange {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		return nil
	}
	x := l.waiting[0]
	l.waiting = l.waiting[1:]
	return x
}

// needlesOf are the forms in which an id travels: text, bytes, and the beginning of a key that vendors are given.
func needlesOf(organization [16]byte, text, key string) []string {
	return []string{text, string(organization[:]), key}
}

// number reads digits up to the end of a line.
func number(text []byte) (int, error) { return strconv.Atoi(strings.TrimRight(string(text), "\r\n")) }

// both carries one way beside another, and returns when either has ended.
func both(client, server net.Conn, up, down func() error) {
	var ways sync.WaitGroup
	for _, way := range []func() error{up, down} {
		ways.Go(func() {
			_ = way()
			_ = client.Close()
			_ = server.Close()
		})
	}
	ways.Wait()
}

var errStruck = fmt.Errorf("the process was ended here: %w", io.EOF)
