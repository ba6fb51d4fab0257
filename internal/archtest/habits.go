package archtest

import (
	"go/ast"
	"slices"
	"strconv"
)

// endless names the files with an HTTP client that has no timeout of its own.
var endless = map[string]string{
	"internal/intake/web.go": "a large file may take long; each piece of it is waited for within bounds",
}

// checkClients finds HTTP clients that wait for ever.
func checkClients(s source) []string {
	http, imported := s.nameOf("net/http")
	if _, excused := endless[s.path]; !imported || excused || s.test {
		return nil
	}
	var faults []string
	for n := range ast.Preorder(s.syntax) {
		if madeClient(n, http) {
			faults = append(faults, s.at(n)+": an http.Client without a Timeout")
		}
	}
	return faults
}

// madeClient says whether a node makes a client: by a literal without a timeout, by new, or as a variable.
func madeClient(n ast.Node, http string) bool {
	switch n := n.(type) {
	case *ast.CompositeLit:
		return isClient(n.Type, http) && !slices.ContainsFunc(n.Elts, func(e ast.Expr) bool {
			pair, ok := e.(*ast.KeyValueExpr)
			if !ok {
				return false
			}
			key, ok := pair.Key.(*ast.Ident)
			return ok && key.Name == "Timeout"
		})
	case *ast.CallExpr:
		f, ok := n.Fun.(*ast.Ident)
		return ok && f.Name == "new" && len(n.Args) == 1 && isClient(n.Args[0], http)
	case *ast.ValueSpec:
		return isClient(n.Type, http)
	}
	return false
}

func isClient(e ast.Expr, http string) bool {
	selector, ok := e.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != "Client" {
		return false
	}
	x, ok := selector.X.(*ast.Ident)
	return ok && x.Name == http
}

// nameOf is what a file calls a package that it imports.
func (s source) nameOf(pkg string) (name string, imported bool) {
	for _, spec := range s.syntax.Imports {
		if found, _ := strconv.Unquote(spec.Path.Value); found == pkg {
			return localName(spec, pkg), true
		}
	}
	return "", false
}

// skipping names the tests that may be passed over, each with its reason.
var skipping = map[string]string{
	"internal/devstack/place_test.go":    "only root can work for another user",
	"internal/devstack/postgres_test.go": "a bare chroot has no /proc, and nothing else tells what a process is",
	"internal/postgres/health_test.go":   "not everybody may stop a server's processes",
}

// checkSkips finds tests that a run passes over in silence.
func checkSkips(s source) []string {
	if _, excused := skipping[s.path]; excused || !s.test {
		return nil
	}
	var faults []string
	for selector := range s.selectors() {
		if slices.Contains([]string{"Skip", "Skipf", "SkipNow", "Short"}, selector.Sel.Name) {
			faults = append(faults, s.at(selector)+": a test that is passed over proves nothing")
		}
	}
	return faults
}
