package archtest

import (
	"fmt"
	"go/ast"
	"iter"
	"path"
	"regexp"
	"slices"
	"strconv"
)

// ban forbids names of a package. Tests of floors that aren't rooms are free.
type ban struct {
	pkg    string
	names  []string
	except []string          // floors where they are at home
	only   []string          // floors where they are forbidden; empty: all
	rooms  bool              // forbidden in rooms alone, and there not in tests
	tests  bool              // forbidden in all tests, too
	files  map[string]string // that may, each with its reason
	why    string
}

var workshop = []string{"internal/devstack", "internal/testkit/...", "bench/..."}

var bans = []ban{
	{pkg: "time", names: []string{"Now", "Since", "Until"}, except: join(workshop, []string{"internal/clock"}),
		why: "time comes in as a clock.Clock"},
	{pkg: "time", names: []string{"After", "AfterFunc", "NewTicker", "NewTimer", "Tick"}, only: allRooms, why: "a room doesn't wait"},
	{pkg: "time", names: []string{"Sleep"}, tests: true, why: "a signal or a timer is waited for, together with the end",
		files: map[string]string{"internal/app/door.go": "the delay is the operator's, and nothing ends it"}},
	{pkg: "time", names: []string{"LoadLocation", "Local"}, tests: true, except: []string{"internal/clock"},
		why: "zones are those that the program carries: clock.Zone"},
	{pkg: module + "/internal/clock", names: []string{"System"}, only: join(allRooms, []string{"internal/postgres", "internal/live", "internal/intake"}),
		files: map[string]string{
			"internal/postgres/positions.go": "how old a look at the log is, whatever the product's time",
			"internal/postgres/health.go":    "the same of a look at the database",
		},
		why: "time comes in as a clock.Clock"},
	{pkg: "fmt", names: []string{"Print", "Printf", "Println"}, tests: true, why: "where to write comes in as a writer"},
	{pkg: "log/slog", names: []string{"Default", "SetDefault", "Debug", "DebugContext", "Info", "InfoContext", "Warn", "WarnContext",
		"Error", "ErrorContext", "Log", "LogAttrs", "With", "SetLogLoggerLevel"},
		files: map[string]string{"internal/app/overhear.go": "what libraries write for themselves goes where everything goes"},
		why:   "a logger comes in as a value"},
	{pkg: "net/http", names: []string{"DefaultClient", "DefaultServeMux", "DefaultTransport", "Get", "Head", "Post", "PostForm", "Handle",
		"HandleFunc", "ListenAndServe", "ListenAndServeTLS", "Serve"},
		why: "it has no timeout, or is shared by the whole process"},
	{pkg: "os", names: []string{"Getenv", "LookupEnv", "Environ"}, except: join(workshop, []string{"cmd/...", "internal/app"}),
		why: "settings are read once, by internal/app"},
	{pkg: "github.com/google/uuid", names: []string{"New", "NewString", "NewRandom", "NewUUID", "NewV6", "NewV7"}, rooms: true,
		why: "ids come in as a function"},
	{pkg: "math/rand/v2", rooms: true, why: "randomness comes in as a function"},
	{pkg: "math/rand", rooms: true, why: "randomness comes in as a function"},
	{pkg: "crypto/rand", rooms: true, why: "randomness comes in as a function"},
}

func checkCalls(s source) []string {
	f, _ := deepest(s.pkg)
	var faults []string
	names := map[string][]ban{}
	for _, spec := range s.syntax.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		name := localName(spec, imported)
		if name == "." {
			faults = append(faults, s.at(spec)+": a dot import hides where names come from")
		}
		for _, b := range bans {
			if b.pkg == imported && b.holds(f, s) {
				names[name] = append(names[name], b)
			}
		}
	}
	for selector, x := range s.selectors() {
		for _, b := range names[x] {
			if b.names == nil || slices.Contains(b.names, selector.Sel.Name) {
				faults = append(faults, fmt.Sprintf("%s: %s.%s: %s", s.at(selector), path.Base(b.pkg), selector.Sel.Name, b.why))
			}
		}
	}
	return faults
}

// selectors are all X.Sel of a file where X is a plain name.
func (s source) selectors() iter.Seq2[*ast.SelectorExpr, string] {
	return func(yield func(*ast.SelectorExpr, string) bool) {
		for n := range ast.Preorder(s.syntax) {
			if selector, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := selector.X.(*ast.Ident); ok && !yield(selector, x.Name) {
					return
				}
			}
		}
	}
}

func (b ban) holds(f floor, s source) bool {
	if _, excused := b.files[s.path]; excused || s.generated {
		return false
	}
	if s.test && !f.room && !b.tests || b.rooms && (!f.room || s.test) {
		return false
	}
	return !holdsAny(b.except, s.pkg) && (b.only == nil || holdsAny(b.only, s.pkg))
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

func localName(spec *ast.ImportSpec, imported string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	if majorVersion.MatchString(path.Base(imported)) {
		imported = path.Dir(imported)
	}
	return path.Base(imported)
}
