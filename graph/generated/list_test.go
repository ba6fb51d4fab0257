package generated

import (
	"bytes"
	"context"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

var schema = gqlparser.MustLoadSchema(&ast.Source{Input: `
	type Query { things: [ThingEdge] providers: [ProviderEdge] }
	type ProviderEdge { node: Provider }
	type Provider { name: String appointments: ThingConnection slots: ThingConnection }
	type ThingConnection { edges: [ThingEdge] }
	type ThingEdge { cursor: String node: Thing }
	type Thing { name: String other: Thing }`})

func TestOnlyElementsThatMayWaitGetGoroutinesOfTheirOwn(t *testing.T) {
	for document, want := range map[string]bool{
		`{ things { cursor node { name } } }`:                                           true,
		`{ things { __typename node { ... on Thing { name } ...Part } } }` + part:       true,
		`{ things { node { other { name } } } }`:                                        false,
		`{ things { node { ... on Thing { name other { name } } } } }`:                  false,
		`{ providers { node { name appointments { edges { node { name } } } } } }`:      true,
		`{ providers { node { appointments { edges { node { other { name } } } } } } }`: false,
		`{ providers { node { slots { edges { node { name } } } } } }`:                  false,
		`{ things { ...Edge } } fragment Edge on ThingEdge { node { ...Deep } }` + deep: false,
	} {
		read := gqlparser.MustLoadQueryWithRules(schema, document, nil)
		if got := plain(read.Operations[0].SelectionSet[0].(*ast.Field).SelectionSet); got != want {
			t.Errorf("%s: %v", document, got)
		}
	}
}

const (
	part = ` fragment Part on Thing { name }`
	deep = ` fragment Deep on Thing { other { name } }`
)

func TestAPanicInAnElementSpoilsNoOther(t *testing.T) {
	ctx := graphql.WithOperationContext(t.Context(), &graphql.OperationContext{RecoverFunc: graphql.DefaultRecover})
	ctx = graphql.WithResponseContext(ctx, graphql.DefaultErrorPresenter, graphql.DefaultRecover)
	list := marshalList(ctx, nil, 3, func(_ context.Context, i int) graphql.Marshaler {
		if i == 1 {
			panic("broken")
		}
		return graphql.MarshalInt(i)
	})
	var text bytes.Buffer
	list.MarshalGQL(&text)
	if text.String() != "[0,null,2]" || len(graphql.GetErrors(ctx)) != 1 || graphql.GetErrors(ctx)[0].Path.String() != "[1]" {
		t.Errorf("%s, %v", &text, graphql.GetErrors(ctx))
	}
}
