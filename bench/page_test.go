package bench_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
)

// dayList is a page of providers with the first appointments of each, nextPage where the page after it begins.
const (
	dayList = `query DayList($first: Int!, $visits: Int!, $after: String) { providers(first: $first, after: $after) { edges { node {
		id name appointments(first: $visits) { edges { node { id start end status } } } } } } }`
	nextPage = `query NextPage($first: Int!, $after: String) { providers(first: $first, after: $after) { pageInfo { endCursor } } }`
)

// paged is a town whose front desk looks at one page of providers after the other.
type paged struct {
	*town
	desk        rig.Client
	connections int
	providers   int // of a page
	visits      int // of a provider
	after       []*string
}

func newPaged(t testing.TB, connections, providers, stored, page, visits int) *paged {
	t.Helper()
	p := &paged{town: newTown(t, providers, 1, connections), connections: connections, providers: page, visits: visits}
	p.stock(t, p.url, stored)
	location, _ := p.Ref(p.Location)
	token, err := p.Token(access.Actor{
		Kind: access.Staff, ID: uuid.New(), Client: "bench", Organization: location.Organization, Role: access.FrontDesk, Scopes: access.ScopesOf(access.FrontDesk),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.desk = rig.Client{Server: p.server, Token: token, HTTP: rig.NewHTTP(connections)}
	p.walk(t, providers/page)
	return p
}

// walk finds the cursors of so many pages, and that each is full.
func (p *paged) walk(t testing.TB, pages int) {
	t.Helper()
	var after *string
	for n := range pages {
		p.after = append(p.after, after)
		status, text, err := p.page(t.Context(), n)
		if err != nil || status != http.StatusOK || bytes.Count(text, []byte(`"status"`)) != p.providers*p.visits {
			t.Fatalf("status %d, %v: %.300s", status, err, text)
		}
		var data struct {
			Providers struct{ PageInfo struct{ EndCursor *string } }
		}
		if err := p.desk.Ask(t.Context(), nextPage, map[string]any{"first": p.providers, "after": after}, &data); err != nil {
			t.Fatal(err)
		}
		after = data.Providers.PageInfo.EndCursor
	}
}

func (p *paged) page(ctx context.Context, n int) (int, []byte, error) {
	return p.desk.Post(ctx, dayList, map[string]any{"first": p.providers, "visits": p.visits, "after": p.after[n%len(p.after)]})
}

// The clients share the server's processors, and take no more of them than pgbench does by collecting what they have read seldom.
const clientsHeap = 800 // percent

// http asks for pages from so many clients, one after the other on each connection.
func (p *paged) http(t testing.TB, pages int) float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	defer debug.SetGCPercent(debug.SetGCPercent(clientsHeap))
	turns := make(chan int, pages)
	for n := range pages {
		turns <- n
	}
	close(turns)
	var all sync.WaitGroup
	began := time.Now()
	for range p.connections {
		all.Go(func() {
			for n := range turns {
				status, text, err := p.page(ctx, n)
				if err != nil || status != http.StatusOK || bytes.Contains(text, []byte(`"errors"`)) {
					t.Errorf("status %d, %v: %.300s", status, err, text)
				}
			}
		})
	}
	all.Wait()
	return float64(pages) / time.Since(began).Seconds()
}

// sent keeps the statements that the program's stores send, with their arguments written into them.
type sent struct {
	t    testing.TB
	text strings.Builder
}

func (s *sent) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	sql, args := q.SQL, q.Args
	if len(args) > 0 {
		if _, mode := args[0].(pgx.QueryExecMode); mode { // says how to send it, and is no argument
			args = args[1:]
		}
	}
	for i := len(args) - 1; i >= 0; i-- {
		sql = strings.ReplaceAll(sql, "$"+strconv.Itoa(i+1), s.literal(args[i]))
	}
	fmt.Fprintf(&s.text, "%s;\n", sql)
	return ctx
}

func (*sent) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (s *sent) TraceBatchStart(ctx context.Context, conn *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	s.text.WriteString("\\startpipeline\n") // what is sent at once goes at once
	for _, q := range b.Batch.QueuedQueries {
		ctx = s.TraceQueryStart(ctx, conn, pgx.TraceQueryStartData{SQL: q.SQL, Args: q.Arguments})
	}
	s.text.WriteString("\\endpipeline\n")
	return ctx
}

func (*sent) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*sent) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

func (s *sent) literal(value any) string {
	switch v := value.(type) {
	case uuid.UUID:
		return "'" + v.String() + "'"
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	case []uuid.UUID:
		return "'{" + strings.Join(strings.Fields(strings.Trim(fmt.Sprint(v), "[]")), ",") + "}'"
	case *string:
		if v == nil {
			return "NULL"
		}
	}
	s.t.Fatalf("%T is no argument of a list", value)
	return ""
}

// scripts are files for pgbench, one a page: what the program sends for it.
func (p *paged) scripts(t testing.TB) (files []string) {
	t.Helper()
	config, err := pgxpool.ParseConfig(p.url + "&pool_max_conns=1")
	if err != nil {
		t.Fatal(err)
	}
	record := &sent{t: t}
	config.ConnConfig.Tracer = record
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	db := postgres.New(pool, keytest.Of(t, pool))
	defer db.Close()
	location, _ := p.Ref(p.Location)
	for n, after := range p.after {
		record.text.Reset()
		w := paging.Window{Size: p.providers}
		if after != nil {
			w.After, _ = paging.Parts(*after, 2)
		}
		page, err := db.Directory().ListProviders(t.Context(), location.Organization, provider.Search{Brief: true}, w)
		if err != nil {
			t.Fatal(err)
		}
		refs := make([]clinic.Ref, len(page.Items))
		for i, of := range page.Items {
			refs[i] = clinic.Ref{Organization: of.OrganizationID, ID: of.ID}
		}
		if _, err := postgres.NewAppointmentStore(db).Agendas(t.Context(), refs, appointment.Agenda{
			Order: appointment.StartAscending, Window: paging.Window{Size: p.visits}, Brief: true,
		}); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), fmt.Sprintf("page%d.sql", n))
		if err := os.WriteFile(file, []byte(record.text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// alone has pgbench read the same pages, each by the statements that the program sends for it.
func (p *paged) alone(files []string) measure {
	return func(t testing.TB, pages int) float64 {
		t.Helper()
		path, err := p.Pgbench()
		if err != nil {
			t.Fatal(err)
		}
		arguments := []string{"--no-vacuum", "--protocol=prepared", "--client=" + strconv.Itoa(p.connections), "--jobs=2", "--transactions=" + strconv.Itoa(pages/p.connections)}
		for _, file := range files {
			arguments = append(arguments, "--file="+file)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		out, err := exec.CommandContext(ctx, path, append(arguments, p.reader(ctx, t))...).CombinedOutput()
		tps := rate.FindSubmatch(out)
		if err != nil || tps == nil {
			t.Fatalf("pgbench: %v: %s", err, out)
		}
		r, _ := strconv.ParseFloat(string(tps[1]), 64)
		return r
	}
}

// The program reads providers on one connection and appointments on another, each under its role. A connection of pgbench's, which
// runs the statements of both, signs in as a member of both.
const bothRoles = `DO $$ BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bench_reader') THEN
		CREATE ROLE bench_reader LOGIN INHERIT IN ROLE mediconnect_app, mediconnect_public;
	END IF;
END $$`

// reader is the address of the database for pgbench.
func (p *paged) reader(ctx context.Context, t testing.TB) string {
	t.Helper()
	if err := p.Rig.Admin(ctx, bothRoles); err != nil {
		t.Fatal(err)
	}
	config, err := pgx.ParseConfig(p.url)
	if err != nil {
		t.Fatal(err)
	}
	return p.Cluster.SocketURL("bench_reader", config.Database)
}

// statements counts what the server sends to the database for a page: the difference between many and few, without what it
// sends when it starts.
func (p *paged) statements(t testing.TB) float64 {
	t.Helper()
	const few, many = 100, 300
	first := p.committed(t, few)
	return math.Round(10*float64(p.committed(t, many)-first)/(many-few)) / 10
}

// committed asks a fresh server for pages and answers how many statements its sessions ran: outside of a transaction each is one.
func (p *paged) committed(t testing.TB, pages int) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	before := p.commits(t, ctx)
	if err := p.server.Start(ctx); err != nil {
		t.Fatal(err)
	}
	p.http(t, pages)
	return p.commits(t, ctx) - before
}

const (
	sessions = `SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND application_name = 'mediconnect'`
	commits  = `SELECT xact_commit FROM pg_stat_database WHERE datname = $1`
)

// commits ends the server and answers how many transactions have ended well: sessions tell what they counted when they end.
func (p *paged) commits(t testing.TB, ctx context.Context) (n int) {
	t.Helper()
	if err := p.server.Kill(); err != nil {
		t.Fatal(err)
	}
	config, err := pgx.ParseConfig(p.url)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, p.Cluster.AdminURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for running := 1; running > 0; {
		if err := conn.QueryRow(ctx, sessions, config.Database).Scan(&running); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.QueryRow(ctx, commits, config.Database).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAPageOfProvidersIsMeasured(t *testing.T) {
	p := newPaged(t, 2, 6, 300, 3, 2)
	as, bs := plan{pairs: 1, window: 40, warm: 1}.versus(t, p.http, p.alone(p.scripts(t)))
	if r := ratioOf(as, bs); r.median <= 0 {
		t.Errorf("got %v", r)
	}
	if n := p.statements(t); n < 2.9 || n > 3.1 { // two lists, and the record of who saw them
		t.Errorf("%.1f statements a page", n)
	}
}

// Pages a second over HTTP and GraphQL, each by the front desk with a token and recorded, against pgbench running the two lists of each
// on the same cluster.
func BenchmarkPageOf20ProvidersWith5AppointmentsEachAgainstPgbench(b *testing.B) {
	const connections = 4
	p := newPaged(b, connections, 300, 100_000, 20, 5)
	turns := plan{pairs: 10, window: 4800, warm: 1}
	as, bs := turns.versus(b, p.http, p.alone(p.scripts(b)))
	r, over, alone := ratioOf(as, bs), median(as), median(bs)
	report(b, r, fmt.Sprintf("pages/s with %d connections and 100000 visits stored, medians of %d windows of %d pages in turn: %.0f over HTTP, %.0f by pgbench; ratio %v; %.1f statements a page",
		connections, turns.pairs, turns.window, over, alone, r, p.statements(b)))
	b.ReportMetric(over, "http-pages/s")
	b.ReportMetric(alone, "pgbench-pages/s")
}
