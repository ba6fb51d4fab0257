package postgres_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
)

// rewriting stands between a program and its server, sees each statement on its way to being prepared, and may put another one
// in its place.
type rewriting struct {
	database string
	t        *testing.T
	server   string // socket
	address  string

	mu       sync.Mutex
	seen     map[sent]bool
	targeted sent // its tenant filters are taken out
}

// sent is a statement and the role of the connection that prepared it: what everybody may read isn't guarded where everybody asks.
type sent struct{ statement, role string }

func newRewriting(t *testing.T, program string) *rewriting {
	t.Helper()
	u, err := url.Parse(program)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	q := u.Query()
	r := &rewriting{t: t, server: filepath.Join(q.Get("host"), ".s.PGSQL."+q.Get("port")), seen: map[sent]bool{}, database: strings.TrimPrefix(u.Path, "/")}
	r.address = "postgres://" + u.User.Username() + "@" + l.Addr().String() + u.Path + "?sslmode=disable"
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // the test is over
			}
			go r.serve(conn)
		}
	}()
	return r
}

// without is a database whose program has forgotten the tenant in one statement; in none when it is empty.
func (r *rewriting) without(statement sent) *postgres.DB {
	r.t.Helper()
	r.mu.Lock()
	r.targeted = statement
	r.mu.Unlock()
	config := postgres.Defaults(r.address)
	config.Keys = keytest.For(r.t, r.database)
	db, err := postgres.Open(r.t.Context(), config)
	if err != nil {
		r.t.Fatal(err)
	}
	return db
}

func (r *rewriting) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("unix", r.server)
	if err != nil {
		return
	}
	defer server.Close()
	role, err := startUp(client, server)
	if err != nil {
		return
	}
	go func() { _, _ = io.Copy(client, server) }()
	for {
		kind, body, err := message(client)
		if err != nil {
			return
		}
		if kind == 'P' {
			body = r.parse(role, body)
		}
		if err := send(server, kind, body); err != nil {
			return
		}
	}
}

// startUp passes the first message on, which has no kind, and tells the role that it asks for.
func startUp(client io.Reader, server io.Writer) (role string, err error) {
	var length [4]byte
	if _, err := io.ReadFull(client, length[:]); err != nil {
		return "", err
	}
	body := make([]byte, binary.BigEndian.Uint32(length[:])-4)
	if _, err := io.ReadFull(client, body); err != nil {
		return "", err
	}
	parts := strings.Split(string(body[4:]), "\x00")
	for i := 0; i+1 < len(parts); i += 2 {
		if parts[i] == "role" {
			role = parts[i+1]
		}
	}
	_, err = server.Write(append(length[:], body...))
	return role, err
}

func message(from io.Reader) (kind byte, body []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return 0, nil, err
	}
	body = make([]byte, binary.BigEndian.Uint32(head[1:])-4)
	_, err = io.ReadFull(from, body)
	return head[0], body, err
}

func send(to io.Writer, kind byte, body []byte) error {
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4))
	_, err := to.Write(append(head, body...))
	return err
}

// parse reads a Parse message: name, statement, and the types of parameters.
func (r *rewriting) parse(role string, body []byte) []byte {
	name, rest, _ := strings.Cut(string(body), "\x00")
	statement, types, _ := strings.Cut(rest, "\x00")
	r.mu.Lock()
	defer r.mu.Unlock()
	this := sent{statement, role}
	r.seen[this] = true
	if this == r.targeted {
		statement = forgetful(statement)
	}
	return []byte(name + "\x00" + statement + "\x00" + types)
}

// A tenant filter compares an organisation with the one asked for, or with that of another table's row.
var tenantFilter = regexp.MustCompile(`(?:\w+\.)?organization_id\s*=\s*(?:\$\d+(?:::uuid)?|\w+\.organization(?:_id)?\b|\(p->>'organization'\)::uuid|\borg\b)`)

// forgetful is a statement with all its tenant filters taken out. Their parameters keep their types.
func forgetful(statement string) string {
	return tenantFilter.ReplaceAllString(statement, "(true OR $0)")
}

// filtered lists the statements seen that have tenant filters.
func (r *rewriting) filtered() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []sent
	for s := range r.seen {
		if tenantFilter.MatchString(s.statement) {
			found = append(found, s)
		}
	}
	return found
}
