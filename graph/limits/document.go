package limits

import (
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/mediconnect/mediconnect/graph/presenter"
)

// Parse reads a document, and refuses one whose validation or execution could cost too much. It looks at each part once: fragments
// are measured once and remembered, never walked again for each use.
func (l Limits) Parse(query string) (*ast.QueryDocument, *gqlerror.Error) {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: query}, l.Tokens)
	if err != nil {
		return nil, l.unparsed(err)
	}
	m := measure{limits: l, fragments: map[string]*ast.FragmentDefinition{}, known: map[string]extent{}, open: map[string]bool{}, unknown: map[string]bool{}}
	return doc, m.document(doc)
}

func (l Limits) unparsed(err error) *gqlerror.Error {
	if strings.HasPrefix(err.Error(), "input: exceeded token limit") {
		return exceeded("tokens", l.Tokens)
	}
	fault := gqlerror.WrapIfUnwrapped(err)
	errcode.Set(fault, errcode.ParseFailed)
	return fault
}

func exceeded(what string, most int) *gqlerror.Error {
	return presenter.Refuse(presenter.ComplexityExceeded, fmt.Sprintf("The document has more than %d %s.", most, what))
}

// mostSchemas is how often one document may ask for the whole schema, and within it nothing has an alias: each would have a large part
// of it answered again.
const mostSchemas = 2

type measure struct {
	limits     Limits
	fragments  map[string]*ast.FragmentDefinition
	known      map[string]extent // of fragments
	open       map[string]bool   // fragments being measured
	unknown    map[string]bool   // fragments that are used and not defined
	cyclic     bool
	inside     int // introspection, so many times
	renamed    int // fields inside it
	aliases    int
	directives int
}

func (m *measure) document(doc *ast.QueryDocument) *gqlerror.Error {
	if len(doc.Fragments) > m.limits.Fragments {
		return exceeded("fragments", m.limits.Fragments)
	}
	for _, f := range doc.Fragments {
		m.fragments[f.Name] = f
	}
	if refused := m.judge(m.extent(doc)); refused != nil {
		return refused
	}
	merges := 0
	for _, o := range doc.Operations {
		merges = capped(merges + m.merges([]ast.SelectionSet{o.SelectionSet}))
	}
	for _, f := range doc.Fragments { // validation looks into each by itself too
		merges = max(merges, m.merges([]ast.SelectionSet{f.SelectionSet}))
	}
	if merges > m.limits.Merges {
		return exceeded("pairs of repeated fields", m.limits.Merges)
	}
	return nil
}

func (m *measure) extent(doc *ast.QueryDocument) extent {
	var whole extent
	for _, o := range doc.Operations {
		m.directives += len(o.Directives)
		for _, v := range o.VariableDefinitions {
			m.directives += len(v.Directives)
		}
		whole = whole.beside(m.set(o.SelectionSet))
	}
	for _, f := range doc.Fragments {
		m.directives += len(f.Directives)
		e := m.fragment(f.Name)
		if strings.HasPrefix(f.TypeCondition, "__") {
			e.introspection, e.depth = max(e.introspection, e.depth), 0
		}
		whole = whole.orElse(e)
	}
	return whole
}

func (m *measure) judge(e extent) *gqlerror.Error {
	l := m.limits
	switch {
	case m.cyclic:
		return presenter.Refuse(presenter.ValidationFailed, "A fragment must not contain itself.")
	case e.depth > l.Depth:
		return presenter.Refuse(presenter.DepthExceeded, fmt.Sprintf("The document is more than %d fields deep.", l.Depth))
	case e.introspection > l.IntrospectionDepth:
		return presenter.Refuse(presenter.DepthExceeded, fmt.Sprintf("The introspection is more than %d fields deep.", l.IntrospectionDepth))
	case e.nesting > 2*max(l.Depth, l.IntrospectionDepth):
		return presenter.Refuse(presenter.DepthExceeded, "Too many fragments are nested in one another.")
	case e.selections > l.Selections:
		return exceeded("selections", l.Selections)
	case e.schemas > mostSchemas:
		return exceeded("fields __schema", mostSchemas)
	case m.renamed > 0:
		return presenter.Refuse(presenter.ComplexityExceeded, "Inside __schema no field has an alias.")
	case len(m.unknown) > l.Fragments:
		return exceeded("fragments", l.Fragments)
	case m.aliases > l.Aliases:
		return exceeded("aliases", l.Aliases)
	case m.directives > l.Directives:
		return exceeded("directives", l.Directives)
	}
	return nil
}

func (m *measure) set(set ast.SelectionSet) extent {
	var e extent
	for _, s := range set {
		e = e.beside(m.selection(s))
	}
	return e
}

func (m *measure) selection(s ast.Selection) extent {
	var inner extent
	switch s := s.(type) {
	case *ast.Field:
		m.directives += len(s.Directives)
		inner = m.field(s)
	case *ast.InlineFragment:
		m.directives += len(s.Directives)
		inner = m.set(s.SelectionSet)
	case *ast.FragmentSpread:
		m.directives += len(s.Directives)
		inner = m.fragment(s.Name)
	}
	inner.selections = capped(inner.selections + 1)
	inner.nesting++
	return inner
}

func (m *measure) field(f *ast.Field) extent {
	if f.Alias != f.Name {
		m.aliases++
		m.renamed += min(m.inside, 1)
	}
	if f.Name == "__schema" {
		m.inside++
		defer func() { m.inside-- }()
	}
	e := m.set(f.SelectionSet)
	if f.Name == "__schema" {
		e.schemas++
	}
	if f.Name == "__schema" || f.Name == "__type" {
		e.introspection, e.depth = e.depth, 0
	}
	e.depth++
	return e
}

func (m *measure) fragment(name string) extent {
	if e, ok := m.known[name]; ok {
		return e
	}
	f := m.fragments[name]
	if f == nil {
		m.unknown[name] = true // validation compares each with each, and names them
		return extent{}
	}
	if m.open[name] {
		m.cyclic = true
		return extent{}
	}
	m.open[name] = true
	if strings.HasPrefix(f.TypeCondition, "__") {
		m.inside++
		defer func() { m.inside-- }()
	}
	e := m.set(f.SelectionSet)
	delete(m.open, name)
	m.known[name] = e
	return e
}
