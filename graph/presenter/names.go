package presenter

import (
	"regexp"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// Names are those of the schema, or fewer. They alone are repeated to a caller, and so come into logs that clients keep: any other name in a
// request was made up by whoever sent it, and may be a patient's.
type Names map[string]struct{}

// NamesOf collects the names of a schema's types, fields, arguments, enum values and directives.
func NamesOf(schema *ast.Schema) Names {
	n := Names{}
	arguments := func(list ast.ArgumentDefinitionList) {
		for _, arg := range list {
			n[arg.Name] = struct{}{}
		}
	}
	for name, def := range schema.Types {
		n[name] = struct{}{}
		for _, field := range def.Fields {
			n[field.Name] = struct{}{}
			arguments(field.Arguments)
		}
		for _, value := range def.EnumValues {
			n[value.Name] = struct{}{}
		}
	}
	for name, directive := range schema.Directives {
		n[name] = struct{}{}
		arguments(directive.Arguments)
	}
	return n
}

// NamesIn collects whatever could be a name in a document, for callers who are told no others.
func NamesIn(document string) Names {
	n := Names{}
	for _, name := range identifier.FindAllString(document, -1) {
		n[name] = struct{}{}
	}
	return n
}

// only leaves the schema's names in a path, and indexes.
func (n Names) only(path []string) []string {
	return slices.DeleteFunc(slices.Clone(path), func(step string) bool {
		_, err := strconv.ParseUint(step, 10, 16)
		_, known := n[step]
		return err != nil && !known
	})
}

var (
	quoted     = regexp.MustCompile(`"[^"]*"`)
	identifier = regexp.MustCompile(`[_\p{L}\p{N}]+`)
)

// Veil replaces what is none of the names within a sentence's quotes.
func (n Names) Veil(sentence string) string {
	return quoted.ReplaceAllStringFunc(sentence, func(text string) string {
		return identifier.ReplaceAllStringFunc(text, func(name string) string {
			if _, known := n[name]; known {
				return name
			}
			return "…"
		})
	})
}
