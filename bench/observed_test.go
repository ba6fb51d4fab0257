package bench_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/internal/app"
	"github.com/mediconnect/mediconnect/internal/devstack"
)

// Run again with these, the benchmarks are a server that can be looked into: the program itself, or gqlgen as it comes.
const (
	figuresAt = "BENCH_FIGURES" // address of what shows its figures
	stockOnly = "BENCH_STOCK"
)

var profiles = flag.String("profiles", "", "folder for profiles of servers that are looked into; empty: none are taken")

func TestMain(m *testing.M) {
	at := os.Getenv(figuresAt)
	if at == "" {
		os.Exit(m.Run())
	}
	if err := serveObserved(at); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serveObserved(at string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /figures", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(figuresNow()) })
	mux.HandleFunc("GET /profile/{name}", func(w http.ResponseWriter, r *http.Request) { pprof.Handler(r.PathValue("name")).ServeHTTP(w, r) })
	mux.HandleFunc("GET /cpu", pprof.Profile)
	go listenOn(at, mux)
	if os.Getenv(stockOnly) != "" {
		mux.HandleFunc("GET /health/ready", func(http.ResponseWriter, *http.Request) {})
		mux.Handle("/graphql", stockServer())
		go listenOn(os.Getenv("MEDICONNECT_LISTEN"), mux)
		<-ctx.Done()
		return nil
	}
	return app.Serve(ctx, os.Environ(), os.Stderr)
}

func listenOn(at string, h http.Handler) {
	s := &http.Server{Addr: at, Handler: h, ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintln(os.Stderr, s.ListenAndServe())
}

// figures are what a process holds, in bytes, once garbage was collected and given back: so often that stacks, which a collection
// halves at most, have become as small as they do.
type figures struct {
	Goroutines               int
	Heap, Spans, Stacks, RSS int
}

func figuresNow() (f figures) {
	for range 3 {
		debug.FreeOSMemory()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f.Goroutines, f.Heap, f.Spans, f.Stacks = runtime.NumGoroutine(), int(m.HeapAlloc), int(m.HeapInuse), int(m.StackInuse)
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		var size, resident int
		if n, _ := fmt.Sscan(string(text), &size, &resident); n == 2 {
			f.RSS = resident * os.Getpagesize()
		}
	}
	return f
}

// observatory is where a server shows what is inside it.
type observatory struct{ url string }

// observed starts this program again as a server.
func (w *town) observed(t testing.TB, stock bool, environ ...string) (*rig.Server, observatory) {
	t.Helper()
	at, err := devstack.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	defer func(program string, environ []string) { w.Rig.Server, w.Environ = program, environ }(w.Rig.Server, w.Environ)
	if w.Rig.Server, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	w.Environ = append(environ, figuresAt+"="+at)
	if stock {
		w.Environ = append(w.Environ, stockOnly+"=yes")
	}
	s, err := w.Serve(context.Background(), w.url, 20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Kill() })
	if !stock {
		if err := s.Follows(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return s, observatory{"http://" + at}
}

func (o observatory) figures(t testing.TB) (f figures) {
	t.Helper()
	if err := json.Unmarshal(o.get(t, "/figures"), &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// profile keeps a profile, if any are wanted.
func (o observatory) profile(t testing.TB, name, path string) {
	t.Helper()
	if *profiles == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(*profiles, name), o.get(t, path), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (o observatory) get(t testing.TB, path string) []byte {
	t.Helper()
	client := &http.Client{Timeout: time.Minute}
	defer client.CloseIdleConnections()
	response, err := client.Get(o.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// spentBy is the processor time of a server so far, where the system tells.
func spentBy(s *rig.Server) time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.PID()))
	_, numbers, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(numbers)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick
}

const tick = 10 * time.Millisecond // what Linux counts in

// stockServer is gqlgen's own transport over a subscription that tells one thing and then nothing, as its documentation sets it up.
func stockServer() http.Handler {
	s := handler.New(stockSchema{})
	s.AddTransport(transport.Websocket{InitTimeout: 5 * time.Second, PingPongInterval: 25 * time.Second})
	return s
}

type stockSchema struct{}

var stockSDL = gqlparser.MustLoadSchema(&ast.Source{Input: `type Query { none: String }
	type Subscription { availabilityChanged(scope: Scope): SlotsChanged } input Scope { providerIds: [ID!] }
	interface StreamEvent { cursor: String } type SlotsChanged implements StreamEvent { cursor: String slots: [Slot] removedSlotIds: [ID] }
	type Slot { id: ID version: Int start: String remaining: Int status: String }`})

// Schema implements graphql.ExecutableSchema.
func (stockSchema) Schema() *ast.Schema { return stockSDL }

// Complexity implements graphql.ExecutableSchema.
func (stockSchema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

// Exec implements graphql.ExecutableSchema, in the shape of what gqlgen generates: a resolver's channel, and a response for each value.
func (stockSchema) Exec(context.Context) graphql.ResponseHandler {
	told := make(chan string, 1)
	told <- `{"availabilityChanged":{"cursor":"1"}}`
	return func(ctx context.Context) *graphql.Response {
		select {
		case text := <-told:
			return &graphql.Response{Data: json.RawMessage(text)}
		case <-ctx.Done():
			return nil
		}
	}
}
