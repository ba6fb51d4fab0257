package limits

import "github.com/vektah/gqlparser/v2/ast"

// merges counts the pairs of fields under one response key that the rule "overlapping fields can be merged" compares. It walks
// every selection once with fragments written out, so it is called only when those are known to be few.
func (m *measure) merges(sets []ast.SelectionSet) int {
	fields := map[string]*group{}
	for _, set := range sets {
		m.collect(set, fields)
	}
	pairs := 0
	for _, g := range fields {
		pairs = capped(pairs + g.count*(g.count-1)/2)
		if len(g.inner) > 0 {
			pairs = capped(pairs + m.merges(g.inner))
		}
	}
	return pairs
}

// group is the fields of one response key and the selection sets inside them.
type group struct {
	count int
	inner []ast.SelectionSet
}

func (m *measure) collect(set ast.SelectionSet, fields map[string]*group) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			g := fields[s.Alias]
			if g == nil {
				g = &group{}
				fields[s.Alias] = g
			}
			g.count++
			if len(s.SelectionSet) > 0 {
				g.inner = append(g.inner, s.SelectionSet)
			}
		case *ast.InlineFragment:
			m.collect(s.SelectionSet, fields)
		case *ast.FragmentSpread:
			if f := m.fragments[s.Name]; f != nil {
				m.collect(f.SelectionSet, fields)
			}
		}
	}
}
