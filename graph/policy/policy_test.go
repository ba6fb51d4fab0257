package policy_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"github.com/mediconnect/mediconnect/graph/generated"
	"github.com/mediconnect/mediconnect/graph/policy"
)

const page = "../../docs/access.md"

var write = flag.Bool("write", false, "write the table into docs/access.md")

func served() *ast.Schema { return generated.NewExecutableSchema(generated.Config{}).Schema() }

func load(t *testing.T) policy.Table {
	t.Helper()
	table, err := policy.Load()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestEveryFieldOfTheContractHasARowAndEveryRowAField(t *testing.T) {
	for _, fault := range load(t).Check(served()) {
		t.Error(fault)
	}
}

func TestTheDocumentedTableIsTheTable(t *testing.T) {
	stored, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := load(t).Rendered(string(stored))
	if err != nil {
		t.Fatalf("docs/access.md: %v", err)
	}
	if rendered == string(stored) {
		return
	}
	if !*write {
		t.Fatal("docs/access.md shows another table than graph/policy/policy.table: run `make generate`")
	}
	if err := os.WriteFile(page, []byte(rendered), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A schema that lacks or adds something, as a change of the contract would.
func TestWhatTheTableLacksIsToldWithWhatToDo(t *testing.T) {
	for want, change := range map[string]func(*ast.Schema){
		"Patient.shoeSize has no row: say in": func(s *ast.Schema) {
			s.Types["Patient"].Fields = append(s.Types["Patient"].Fields, &ast.FieldDefinition{Name: "shoeSize", Type: ast.NamedType("Int", nil)})
		},
		"Chart.id has no row: say in": func(s *ast.Schema) {
			s.Types["Chart"] = &ast.Definition{Kind: ast.Object, Name: "Chart", Fields: ast.FieldList{{Name: "id", Type: ast.NamedType("ID", nil)}}}
		},
		"Patient.phone has a row and no field": func(s *ast.Schema) {
			fields := s.Types["Patient"].Fields
			for i, f := range fields {
				if f.Name == "phone" {
					s.Types["Patient"].Fields = append(fields[:i:i], fields[i+1:]...)
				}
			}
		},
		`Query.patients: own-provider lacks [[platform:admin]] and is "`: func(s *ast.Schema) {
			scopes := s.Types["Query"].Fields.ForName("patients").Directives.ForName("requiresScopes").Arguments.ForName("scopes")
			scopes.Value.Children[0].Value.Children[0].Value.Raw = "platform:admin"
		},
		`Query.viewer: anonymous lacks [[patients:read]] and is "sees", not "sign-in"`: func(s *ast.Schema) {
			s.Types["Query"].Fields.ForName("viewer").Directives = s.Types["Query"].Fields.ForName("patients").Directives
		},
	} {
		schema := copyOf(t, served())
		change(schema)
		told := strings.Join(load(t).Check(schema), "\n")
		if !strings.Contains(told, want) {
			t.Errorf("%q isn't told in %q", want, told)
		}
	}
}

func TestATableThatCantBeReadIsToldItsLine(t *testing.T) {
	head := "field anonymous patient caregiver other-patient own-provider other-provider desk admin auditor platform other-tenant integrator scopeless\n"
	all := strings.Repeat(" sees", len(policy.Columns))
	for text, want := range map[string]string{
		"Patient.id" + all:                             "doesn't name its columns",
		"field patient anonymous\n":                    "line 1: the columns are",
		head + "Patient.id sees":                       "line 2",
		head + "Patient" + all:                         "line 2",
		head + "Patient.id" + all + " sees":            "line 2",
		head + "Patient.id own" + all[5:]:              "",
		head + "Patient.id maybe" + all[5:]:            `"maybe" is no cell`,
		head + "Patient.*" + all:                       "a pattern is",
		head + "*Payload.errors" + all:                 "a pattern is",
		head + "*Payload.*" + all:                      "",
		head + "*Payload.* null" + all[5:]:             "each field has a row",
		head + "# a remark\n== A section\n\nX.y" + all: "",
	} {
		_, err := policy.Parse(text)
		if told := fmt.Sprint(err); err == nil && want != "" || err != nil && (want == "" || !strings.Contains(told, want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func copyOf(t *testing.T, s *ast.Schema) *ast.Schema {
	t.Helper()
	again, err := gqlparser.LoadSchema(&ast.Source{Input: printed(s)})
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func printed(s *ast.Schema) string {
	var b strings.Builder
	formatter.NewFormatter(&b).FormatSchema(s)
	return b.String()
}
