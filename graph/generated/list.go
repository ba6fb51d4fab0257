package generated

import (
	"context"
	"strings"
	"sync/atomic"

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

// together are fields that are read for all elements of a list when the first asks, so that no other has to wait.
var together = map[string]bool{"Provider.appointments": true}

// plain says whether fields, and those inside an edge's node, are all without a selection of their own, or read together: such
// are read from what is loaded already.
func plain(fields ast.SelectionSet) bool {
	for _, s := range fields {
		inside, isField := ast.SelectionSet(nil), false
		switch s := s.(type) {
		case *ast.Field:
			of := s.ObjectDefinition.Name
			inside, isField = s.SelectionSet, !strings.HasSuffix(of, "Edge") && !strings.HasSuffix(of, "Connection") && !together[of+"."+s.Name]
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

// resolve stands in for FieldSet.ResolveConcurrently, which has every field with a resolver wait for the others in a goroutine of
// its own. An id is made of what is there, so it is made at once.
func resolve(
	ctx context.Context, out *graphql.FieldSet, field graphql.CollectedField, oc *graphql.OperationContext, deferred *graphql.DeferredGroup,
	i int, recovers, nonNull bool, resolver func(context.Context) graphql.Marshaler,
) {
	if field.Name != "id" || field.IsDeferred() {
		later(out, oc, deferred, i, recovers, nonNull, resolver)
		return
	}
	out.Values[i] = resolver(ctx)
	if nonNull && out.Values[i] == graphql.Null {
		atomic.AddUint32(&out.Invalids, 1)
	}
}

var later = (*graphql.FieldSet).ResolveConcurrently // under a name that make generate doesn't rewrite
