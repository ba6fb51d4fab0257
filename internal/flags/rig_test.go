package flags

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// soon is an interval for tests whose point isn't the interval.
const soon = 20 * time.Millisecond

// told is a log that can be read while it is written.
type told struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *told) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *told) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// open makes flags that are closed after the test. What options lack is filled in.
func open(t testing.TB, opts Options) (*Flags, *told) {
	t.Helper()
	log := &told{}
	opts.Log = slog.New(slog.NewTextHandler(log, nil))
	if opts.Clock == nil {
		opts.Clock = clock.System{}
	}
	f, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f, log
}

// knowing are flags that only know a list of features, given as JSON.
func knowing(t testing.TB, features string) (*Flags, *told) {
	t.Helper()
	return open(t, Options{Bootstrap: []byte(`{"features":[` + features + `]}`)})
}

// standIn stands in for one that fails: the tests of internal/testkit/unleashtest ask a real one. It answers with what answer says at the time.
type standIn struct {
	*httptest.Server
	answer atomic.Pointer[http.HandlerFunc]
	asked  atomic.Int64
}

func newStandIn(t testing.TB, first http.HandlerFunc) *standIn {
	u := &standIn{}
	u.now(first)
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.asked.Add(1)
		(*u.answer.Load())(w, r)
	}))
	t.Cleanup(u.Server.Close)
	return u
}

func (u *standIn) now(answer http.HandlerFunc) { u.answer.Store(&answer) }

// listing answers with features, and that nothing has changed to whoever has them.
func listing(features string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		tag := `"` + uuid.NewSHA1(uuid.Nil, []byte(features)).String() + `"`
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write([]byte(`{"version":2,"features":[` + features + `]}`))
	}
}

// asking are flags that ask an Unleash. The channel has a value after each time that they did.
func asking(t testing.TB, u *standIn, opts Options) (*Flags, *told, <-chan struct{}) {
	t.Helper()
	at, err := url.Parse(u.URL + "/api")
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan struct{}, 1)
	opts.URL, opts.Heard = at, func() {
		select {
		case heard <- struct{}{}:
		default:
		}
	}
	if opts.Refresh == 0 {
		opts.Refresh = soon
	}
	f, log := open(t, opts)
	return f, log, heard
}

// until waits, each time that Unleash was asked, until something is so.
func until(t testing.TB, heard <-chan struct{}, is func() bool) {
	t.Helper()
	late := time.After(30 * time.Second)
	for !is() {
		select {
		case <-heard:
		case <-late:
			t.Fatal("it isn't so after 30 seconds")
		}
	}
}

// detection is the flag of conflict detection as JSON, with strategies.
func detection(strategies ...string) string {
	return `{"name":"booking.conflict-detection","enabled":true,"strategies":[` + strings.Join(strategies, ",") + `]}`
}

func overriding(strategies ...string) string {
	return `{"name":"booking.staff-overrides","enabled":true,"strategies":[` + strings.Join(strategies, ",") + `]}`
}

// rollout is a gradual one, for a percentage, to variants with weights, such as "enforce:500".
func rollout(percent string, variants ...string) string {
	st := map[string]any{"name": "flexibleRollout", "parameters": map[string]any{"rollout": percent, "stickiness": "default", "groupId": "booking.conflict-detection"}}
	var list []map[string]any
	for _, v := range variants {
		name, weight, _ := strings.Cut(v, ":")
		list = append(list, map[string]any{"name": name, "weight": json.Number(weight), "stickiness": "default"})
	}
	st["variants"] = list
	text, _ := json.Marshal(st)
	return string(text)
}

// provider is the n-th of a test's: the same in every run.
func provider(n int) Subject {
	var of Subject
	of.Organization = uuid.NewSHA1(uuid.NameSpaceOID, []byte("clinic"))
	of.Provider = uuid.NewSHA1(of.Organization, []byte{byte(n), byte(n >> 8), byte(n >> 16)})
	return of
}

func (f *Flags) variant(of Subject) string {
	return f.Decide(ConflictDetection, of, access.Actor{}).Variant
}

func write(t testing.TB, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, stateFile), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
