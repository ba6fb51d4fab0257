package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strconv"
)

// ban forbids names of a package. Tests of floors that aren't rooms are free.
type ban struct {
	pkg    string
	names  []string
	except []string // floors where they are at home
	rooms  bool     // forbidden in rooms alone
	why    string
}

var workshop = []string{"internal/devstack", "internal/testkit/...", "bench/..."}

var bans = []ban{
	{pkg: "time", names: []string{"Now", "Since", "Until"}, except: join(workshop, []string{"internal/clock"}),
		why: "time comes in as a clock.Clock"},
	{pkg: "time", names: []string{"LoadLocation", "Local"}, why: "zones come from internal/clock, never from the machine"},
	{pkg: "log/slog", names: []string{"Default", "SetDefault", "Debug", "DebugContext", "Info", "InfoContext", "Warn", "WarnContext",
		"Error", "ErrorContext", "Log", "LogAttrs", "With", "SetLogLoggerLevel"}, why: "a logger comes in as a value"},
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
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok {
			for _, b := range names[x.Name] {
				if b.forbids(selector.Sel.Name) {
					faults = append(faults, fmt.Sprintf("%s: %s.%s: %s", s.at(selector), path.Base(b.pkg), selector.Sel.Name, b.why))
				}
			}
		}
		return true
	})
	return faults
}

func (b ban) forbids(name string) bool { return b.names == nil || slices.Contains(b.names, name) }

func (b ban) holds(f floor, s source) bool {
	if s.generated || s.test && !f.room || b.rooms && (!f.room || s.test) {
		return false
	}
	return !holdsAny(b.except, s.pkg)
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
