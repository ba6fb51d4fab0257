package presenter

import (
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// Argument turns a path into the variables of an operation into one into its arguments: a client's programmer looks for
// "input", "reason", whatever the variable is called. Of one that is used in several places it is the first.
func Argument(doc *ast.QueryDocument, op *ast.OperationDefinition, path []string) []string {
	if doc == nil || op == nil || len(path) == 0 {
		return named(path)
	}
	u := uses{doc: doc, variable: path[0], seen: map[string]bool{}}
	u.directives(op.Directives)
	u.set(op.SelectionSet)
	if len(u.at) == 0 {
		return named(path)
	}
	return named(slices.Concat(u.at[0], path[1:]))
}

const longestStep = 64

// named leaves out whatever in a path is no name or index: a variable's object may have any text for the name of a field.
func named(path []string) []string {
	return slices.DeleteFunc(slices.Clone(path), func(step string) bool {
		strange := func(r rune) bool {
			return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
		}
		return len(step) > longestStep || slices.ContainsFunc([]rune(step), strange)
	})
}

// uses are the places where an operation uses a variable.
type uses struct {
	doc      *ast.QueryDocument
	variable string
	seen     map[string]bool // fragments
	at       [][]string
}

func (u *uses) set(set ast.SelectionSet) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			u.arguments(s.Arguments)
			u.directives(s.Directives)
			u.set(s.SelectionSet)
		case *ast.InlineFragment:
			u.directives(s.Directives)
			u.set(s.SelectionSet)
		case *ast.FragmentSpread:
			u.directives(s.Directives)
			u.fragment(s.Name)
		}
	}
}

func (u *uses) fragment(name string) {
	if f := u.doc.Fragments.ForName(name); f != nil && !u.seen[name] {
		u.seen[name] = true
		u.set(f.SelectionSet)
	}
}

func (u *uses) directives(list ast.DirectiveList) {
	for _, d := range list {
		u.arguments(d.Arguments)
	}
}

func (u *uses) arguments(list ast.ArgumentList) {
	for _, arg := range list {
		u.value(arg.Value, []string{arg.Name})
	}
}

func (u *uses) value(v *ast.Value, path []string) {
	if v.Kind == ast.Variable && v.Raw == u.variable {
		u.at = append(u.at, path)
	}
	for i, child := range v.Children {
		step := child.Name
		if v.Kind == ast.ListValue {
			step = strconv.Itoa(i)
		}
		u.value(child.Value, append(path[:len(path):len(path)], step))
	}
}
