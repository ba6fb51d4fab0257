package archtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/archtest"
)

const ours = `"github.com/mediconnect/mediconnect/`

// Each fault is one file added to a sound house; the inspector must find that and nothing else.
var planted = []struct{ name, path, text, want string }{
	{"a room knows the database", "internal/clinic/x.go", file("clinic", `_ "github.com/jackc/pgx/v5/pgxpool"`), "internal/clinic may not import github.com/jackc/pgx/v5/pgxpool"},
	{"a room knows database/sql", "internal/patient/x.go", file("patient", `_ "database/sql"`), "internal/patient may not import database/sql"},
	{"a room speaks HTTP", "internal/appointment/x.go", file("appointment", `_ "net/http"`), "internal/appointment may not import net/http"},
	{"a room's test speaks HTTP", "internal/appointment/x_test.go", file("appointment", `_ "net/http/httptest"`), "may not import net/http/httptest"},
	{"a room reads files", "internal/provider/x.go", file("provider", `_ "os"`), "internal/provider may not import os"},
	{"a room knows GraphQL", "internal/availability/x.go", file("availability", `_ "github.com/99designs/gqlgen/graphql"`), "may not import github.com/99designs/gqlgen/graphql"},
	{"a room knows Redis", "internal/clinic/x.go", file("clinic", `_ "github.com/redis/go-redis/v9"`), "may not import github.com/redis/go-redis/v9"},
	{"a room knows the queue", "internal/clinic/x.go", file("clinic", `_ "github.com/hibiken/asynq"`), "may not import github.com/hibiken/asynq"},
	{"a room knows feature flags", "internal/clinic/x.go", file("clinic", `_ "github.com/Unleash/unleash-go-sdk/v5"`), "may not import github.com/Unleash"},
	{"a room logs by itself", "internal/clinic/x.go", file("clinic", `_ "log/slog"`), "internal/clinic may not import log/slog"},
	{"a room uses a room to its right", "internal/provider/x.go", file("provider", `_ `+ours+`internal/availability"`), "internal/provider may not import internal/availability"},
	{"rooms beside each other", "internal/patient/x.go", file("patient", `_ `+ours+`internal/provider"`), "internal/patient may not import internal/provider"},
	{"a room goes down to the cellar", "internal/appointment/x.go", file("appointment", `_ `+ours+`internal/postgres"`), "internal/appointment may not import internal/postgres"},
	{"a room's test goes down to the cellar", "internal/appointment/x_test.go", file("appointment", `_ `+ours+`internal/testkit/pgtest"`), "may not import internal/testkit/pgtest"},
	{"a room asks the wall", "internal/clinic/x.go", file("clinic", `"time"`) + "var _ = time.Now\n", "time.Now: time comes in"},
	{"a room's test asks the wall", "internal/clinic/x_test.go", file("clinic", `"time"`) + "var _ = time.Now()\n", "time.Now: time comes in"},
	{"a room asks the wall by another name", "internal/clinic/x.go", file("clinic", `t "time"`) + "var _ = t.Since\n", "time.Since: time comes in"},
	{"a room asks the machine for a zone", "internal/availability/x.go", file("availability", `"time"`) + "var zone, _ = time.LoadLocation(\"Europe/Paris\")\n", "time.LoadLocation: zones are those"},
	{"the cellar asks the machine for a zone", "internal/postgres/x.go", file("postgres", `"time"`) + "var load = time.LoadLocation\n", "time.LoadLocation: zones are those"},
	{"the workshop asks the machine for a zone", "internal/devstack/x.go", file("devstack", `"time"`) + "var load = time.LoadLocation\n", "time.LoadLocation: zones are those"},
	{"the machine's own zone", "internal/app/x.go", file("app", `"time"`) + "var zone = time.Local\n", "time.Local: zones are those"},
	{"a room makes ids", "internal/appointment/x.go", file("appointment", `"github.com/google/uuid"`) + "var _ = uuid.New()\n", "uuid.New: ids come in"},
	{"a room asks the wall by its clock", "internal/clinic/x.go", file("clinic", ours+`internal/clock"`) + "var _ = clock.System{}.Now()\n", "clock.System: time comes in"},
	{"the cellar asks the wall by its clock", "internal/postgres/x.go", file("postgres", ours+`internal/clock"`) + "var _ = clock.System{}.Now()\n", "clock.System: time comes in"},
	{"a room loads a zone of the machine", "internal/availability/x.go", file("availability", `"time"`) + "var _, _ = time.LoadLocation(\"Europe/Paris\")\n", "time.LoadLocation: zones are those"},
	{"a test loads a zone of the machine", "graph/x_test.go", file("graph", `"time"`) + "var _, _ = time.LoadLocation(\"Europe/Paris\")\n", "time.LoadLocation: zones are those"},
	{"a room uses the machine's zone", "internal/clinic/x.go", file("clinic", `"time"`) + "var _ = time.Local\n", "time.Local: zones are those"},
	{"a room sleeps", "internal/clinic/x.go", file("clinic", `"time"`) + "func f() { time.Sleep(1) }\n", "time.Sleep: a signal"},
	{"a worker sleeps", "workers/x.go", file("workers", `"time"`) + "func f() { time.Sleep(1) }\n", "time.Sleep: a signal"},
	{"a test sleeps", "workers/x_test.go", file("workers", `"time"`) + "func f() { time.Sleep(1) }\n", "time.Sleep: a signal"},
	{"a room puts something off", "internal/clinic/x.go", file("clinic", `"time"`) + "var _ = time.AfterFunc(1, nil)\n", "time.AfterFunc: a room doesn't wait"},
	{"a test is passed over", "internal/app/x_test.go", file("app", `"testing"`) + "func TestX(t *testing.T) { t.Skip() }\n", "a test that is passed over"},
	{"a test is passed over in haste", "internal/app/x_test.go", file("app", `"testing"`) + "func f() bool { return testing.Short() }\n", "a test that is passed over"},
	{"a room speaks TLS", "internal/clinic/x.go", file("clinic", `_ "crypto/tls"`), "internal/clinic may not import crypto/tls"},
	{"a room reads files as of old", "internal/clinic/x.go", file("clinic", `_ "io/ioutil"`), "internal/clinic may not import io/ioutil"},
	{"a room tells the system's log", "internal/clinic/x.go", file("clinic", `_ "log/syslog"`), "internal/clinic may not import log/syslog"},
	{"a room calls other programs", "internal/clinic/x.go", file("clinic", `_ "net/rpc/jsonrpc"`), "internal/clinic may not import net/rpc/jsonrpc"},
	{"a room is written in C", "internal/clinic/x.go", file("clinic", `"C"`), "internal/clinic may not import C"},
	{"a room prints", "internal/clinic/x.go", file("clinic", `"fmt"`) + "func f() { fmt.Println() }\n", "fmt.Println: where to write"},
	{"the plan prints", "internal/app/x.go", file("app", `"fmt"`) + "func f() { fmt.Printf(\"\") }\n", "fmt.Printf: where to write"},
	{"a room says that it was generated", "internal/clinic/x.go", "// Code generated by hand, DO NOT EDIT.\n\n" + file("clinic", `"time"`) + "var _ = time.Now\n", "time.Now: time comes in"},
	{"a client that waits for ever", "internal/app/x.go", file("app", `"net/http"`) + "var _ = &http.Client{Jar: nil}\n", "an http.Client without a Timeout"},
	{"a client by new", "internal/app/x.go", file("app", `web "net/http"`) + "var _ = new(web.Client)\n", "an http.Client without a Timeout"},
	{"a client as a variable", "internal/app/x.go", file("app", `"net/http"`) + "var _ http.Client\n", "an http.Client without a Timeout"},
	{"a room throws dice", "internal/availability/x.go", file("availability", `"math/rand/v2"`) + "var _ = rand.IntN(6)\n", "randomness comes in"},
	{"the cellar calls upward", "internal/postgres/x.go", file("postgres", `_ `+ours+`graph/viewer"`), "internal/postgres may not import graph/viewer"},
	{"the cellar asks the wall", "internal/postgres/x.go", file("postgres", `"time"`) + "var _ = time.Now\n", "time.Now"},
	{"the door goes down to the cellar", "graph/loader/x.go", file("loader", `_ `+ours+`internal/postgres"`), "graph/... may not import internal/postgres"},
	{"the door calls the hallway", "graph/x.go", file("graph", `_ `+ours+`resolvers"`), "graph/... may not import resolvers"},
	{"the hallway goes down to the cellar", "resolvers/x.go", file("resolvers", `_ `+ours+`internal/postgres"`), "resolvers may not import internal/postgres"},
	{"the hallway knows the driver", "resolvers/x.go", file("resolvers", `_ "github.com/jackc/pgx/v5"`), "resolvers may not import github.com/jackc/pgx/v5"},
	{"the back stairs use the cellar", "workers/x.go", file("workers", `_ `+ours+`internal/postgres"`), "workers may not import internal/postgres"},
	{"the stream knows a transport", "internal/live/x.go", file("live", `_ "net/http"`), "internal/live may not import net/http"},
	{"the stream knows the driver", "internal/live/x.go", file("live", `_ "github.com/jackc/pgx/v5"`), "internal/live may not import github.com/jackc/pgx/v5"},
	{"imports know the cellar", "internal/intake/x.go", file("intake", `_ `+ours+`internal/postgres"`), "internal/intake may not import internal/postgres"},
	{"a foundation knows a room", "internal/errs/x.go", file("errs", `_ `+ours+`internal/clinic"`), "internal/errs may not import internal/clinic"},
	{"the gate goes past the plan", "cmd/mediconnect/x.go", file("main", `_ `+ours+`internal/postgres"`), "cmd/mediconnect may not import internal/postgres"},
	{"the product needs its tests", "internal/app/x.go", file("app", `_ `+ours+`internal/testkit/pgtest"`), "internal/app may not import internal/testkit/pgtest"},
	{"the product needs its bench", "internal/app/x.go", file("app", `_ `+ours+`bench/rig"`), "internal/app may not import bench/rig"},
	{"the product needs package testing", "internal/app/x.go", file("app", `_ "testing"`), "internal/app may not import testing"},
	{"an unknown library", "internal/app/x.go", file("app", `_ "example.com/lib"`), "internal/app may not import example.com/lib"},
	{"a global logger", "workers/x.go", file("workers", `"log/slog"`) + "func f() { slog.Info(\"x\") }\n", "slog.Info: a logger comes in"},
	{"a global logger of old", "internal/app/x.go", file("app", `_ "log"`), "internal/app may not import log"},
	{"a client without a timeout", "internal/intake/x.go", file("intake", `"net/http"`) + "var _ = http.DefaultClient\n", "http.DefaultClient: it has no timeout"},
	{"settings read in passing", "internal/intake/x.go", file("intake", `"os"`) + "var _ = os.Getenv(\"X\")\n", "os.Getenv: settings are read once"},
	{"a dot import", "internal/app/x.go", file("app", `. "strings"`), "a dot import"},
	{"a package without a floor", "internal/attic/x.go", "// Package attic is nowhere.\n" + file("attic", `_ "time"`), "internal/attic/x.go: its package has no floor"},
	{"a package without a comment", "graph/silent/x.go", file("silent", `_ "time"`), "graph/silent: no package comment"},
	{"a package for whatever is left", "graph/util/x.go", "// Package util is a heap.\n" + file("util", `_ "time"`), "graph/util: the name says nothing"},
	{"a long file", "internal/clinic/x.go", "package clinic\n" + strings.Repeat("\n", 350), "internal/clinic/x.go: 351 lines, at most 350"},
	{"a long function", "internal/clinic/x.go", "package clinic\n\nfunc f() {\n" + strings.Repeat("\n", 49) + "}\n", "function f has 51 lines, at most 50"},
	{"a long main", "cmd/mediconnect/main.go", "package main\n" + strings.Repeat("\n", 40), "cmd/mediconnect/main.go: 41 lines, at most 40"},
	{"a broken file", "internal/clinic/x.go", "package", "internal/clinic/x.go: can't be read"},
}

func file(name, imports string) string {
	return "package " + name + "\n\nimport (\n\t" + imports + "\n)\n\n"
}

// rooms are the real packages by the one file each that says what it is: quick to read, and with nothing else in them.
func rooms(t *testing.T) []archtest.File {
	t.Helper()
	return slices.DeleteFunc(project(t), func(f archtest.File) bool {
		text := string(f.Text)
		return len(f.Text) > 20_000 || !strings.HasPrefix(text, "// Package ") && !strings.HasPrefix(text, "// Command ")
	})
}

func TestEachPlantedFaultIsFound(t *testing.T) {
	house := rooms(t)
	for _, p := range planted {
		t.Run(p.name, func(t *testing.T) {
			faults := archtest.Check(append(slices.Clone(house), archtest.File{Path: p.path, Text: []byte(p.text)}))
			if len(faults) != 1 || !strings.Contains(faults[0], p.want) {
				t.Errorf("want %q, got %q", p.want, faults)
			}
		})
	}
}

// What is allowed at both sides of a border, so that the inspector isn't strict by accident.
func TestWhatIsAllowedIsNoFault(t *testing.T) {
	house := rooms(t)
	for _, p := range []struct{ name, path, text string }{
		{"a file of 350 lines", "internal/clinic/x.go", "package clinic\n" + strings.Repeat("\n", 349)},
		{"a function of 50 lines", "internal/clinic/x.go", "package clinic\n\nfunc f() {\n" + strings.Repeat("\n", 48) + "}\n"},
		{"a long test", "internal/clinic/x_test.go", "package clinic\n" + strings.Repeat("\n", 400)},
		{"a long generated file", "graph/generated/x.go", "// Code generated by gqlgen, DO NOT EDIT.\n\npackage generated\n" + strings.Repeat("\n", 400)},
		{"a room to the left", "internal/appointment/x.go", file("appointment", `_ `+ours+`internal/availability"`)},
		{"the cellar knows rooms and the stream", "internal/postgres/x.go", file("postgres", `_ `+ours+`internal/live"`)},
		{"the workshop asks the wall", "internal/devstack/x.go", file("devstack", `"time"`) + "var _ = time.Now\n"},
		{"another Now", "internal/clinic/x.go", file("clinic", `time `+ours+`internal/clock"`) + "func now(c time.Clock) any { return c.Now }\n"},
		{"a client that gives up", "internal/app/x.go", file("app", `"net/http"`) + "var _ = http.Client{Timeout: 1}\n"},
		{"a client that is passed on", "internal/app/x.go", file("app", `"net/http"`) + "func f(*http.Client) {}\n"},
		{"the plan asks the wall by its clock", "internal/app/x.go", file("app", ours+`internal/clock"`) + "var _ = clock.System{}.Now()\n"},
		{"a timer outside the rooms", "workers/x.go", file("workers", `"time"`) + "var _ = time.NewTimer(1)\n"},
	} {
		t.Run(p.name, func(t *testing.T) {
			if faults := archtest.Check(append(slices.Clone(house), archtest.File{Path: p.path, Text: []byte(p.text)})); len(faults) > 0 {
				t.Errorf("got %q", faults)
			}
		})
	}
}

func TestAFloorThatNobodyLivesOnIsFound(t *testing.T) {
	without := slices.DeleteFunc(rooms(t), func(f archtest.File) bool { return strings.HasPrefix(f.Path, "workers/") })
	if faults := archtest.Check(without); !slices.Contains(faults, "workers: the plan has a floor that the house lacks") {
		t.Errorf("got %q", faults)
	}
}
