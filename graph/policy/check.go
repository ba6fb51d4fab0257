package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

const remedy = "say in graph/policy/policy.table what each kind of caller gets, then run `make generate` for docs/access.md"

// Check compares the table with a schema and says everything that is wrong, in order.
func (t Table) Check(schema *ast.Schema) []string {
	faults := t.unanswered(schema)
	seen, used := map[string]bool{}, map[string]bool{}
	for _, name := range objects(schema) {
		for _, field := range fieldsOf(schema.Types[name]) {
			row, ok := t.Row(name, field.Name)
			if !ok {
				faults = append(faults, fmt.Sprintf("%s.%s has no row: %s", name, field.Name, remedy))
				continue
			}
			used[row.Coordinate()] = true
			faults = append(faults, scoped(row, name, field)...)
		}
	}
	for _, r := range t.Rows {
		if seen[r.Coordinate()] {
			faults = append(faults, r.Coordinate()+" has two rows")
		}
		seen[r.Coordinate()] = true
		if !used[r.Coordinate()] {
			faults = append(faults, r.Coordinate()+" has a row and no field: take it out of graph/policy/policy.table")
		}
	}
	return faults
}

// objects are the types that have fields, by name, without those of introspection.
func objects(schema *ast.Schema) (list []string) {
	for name, definition := range schema.Types {
		if definition.Kind == ast.Object && !strings.HasPrefix(name, "__") {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

func fieldsOf(definition *ast.Definition) (list ast.FieldList) {
	for _, field := range definition.Fields {
		if !strings.HasPrefix(field.Name, "__") {
			list = append(list, field)
		}
	}
	return list
}

// scoped holds a row to the field's @requiresScopes: who lacks the scopes is refused, and somebody who has them isn't.
func scoped(row Row, typeName string, field *ast.FieldDefinition) (faults []string) {
	required := Required(field)
	if required == nil {
		return nil
	}
	open := false
	for _, c := range Columns {
		want := Refused
		if c.Name == Anonymous {
			want = SignIn
		}
		got, holds := row.For(c.Name), Holds(c.Scopes, required)
		open = open || holds && got != Refused
		if !holds && got != want && got != Nowhere {
			faults = append(faults, fmt.Sprintf("%s.%s: %s lacks %v and is %q, not %q", typeName, field.Name, c.Name, required, got, want))
		}
	}
	if !open {
		faults = append(faults, fmt.Sprintf("%s.%s: everybody is refused, whoever holds %v too", typeName, field.Name, required))
	}
	return faults
}

// Required reads a field's @requiresScopes; nil when it has none.
func Required(field *ast.FieldDefinition) (ways [][]string) {
	directive := field.Directives.ForName("requiresScopes")
	if directive == nil {
		return nil
	}
	for _, way := range directive.Arguments.ForName("scopes").Value.Children {
		var all []string
		for _, scope := range way.Value.Children {
			all = append(all, scope.Value.Raw)
		}
		ways = append(ways, all)
	}
	return ways
}

// Holds says whether scopes open one of the ways.
func Holds(scopes []string, ways [][]string) bool {
	return slices.ContainsFunc(ways, func(all []string) bool {
		return !slices.ContainsFunc(all, func(s string) bool { return !slices.Contains(scopes, s) })
	})
}

// unanswered finds things of which a caller gets some fields although the row of their id says that they aren't there.
func (t Table) unanswered(schema *ast.Schema) (faults []string) {
	for _, name := range objects(schema) {
		of, ok := t.Row(name, "id")
		if !ok {
			continue
		}
		for _, field := range fieldsOf(schema.Types[name]) {
			row, _ := t.Row(name, field.Name)
			for _, c := range Columns {
				if row.cells != nil && of.For(c.Name) == Unknown && row.For(c.Name) != Unknown {
					faults = append(faults, fmt.Sprintf("%s is there for %s by its %s and not by its id", name, c.Name, field.Name))
				}
			}
		}
	}
	return faults
}
