package resolvers_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mediconnect/mediconnect/graph"
	"github.com/mediconnect/mediconnect/graph/relay"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/resolvers"
)

func TestTheSchemaThatIsPrintedIsTheOneThatIsServed(t *testing.T) {
	served := resolvers.Schema(&resolvers.Resolver{})
	printed, err := gqlparser.LoadSchema(&ast.Source{Input: graph.SDL(served)})
	if err != nil {
		t.Fatal(err)
	}
	for name, definition := range served.Schema().Types {
		again := printed.Types[name]
		if again == nil || len(again.Fields) != len(definition.Fields) || again.Description != definition.Description {
			t.Errorf("%s is printed as %+v", name, again)
		}
	}
	if field := printed.Mutation.Fields.ForName("bookAppointment"); field == nil || field.Directives.ForName("requiresScopes") == nil {
		t.Error("the printed schema doesn't say what booking needs")
	}
}

func TestRootFieldsAreNullable(t *testing.T) {
	schema := resolvers.Schema(&resolvers.Resolver{}).Schema()
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
		for _, field := range root.Fields {
			if field.Type.NonNull && !strings.HasPrefix(field.Name, "__") {
				t.Errorf("%s.%s blanks the whole answer when it fails", root.Name, field.Name)
			}
		}
	}
}

func TestTheCursorsOfEveryConnectionAreKnown(t *testing.T) {
	for name := range resolvers.Schema(&resolvers.Resolver{}).Schema().Types {
		if !strings.HasSuffix(name, "Connection") {
			continue
		}
		fits := 0
		for n := range 6 {
			cursor := paging.Cursor(slices.Repeat([]string{"a"}, n+1)...)
			if _, err := relay.Window(name, paging.Args{After: &cursor}); err == nil {
				fits++
			}
		}
		if fits != 1 {
			t.Errorf("%s takes cursors of %d lengths", name, fits)
		}
	}
}

func TestAnswersComeInOnePart(t *testing.T) {
	a := serve(t, open())
	answer := a.Post(t, `{ ... @defer { viewer { kind } } }`, nil)
	if answer.Code() != "GRAPHQL_VALIDATION_FAILED" {
		t.Errorf("%s", answer.Raw)
	}
	for _, d := range a.Post(t, introspection, nil).OK(t).Data("__schema", "directives").([]any) {
		if d.(vars)["name"] == "defer" {
			t.Error("introspection offers @defer")
		}
	}
}
