package privacy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

type object map[string]any

// ear is what processes say.
type ear struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (e *ear) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.text.Write(p)
}

func (e *ear) bytes() []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return bytes.Clone(e.text.Bytes())
}

// world is the program as it runs, with everything that it might tell something to.
type world struct {
	t        *testing.T
	rig      *rig.Rig
	url      string
	server   *rig.Server
	worker   *rig.Server
	redis    *devstack.Redis
	asked    *redis.Client
	pool     *pgxpool.Pool // the superuser's
	http     *http.Client
	clinic   *rig.Clinic
	tokens   map[string]string // by name
	schema   *ast.Schema
	sent     *sent
	figures  [2]string // addresses of those of the server and the worker
	said     ear       // by processes of the program
	answers  ear       // what failures were worded as, headers, links
	secrets  []string
	mails    string // the folder that they are sent to
	answered int
}

// loud has every statement logged with its parameters, also those that fail.
const loud = `ALTER SYSTEM SET log_statement = 'all'; ALTER SYSTEM SET log_min_duration_statement = 0;
ALTER SYSTEM SET log_parameter_max_length = -1; ALTER SYSTEM SET log_parameter_max_length_on_error = -1;
ALTER SYSTEM SET log_error_verbosity = 'verbose'; ALTER SYSTEM SET log_min_messages = 'debug1'; ALTER SYSTEM SET log_lock_waits = on;
ALTER SYSTEM SET log_connections = on`

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	w := &world{t: t, redis: redistest.Start(t), http: rig.NewHTTP(8), tokens: map[string]string{}}
	var err error
	w.rig, err = rig.Start(ctx, true)
	t.Cleanup(w.rig.Close)
	w.must(err)
	for statement := range strings.SplitSeq(loud, ";") {
		w.must(w.rig.Admin(ctx, statement))
	}
	w.must(w.rig.Admin(ctx, "SELECT pg_reload_conf()"))
	w.rig.Ear = &w.said
	w.mails = filepath.Join(t.TempDir(), "mails")
	w.rig.Environ = []string{
		"MEDICONNECT_MAIL_URL=file://" + w.mails, "MEDICONNECT_MAIL_FROM=no-reply@mail.example", "MEDICONNECT_APP_URL=https://app.example", "MEDICONNECT_MESSAGES_PER_NETWORK=1000000",
		"MEDICONNECT_LOG_LEVEL=debug", "MEDICONNECT_RATE_LIMIT_PATIENT=1000000", "MEDICONNECT_RATE_LIMIT_STAFF=1000000", "MEDICONNECT_RATE_LIMIT_CLIENT=1000000", "MEDICONNECT_RATE_LIMIT_ANONYMOUS=1000000", "MEDICONNECT_REDIS_URL=" + w.redis.URL(), "MEDICONNECT_DATABASE_LOCK_TIMEOUT=20ms",
		"MEDICONNECT_AUDIT_ANCHORS=" + w.rig.Anchors(), "MEDICONNECT_AUDIT_ANCHOR_EVERY=1s", "MEDICONNECT_TRUSTED_PROXIES=127.0.0.0/8",
	}
	flags, err := filepath.Abs("../../internal/flags/bootstrap/dev.json")
	w.must(err)
	w.rig.Environ = append(w.rig.Environ, "MEDICONNECT_UNLEASH_BOOTSTRAP="+flags) // all that a flag opens
	options, err := redis.ParseURL(w.redis.URL())
	w.must(err)
	w.asked = redis.NewClient(options)
	t.Cleanup(func() { _ = w.asked.Close() })
	w.must(w.asked.ConfigSet(ctx, "slowlog-log-slower-than", "0").Err())
	w.must(w.asked.ConfigSet(ctx, "slowlog-max-len", "1000000").Err())
	w.url, err = w.rig.NewDatabase(ctx)
	w.must(err)
	w.start(ctx)
	return w
}

func (w *world) start(ctx context.Context) {
	w.t.Helper()
	var err error
	w.server, err = w.observed(&w.figures[0]).Serve(ctx, w.url, 4)
	w.must(err)
	w.t.Cleanup(func() { _ = w.server.Kill() })
	w.worker, err = w.observed(&w.figures[1]).Work(ctx, w.url)
	w.must(err)
	w.t.Cleanup(func() { _ = w.worker.Kill() })
	w.pool, err = w.rig.Open(ctx, w.url, 4)
	w.must(err)
	w.t.Cleanup(w.pool.Close)
	contract, err := w.rig.Run(ctx, "", "schema")
	w.must(err)
	w.schema, err = gqlparser.LoadSchema(&ast.Source{Input: contract})
	w.must(err)
	w.sent = &sent{schema: w.schema, in: needles(), tried: map[string]bool{}, accepted: map[string]bool{}}
	w.clinic, err = w.rig.NewClinic(ctx, w.server, &rig.Client{HTTP: w.http})
	w.must(err)
	w.people()
}

// observed has the next process serve its figures, and tells where.
func (w *world) observed(at *string) *rig.Rig {
	w.t.Helper()
	address, err := devstack.FreeAddress()
	w.must(err)
	*at = "http://" + address
	w.rig.Environ = append(slices.DeleteFunc(slices.Clone(w.rig.Environ), func(s string) bool { return strings.HasPrefix(s, telemetry) }), telemetry+address)
	return w.rig
}

const telemetry = "MEDICONNECT_TELEMETRY_LISTEN="

// must ends the test at a fault of the set-up.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// people are a caller of each role.
func (w *world) people() {
	ref, err := w.clinic.Ref(w.clinic.Organization)
	w.must(err)
	for role, kind := range map[access.Role]access.Kind{
		access.FrontDesk: access.Staff, access.Admin: access.Staff, access.Auditor: access.Staff,
		access.PlatformAdmin: access.Staff, access.Integrator: access.APIClient,
	} {
		a := access.Actor{Kind: kind, ID: uuid.New(), Client: "bench", Organization: ref.Organization, Role: role, Scopes: access.ScopesOf(role)}
		if role == access.PlatformAdmin {
			a.Organization = uuid.Nil
		}
		w.token(string(role), a)
	}
	w.caregiver()
	w.tokens["nobody"] = ""
	w.tokens["forged"] = "eyJhbGciOiJFZERTQSJ9." + word + "." + word
}

// caregiver is somebody who has tried no code yet.
func (w *world) caregiver() {
	ref, err := w.clinic.Ref(w.clinic.Organization)
	w.must(err)
	w.token("CAREGIVER", access.Actor{
		Kind: access.Patient, ID: uuid.New(), Client: "bench", Organization: ref.Organization, Role: access.Caregiver, Scopes: access.ScopesOf(access.Caregiver),
	})
}

func (w *world) token(name string, a access.Actor) {
	token, err := w.rig.Token(a)
	w.must(err)
	w.tokens[name] = token
}

// do sends a request to the server with canaries in its headers, and keeps what isn't meant for the caller's eyes alone.
func (w *world) do(method, path, who string, body []byte, headers map[string]string) (answer map[string]any) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, bytes.NewReader(body))
	w.must(err)
	request.Header = http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {word + "/1.0"}, "X-Request-Id": {word + "-1"}, "Accept-Language": {"en-x-" + word},
		"Referer": {"https://example.org/?q=" + word}, "Cookie": {"name=" + word}, "X-Forwarded-For": {word}, "Traceparent": {word}, word: {word},
		"Origin": {"https://" + word + ".example"},
	}
	if token := w.tokens[who]; token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := w.http.Do(request)
	if err != nil {
		fmt.Fprintf(&w.answers, "%v\n", strings.ReplaceAll(err.Error(), path, "")) // the client's own words begin with the address
		return nil
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	w.must(err)
	w.answered++
	fmt.Fprintf(&w.answers, "status %d %v\n", response.StatusCode, response.Header)
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		w.keepEvents(text)
		return nil
	}
	if json.Unmarshal(text, &answer) != nil {
		_, _ = w.answers.Write(append(text, '\n'))
		return nil
	}
	w.keep("", answer)
	return answer
}

// keepEvents keeps the answers of a stream that has ended.
func (w *world) keepEvents(stream []byte) {
	for line := range strings.Lines(string(stream)) {
		var answer map[string]any
		if data, ok := strings.CutPrefix(line, "data: "); ok && json.Unmarshal([]byte(data), &answer) == nil {
			w.keep("", answer)
			continue
		}
		_, _ = w.answers.Write([]byte(line))
	}
}

// keep takes out of an answer what is no data of the one who asked: how failures are worded, links, what is said about the
// request. The path of a failure is left out, whose names are the caller's own aliases (GraphQL, section 7.1.2).
func (w *world) keep(name string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for inner, v := range value {
			if name == "" && (inner == "errors" || inner == "extensions") || inner == "errors" {
				w.tell(v)
			}
			w.keep(inner, v)
		}
	case []any:
		for _, v := range value {
			w.keep(name, v)
		}
	case string:
		if strings.HasPrefix(value, "http") && name != "system" {
			fmt.Fprintf(&w.answers, "link: %s\n", value)
		}
	}
}

func (w *world) tell(failures any) {
	list, _ := failures.([]any)
	for _, failure := range list {
		fields, _ := failure.(map[string]any)
		if fields["extensions"] != nil {
			delete(fields, "path")
		}
	}
	text, err := json.Marshal(failures)
	w.must(err)
	fmt.Fprintf(&w.answers, "failures: %s\n", text)
}

// ask posts a document and answers its data under "done" and whether there was no failure.
func (w *world) ask(who, document string, variables map[string]any) (done map[string]any, ok bool) {
	w.t.Helper()
	return w.askWith(who, document, variables, nil)
}

func (w *world) askWith(who, document string, variables map[string]any, headers map[string]string) (done map[string]any, ok bool) {
	w.t.Helper()
	body, err := json.Marshal(object{"query": document, "variables": variables, "operationName": nil})
	w.must(err)
	var read map[string]any // as the server has them
	w.must(json.Unmarshal(body, &read))
	given, _ := read["variables"].(map[string]any)
	answer := w.do(http.MethodPost, "/graphql", who, body, headers)
	data, _ := answer["data"].(map[string]any)
	done, _ = data[word].(map[string]any)
	refusals, _ := done["errors"].([]any)
	ok = answer != nil && answer["errors"] == nil && len(refusals) == 0 && done != nil
	w.sent.note(document, given, ok)
	return done, ok
}

// named wraps a field into an operation whose name, alias and comments are canaries.
func named(kind, variables, field string) string {
	return fmt.Sprintf("# %s\n%s %s%s { %s: %s } # %s %s", word, kind, word, variables, word, field, word, born)
}

// id reads an id out of an answer.
func id(done map[string]any, path ...string) string {
	for _, step := range path {
		if list, isList := done[step].([]any); isList && len(list) > 0 {
			done, _ = list[0].(map[string]any)
			continue
		}
		done, _ = done[step].(map[string]any)
	}
	text, _ := done["id"].(string)
	return text
}

func (w *world) everyone() []string {
	var names []string
	for name := range w.tokens {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
