package archtest

import "strings"

const module = "github.com/mediconnect/mediconnect"

// floor is a package, or with "/..." a folder of them, and what it may import. Standard packages that only compute are
// free to all, and so are the libraries that only compute.
type floor struct {
	at      string
	may     []string // of ours, on top of itself
	uses    []string // that reach out of the process, or bind it to a framework
	tests   []string // that its tests may import on top, of ours or not
	support bool     // only tests and other test support import it
	room    bool     // pure rules: time, ids and randomness are passed in
}

func (f floor) holds(pkg string) bool {
	folder, deep := strings.CutSuffix(f.at, "/...")
	return pkg == folder || deep && strings.HasPrefix(pkg, folder+"/")
}

// What most floors stand on.
var foundations = []string{"internal/errs", "internal/access", "internal/clock", "internal/paging", "internal/form"}

// Frameworks and drivers, by what they bind to.
var (
	sql     = []string{"github.com/jackc/pgx/v5", "github.com/vgarvardt/pgx-google-uuid/v5", "github.com/pressly/goose/v3", "database/sql"}
	redis   = []string{"github.com/redis/go-redis/v9"}
	sockets = []string{"github.com/coder/websocket"}
	mail    = []string{"github.com/wneessen/go-mail"}
	graphql = []string{"github.com/99designs/gqlgen", "github.com/vektah/gqlparser/v2", "github.com/vikstrous/dataloadgen"}
	web     = []string{"net/http", "log/slog"}
	metrics = []string{"github.com/prometheus/client_golang", "net/http/pprof"}
	oauth   = []string{"github.com/zitadel/oidc/v3"}
	process = []string{"os", "os/exec", "os/signal", "os/user", "syscall", "net", "runtime", "runtime/debug", "runtime/metrics"}
)

var allRooms = []string{"internal/clinic", "internal/provider", "internal/patient", "internal/breakglass", "internal/retention", "internal/availability", "internal/conflict", "internal/appointment", "internal/reminder", "internal/waitlist", "internal/closure", "internal/audit", "internal/identity", "internal/partner"}

// plan is the house: floors from the ground up, rooms from left to right.
var plan = []floor{
	{at: "internal/errs"},
	{at: "internal/clock"},
	{at: "internal/access", may: foundations[:1], uses: []string{"log/slog"}},           // private data hides itself in logs
	{at: "internal/seal", may: []string{"internal/access"}, uses: []string{"log/slog"}}, // keys hide themselves in logs
	{at: "internal/access/token", may: foundations[:3], uses: []string{"github.com/golang-jwt/jwt/v5"}},
	{at: "internal/paging", may: foundations[:1]},
	{at: "internal/form", may: []string{"internal/errs", "internal/clock"}},

	room("clinic"),
	room("provider", "clinic"),
	room("patient", "clinic"),
	room("breakglass", "clinic", "patient"),
	room("retention", "clinic", "patient"),
	room("availability", "clinic", "provider"),
	room("conflict", "clinic", "availability"),
	room("appointment", "clinic", "availability", "conflict"),
	room("reminder", "clinic", "patient", "availability", "conflict", "appointment"),
	room("waitlist", "clinic", "availability", "appointment", "reminder"),
	room("closure", "clinic", "provider", "availability", "appointment", "waitlist"),
	room("audit", "clinic"),
	room("identity", "clinic", "provider", "patient"),
	room("partner", "clinic", "identity"),
	contract("clinic"),
	contract("provider", "clinic"),
	contract("patient", "clinic"),

	{at: "internal/live", may: join(foundations, allRooms)},
	{at: "internal/intake", may: join(foundations, allRooms), uses: join(web[:1], process),
		tests: []string{"internal/intake/demo", "internal/postgres", "github.com/jackc/pgx/v5"}},
	{at: "internal/intake/demo", may: join(foundations, allRooms, []string{"internal/intake"}),
		tests: []string{"internal/postgres", "github.com/jackc/pgx/v5"}},

	{at: "internal/intake/load", may: join(foundations, allRooms),
		tests: []string{"internal/intake/demo", "internal/live", "internal/postgres", "github.com/jackc/pgx/v5"}},

	{at: "internal/keyring", may: join(foundations, []string{"internal/seal"}), uses: process},
	{at: "internal/postgres", may: join(foundations, allRooms, []string{"internal/access/token", "internal/live", "internal/intake/load", "internal/postgres/migrate", "internal/resilience", "internal/seal"}),
		uses: join(sql, []string{"net"})},
	{at: "internal/resilience", may: []string{"internal/clock"}, uses: []string{"github.com/failsafe-go/failsafe-go"}},
	{at: "internal/flags", may: []string{"internal/errs", "internal/access", "internal/clock", "internal/resilience"},
		uses: join(web, []string{"github.com/Unleash/unleash-client-go/v4", "github.com/golang-jwt/jwt/v5", "net", "os"})},
	{at: "internal/redis", may: join(foundations, []string{"internal/live", "internal/resilience"}), uses: join(redis, []string{"crypto/tls", "github.com/go-redis/redis_rate/v10"}),
		tests: join(sql, []string{"internal/devstack", "internal/postgres", "internal/postgres/migrate", "internal/clinic"})},
	{at: "internal/queue", may: join(foundations, []string{"internal/clinic", "internal/reminder"}), uses: join(redis, web, []string{"github.com/hibiken/asynq", "github.com/hibiken/asynqmon", "crypto/tls"}),
		tests: []string{"internal/devstack"}},
	{at: "internal/channel/...", may: join(foundations, []string{"internal/clinic", "internal/reminder", "internal/resilience"}), uses: []string{"net/http", "net/http/httptrace", "net", "crypto/tls"},
		tests: []string{"internal/vendors"}},
	{at: "internal/telemetry", uses: join(web[:1], metrics)},
	{at: "internal/anchor", may: []string{"internal/errs", "internal/access", "internal/clinic", "internal/audit"}, uses: []string{"os", "syscall"}},
	{at: "internal/openid", may: []string{"internal/errs", "internal/access", "internal/clock", "internal/identity", "internal/resilience"},
		uses: []string{"github.com/zitadel/oidc/v3", "golang.org/x/oauth2", "net/http"}, tests: []string{"github.com/go-jose/go-jose/v4"}},
	{at: "internal/mail", may: []string{"internal/access", "internal/clock", "internal/identity"}, uses: join(mail, []string{"crypto/tls", "net", "os"}),
		tests: []string{"github.com/emersion/go-smtp", "github.com/emersion/go-sasl", "log"}},
	{at: "internal/postgres/migrate", may: []string{"migrations"}, uses: join(sql, []string{"log/slog"})},
	{at: "migrations", tests: join(sql, []string{"internal/postgres/migrate"})},

	{at: "graph/oauth", may: join(foundations, allRooms, []string{"graph/accesslog"}), uses: join(web, oauth)},
	{at: "graph/callbacks", may: join(foundations, []string{"internal/clinic", "internal/reminder", "graph/accesslog", "graph/throttle", "graph/transport", "graph/viewer"}), uses: web},
	{at: "graph/links", may: join(foundations, []string{"internal/clinic", "internal/reminder", "graph/accesslog", "graph/transport"}), uses: web},
	{at: "graph/...", may: join(foundations, allRooms, []string{"graph/...", "internal/live"}), uses: join(graphql, web, sockets, []string{"net", "runtime", "runtime/debug"}),
		tests: []string{"internal/access/token"}},
	{at: "resolvers", may: join(foundations, allRooms, []string{"graph/...", "internal/live"}), uses: join(graphql, []string{"runtime/debug"}),
		tests: join(web, []string{"internal/access/token", "internal/postgres", "github.com/jackc/pgx/v5"})},
	{at: "workers", may: join(foundations, allRooms), uses: []string{"log/slog"}},

	{at: "internal/app", may: []string{"..."}, uses: join(sql, redis, graphql, web, process, []string{"crypto/tls", "github.com/caarlos0/env/v11"}),
		tests: sockets},
	{at: "cmd/mediconnect", may: []string{"internal/app"}, uses: join(process, []string{"github.com/urfave/cli/v3"}),
		tests: join(sql, redis, web, []string{"internal/clock", "internal/devstack"})},

	{at: "internal/devstack", uses: join(sql, process), tests: redis},
	{at: "internal/vendors", may: []string{"internal/clock"}, uses: join(web, []string{"net", "syscall"})},
	{at: "internal/testkit/pgtest", may: []string{"internal/devstack", "internal/postgres/migrate"}, uses: join(sql, process), support: true},
	{at: "internal/testkit/keytest", may: []string{"internal/devstack", "internal/keyring"}, uses: join(sql, []string{"testing"}), support: true},
	{at: "internal/testkit/redistest", may: []string{"internal/devstack"}, uses: join(redis, process), support: true},
	{at: "internal/testkit/nodetest", may: []string{"internal/devstack"}, uses: process, support: true},
	{at: "internal/testkit/unleashtest", may: []string{"internal/testkit/nodetest", "internal/testkit/pgtest"}, uses: join(sql, web[:1], process, []string{"testing"}), support: true},
	{at: "internal/testkit/sample", may: join(foundations, allRooms, []string{"internal/seal", "internal/testkit/keytest"}), uses: sql, support: true},
	{at: "internal/testkit/posttest", may: join(foundations, []string{"internal/keyring", "internal/reminder", "internal/seal"}), uses: sql, support: true},
	{at: "internal/testkit/certtest", uses: join(process, []string{"testing"}), support: true},
	{at: "internal/testkit/openidtest", uses: []string{"net/http", "github.com/go-jose/go-jose/v4", "testing"}, support: true},
	{at: "internal/testkit/gqltest", uses: web, support: true},
	{at: "bench/rig", may: join(foundations, []string{"internal/access/token", "internal/clinic", "graph/globalid", "internal/devstack"}),
		uses: join(sql, web, sockets, process), support: true},
	{at: "bench", tests: join([]string{"...", "github.com/Unleash/unleash-client-go/v4"}, sql, web, sockets, graphql, []string{"net/http/pprof"})},
	{at: "bench/prove", tests: join([]string{"..."}, sql, redis, web)},
	{at: "bench/privacy", tests: join([]string{"..."}, sql, web, redis, graphql)},
	{at: "bench/planted", tests: join([]string{"..."}, sql, web)},
	{at: "test/clients", tests: join([]string{"..."}, web)},
	{at: "internal/archtest", tests: []string{"os"}},
}

// room may import the foundations and the rooms named, which stand to its left.
func room(name string, left ...string) floor {
	return floor{at: "internal/" + name, may: join(foundations, prefixed(left)), room: true}
}

// contract is a room's tests of its stores, which every store runs.
func contract(name string, left ...string) floor {
	f := room(name, left...)
	f.at += "/" + name + "test"
	f.may = append(f.may, "internal/"+name)
	for _, l := range left {
		f.may = append(f.may, "internal/"+l+"/"+l+"test")
	}
	f.support, f.room = true, false
	return f
}

func prefixed(names []string) (paths []string) {
	for _, n := range names {
		paths = append(paths, "internal/"+n)
	}
	return paths
}

func join(lists ...[]string) (all []string) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// computing are the libraries that reach nothing outside the process.
var computing = []string{
	"cloud.google.com/go/civil",
	"github.com/alexedwards/argon2id",
	"github.com/arran4/golang-ical",
	"github.com/go-jose/go-jose/v4",
	"github.com/google/uuid",
	"github.com/hashicorp/golang-lru/v2",
	"github.com/pquerna/otp",
	"github.com/ringsaturn/tzf",
	"github.com/trustelem/zxcvbn",
	"golang.org/x/sync",
	"golang.org/x/text",
	"golang.org/x/time",
}

// inTests are what every test may import on top, a room's too.
var inTests = join(process, []string{"pgregory.net/rapid", "testing", "log/slog"})

// reaching are the standard packages that reach out of the process; testing ties a program to its tests.
var reaching = join(process, web, []string{
	"C", "crypto/tls", "expvar", "io/ioutil", "log", "net/rpc", "net/smtp", "plugin", "testing", "unsafe",
})

// reachingBelow are folders of such packages.
var reachingBelow = []string{"database", "log", "net/http", "net/rpc", "os", "runtime", "syscall"}
