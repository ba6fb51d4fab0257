package graph

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/presenter"
)

// checkStreams refuses subscriptions that gqlgen would only meet when it executes them, as a fault of its own: one field may be asked
// for, under one name, without conditions (GraphQL, September 2025, section 5.2.4.1). The fragments are known to be few, and none of
// them in itself.
func checkStreams(doc *ast.QueryDocument) *gqlerror.Error {
	for _, o := range doc.Operations {
		if o.Operation != ast.Subscription {
			continue
		}
		r := root{names: map[string]bool{}, seen: map[string]bool{}}
		r.set(o.SelectionSet)
		switch {
		case r.conditional:
			return presenter.Refuse(presenter.ValidationFailed, "What a subscription asks for has no @skip and no @include.")
		case len(r.names) != 1:
			return presenter.Refuse(presenter.ValidationFailed, "A subscription asks for one field, under one name.")
		}
	}
	return nil
}

// root is what stands at the top of a subscription.
type root struct {
	names       map[string]bool // in the answer
	seen        map[string]bool // fragments
	conditional bool
}

func (r *root) set(set ast.SelectionSet) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			r.judge(s.Directives)
			r.names[s.Alias] = true
		case *ast.InlineFragment:
			r.judge(s.Directives)
			r.set(s.SelectionSet)
		case *ast.FragmentSpread:
			r.judge(s.Directives)
			if !r.seen[s.Name] {
				r.seen[s.Name] = true
				r.set(s.Definition.SelectionSet)
			}
		}
	}
}

func (r *root) judge(directives ast.DirectiveList) {
	r.conditional = r.conditional || directives.ForName("skip") != nil || directives.ForName("include") != nil
}
