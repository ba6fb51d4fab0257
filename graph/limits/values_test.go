package limits_test

import (
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/mediconnect/mediconnect/graph/limits"
)

var exclusive = gqlparser.MustLoadSchema(&ast.Source{Input: `
	input Part @oneOf { left: Int right: Int parts: [Part!] }
	input Whole { parts: [[Part!]!] }
	type Query { sum(parts: [Part!], whole: Whole): Int }`})

func TestExclusiveInputsInListsHaveExactlyOneValueEach(t *testing.T) {
	for name, c := range map[string]struct {
		document  string
		variables map[string]any
		good      bool
	}{
		"good":             {`query($p: [Part!]) { sum(parts: $p) }`, vars("p", list(part("left"), part("right"))), true},
		"one instead":      {`query($p: [Part!]) { sum(parts: $p) }`, vars("p", part("left")), true},
		"the last is two":  {`query($p: [Part!]) { sum(parts: $p) }`, vars("p", list(part("left"), part("left", "right"))), false},
		"one is none":      {`query($p: [Part!]) { sum(parts: $p) }`, vars("p", list(part())), false},
		"lists of lists":   {`query($w: Whole) { sum(whole: $w) }`, vars("w", map[string]any{"parts": list(list(part("left", "right")))}), false},
		"parts of a part":  {`query($p: [Part!]) { sum(parts: $p) }`, vars("p", list(map[string]any{"parts": list(part("left", "right"))})), false},
		"written out":      {`{ sum(parts: [{left: 1}, {right: 2}]) }`, nil, true},
		"two written out":  {`{ sum(parts: [{left: 1}, {left: 1, right: 2}]) }`, nil, false},
		"a default of two": {`query($p: [Part!] = [{left: 1, right: 2}]) { sum(parts: $p) }`, nil, false},
		"a part of two":    {`query($p: Part!) { sum(parts: [{left: 1}, $p]) }`, vars("p", part("left", "right")), false},
		"in a fragment":    {`query($p: [Part!]) { ...F } fragment F on Query { sum(parts: $p) }`, vars("p", list(part("left", "right"))), false},
	} {
		doc, faults := gqlparser.LoadQueryWithRules(exclusive, c.document, rules.NewDefaultRules())
		if faults != nil {
			if c.good {
				t.Errorf("%s: %v", name, faults)
			}
			continue
		}
		values, err := validator.VariableValues(exclusive, doc.Operations[0], c.variables)
		if err != nil {
			if c.good {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		refused := limits.Default().CheckValues(exclusive, &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0], Variables: values})
		if (refused == nil) != c.good {
			t.Errorf("%s: %v", name, refused)
		}
	}
}

func vars(name string, value any) map[string]any { return map[string]any{name: value} }

func list(values ...any) []any { return values }

func part(fields ...string) map[string]any {
	p := map[string]any{}
	for _, name := range fields {
		p[name] = int64(1)
	}
	return p
}
