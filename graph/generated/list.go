package generated

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

var concurrently = graphql.MarshalSliceConcurrently // under a name that make generate doesn't rewrite

// marshalList stands in for graphql.MarshalSliceConcurrently, which begins a goroutine for each element: a page of twenty
// providers with five appointments each took a hundred and twenty, most of them for a few plain fields. Here an element has
// one of its own only when there is something in it that may have to wait.
func marshalList(ctx context.Context, fields ast.SelectionSet, length int, element func(context.Context, int) graphql.Marshaler) graphql.Array {
	if length > 1 && !plain(fields) {
		return concurrently(ctx, length, 0, false, element)
	}
	list := make(graphql.Array, length)
	for i := range list {
		list[i] = marshalElement(ctx, i, element)
	}
	return list
}

func marshalElement(ctx context.Context, i int, element func(context.Context, int) graphql.Marshaler) (shown graphql.Marshaler) {
	ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Index: &i})
	defer func() {
		if cause := recover(); cause != nil {
			graphql.AddError(ctx, graphql.Recover(ctx, cause))
			shown = graphql.Null
		}
	}()
	return element(ctx, i)
}

// plain says whether fields, and those inside an edge's node, are all without a selection of their own: such are read from
// what is loaded already.
func plain(fields ast.SelectionSet) bool {
	for _, s := range fields {
		inside, isField := ast.SelectionSet(nil), false
		switch s := s.(type) {
		case *ast.Field:
			inside, isField = s.SelectionSet, !strings.HasSuffix(s.ObjectDefinition.Name, "Edge")
		case *ast.InlineFragment:
			inside = s.SelectionSet
		case *ast.FragmentSpread:
			inside = s.Definition.SelectionSet
		}
		if len(inside) > 0 && isField || !plain(inside) {
			return false
		}
	}
	return true
}
