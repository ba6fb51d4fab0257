package graph

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/presenter"
)

// checkHidden refuses a document that asks for the schema, wherever in it: payloads lead back to the root by their query.
func checkHidden(doc *ast.QueryDocument) *gqlerror.Error {
	var sets []ast.SelectionSet
	for _, o := range doc.Operations {
		sets = append(sets, o.SelectionSet)
	}
	for _, f := range doc.Fragments {
		sets = append(sets, f.SelectionSet)
	}
	if slices.ContainsFunc(sets, asksForSchema) {
		return presenter.Refuse(presenter.ValidationFailed, "This server doesn't show its schema.")
	}
	return nil
}

func asksForSchema(set ast.SelectionSet) bool {
	return slices.ContainsFunc(set, func(s ast.Selection) bool {
		switch s := s.(type) {
		case *ast.Field:
			return s.Name == "__schema" || s.Name == "__type" || asksForSchema(s.SelectionSet)
		case *ast.InlineFragment:
			return asksForSchema(s.SelectionSet)
		}
		return false // the fragments are looked at by themselves
	})
}

// veil leaves those names in what is wrong with a document that the document has: the rules of validation name the types, arguments
// and fields that they would have expected.
func veil(faults gqlerror.List, document string) {
	sent := presenter.NamesIn(document)
	for _, f := range faults {
		f.Message = sent.Veil(f.Message)
	}
}
