// Package archtest is the building inspector: it reads every Go file and says where the house differs from its floor plan.
package archtest

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
)

// File is a Go file: its path from the project's root, with slashes, and its text.
type File struct {
	Path string
	Text []byte
}

// source is a file as the rules see it.
type source struct {
	path      string
	pkg       string // its folder, or "." at the root
	test      bool
	generated bool // only gqlgen's, below graph: elsewhere the words would be a way around the rules
	lines     int
	syntax    *ast.File
	set       *token.FileSet
}

// Check lists every breach of the plan in files, which are the whole project, sorted.
func Check(files []File) []string {
	var faults []string
	sources := make([]source, 0, len(files))
	for _, f := range files {
		s, err := read(f)
		if err != nil {
			faults = append(faults, fmt.Sprintf("%s: can't be read: %v", f.Path, err))
			continue
		}
		sources = append(sources, s)
	}
	for _, s := range sources {
		faults = append(faults, checkFloor(s)...)
		faults = append(faults, checkSize(s)...)
		faults = append(faults, checkCalls(s)...)
		faults = append(faults, checkClients(s)...)
		faults = append(faults, checkSkips(s)...)
	}
	faults = append(faults, checkPackages(sources)...)
	slices.Sort(faults)
	return slices.Compact(faults)
}

func read(f File) (source, error) {
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, f.Path, f.Text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	return source{
		path: f.Path, pkg: path.Dir(f.Path), test: strings.HasSuffix(f.Path, "_test.go"),
		generated: ast.IsGenerated(syntax) && strings.HasPrefix(f.Path, "graph/"), lines: strings.Count(string(f.Text), "\n"), syntax: syntax, set: set,
	}, nil
}

// at is a place in the file for a message.
func (s source) at(node ast.Node) string {
	return fmt.Sprintf("%s:%d", s.path, s.set.Position(node.Pos()).Line)
}

// checkPackages looks at what several files say together.
func checkPackages(sources []source) []string {
	var faults []string
	commented := map[string]bool{}
	for _, s := range sources {
		commented[s.pkg] = commented[s.pkg] || s.syntax.Doc != nil
	}
	for pkg, ok := range commented {
		if !ok && !slices.ContainsFunc(sources, func(s source) bool { return s.pkg == pkg && s.generated }) {
			faults = append(faults, pkg+": no package comment says which floor it is")
		}
		if slices.Contains(vague, path.Base(pkg)) {
			faults = append(faults, pkg+": the name says nothing about what is inside")
		}
	}
	for _, f := range plan {
		if !slices.ContainsFunc(sources, func(s source) bool { return f.holds(s.pkg) }) {
			faults = append(faults, f.at+": the plan has a floor that the house lacks")
		}
	}
	return faults
}

var vague = []string{"util", "utils", "common", "helper", "helpers", "manager", "misc", "base", "shared"}

const (
	longestFile     = 350 // lines
	longestFunction = 50
	longestMain     = 40 // lines of the program's main.go
)

func checkSize(s source) []string {
	if s.test || s.generated {
		return nil
	}
	var faults []string
	limit := longestFile
	if path.Base(s.path) == "main.go" {
		limit = longestMain
	}
	if s.lines > limit {
		faults = append(faults, fmt.Sprintf("%s: %d lines, at most %d", s.path, s.lines, limit))
	}
	for _, d := range s.syntax.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1; n > longestFunction {
			faults = append(faults, fmt.Sprintf("%s: function %s has %d lines, at most %d", s.at(f), f.Name.Name, n, longestFunction))
		}
	}
	return faults
}

// deepest finds the floor of a package: the most exact entry of the plan.
func deepest(pkg string) (floor, bool) {
	var found []floor
	for _, f := range plan {
		if f.holds(pkg) {
			found = append(found, f)
		}
	}
	if len(found) == 0 {
		return floor{}, false
	}
	return slices.MaxFunc(found, func(a, b floor) int { return cmp.Compare(len(a.at), len(b.at)) }), true
}
