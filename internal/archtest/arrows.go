package archtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// checkFloor says which imports of a file its floor may not make.
func checkFloor(s source) []string {
	f, ok := deepest(s.pkg)
	if !ok {
		return []string{s.path + ": its package has no floor in the plan"}
	}
	var faults []string
	for _, spec := range s.syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil || f.mayImport(imported, s) {
			continue
		}
		faults = append(faults, fmt.Sprintf("%s: %s may not import %s", s.at(spec), f.at, strings.TrimPrefix(imported, module+"/")))
	}
	return faults
}

func (f floor) mayImport(imported string, s source) bool {
	ours, isOurs := strings.CutPrefix(imported, module+"/")
	switch {
	case isOurs:
		return f.mayEnter(ours, s)
	case within(computing, imported):
		return true
	case s.test && slices.Contains(inTests, imported):
		return true
	case !strings.Contains(strings.Split(imported, "/")[0], "."): // the standard library
		whole := strings.TrimSuffix(imported, "/httptest")
		return !reaches(imported) || slices.Contains(f.uses, whole) || s.test && slices.Contains(f.tests, whole) ||
			imported == "testing" && f.support
	default:
		return within(f.uses, imported) || s.test && within(f.tests, imported)
	}
}

// mayEnter says whether the floor may import one of our packages. What is made for tests stays there.
func (f floor) mayEnter(pkg string, s source) bool {
	target, ok := deepest(pkg)
	if !ok {
		return false
	}
	if target.support {
		return f.holds(pkg) || f.support && holdsAny(f.may, pkg) || s.test && (!f.room || len(target.uses) == 0)
	}
	return f.holds(pkg) || holdsAny(f.may, pkg) || s.test && holdsAny(f.tests, pkg)
}

func holdsAny(list []string, pkg string) bool {
	return slices.ContainsFunc(list, func(at string) bool { return at == "..." || floor{at: at}.holds(pkg) })
}

// within says whether an import is one of the libraries or a package of it.
func within(libraries []string, imported string) bool {
	return slices.ContainsFunc(libraries, func(l string) bool { return imported == l || strings.HasPrefix(imported, l+"/") })
}

func reaches(imported string) bool {
	return slices.Contains(reaching, imported) || slices.ContainsFunc(reachingBelow, func(p string) bool { return strings.HasPrefix(imported, p+"/") })
}
