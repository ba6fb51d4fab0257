package presenter

import (
	"context"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// document says what is wrong with a document or its variables, or nil when that isn't it. The parser's and the coercion's
// own sentences repeat what the caller sent, which may be a patient's.
func (p Presenter) document(ctx context.Context, e *gqlerror.Error) *gqlerror.Error {
	switch e.Extensions["code"] {
	case errcode.ParseFailed:
		return sentence(ParseFailed, "The document can't be parsed"+at(e)+".", nil)
	case errcode.ValidationFailed:
	default:
		return nil
	}
	if len(e.Path) > 0 {
		return sentence(InvalidInput, variable(e), p.Names.only(inArguments(ctx, e.Path)))
	}
	switch {
	case e.Rule == "":
		return sentence(ValidationFailed, "The document has no operation of this name.", nil)
	case strings.HasPrefix(e.Rule, "ValuesOfCorrectType"): // the only rule whose sentences repeat values
		return sentence(ValidationFailed, "A value doesn't fit its type"+at(e)+".", nil)
	case strings.HasPrefix(e.Rule, "OverlappingFieldsCanBeMerged"): // names without quotes
		return sentence(ValidationFailed, "Fields conflict"+at(e)+". Use different aliases.", nil)
	case strings.HasPrefix(e.Rule, "SingleFieldSubscriptions"): // the caller's name of the operation
		return sentence(ValidationFailed, "A subscription asks for one field, and none of the introspection"+at(e)+".", nil)
	}
	return sentence(ValidationFailed, short(p.Names.Veil(e.Message)), nil)
}

func at(e *gqlerror.Error) string {
	if len(e.Locations) == 0 {
		return ""
	}
	return fmt.Sprintf(" at line %d, column %d", e.Locations[0].Line, e.Locations[0].Column)
}

func variable(e *gqlerror.Error) string {
	switch e.Message {
	case "must be defined", "cannot be null":
		return "A value is missing."
	case "unknown field":
		return "There is no such field."
	}
	return "The value doesn't fit its type."
}

func inArguments(ctx context.Context, path ast.Path) []string {
	var names []string
	for _, step := range path[1:] {
		names = append(names, fmt.Sprint(step))
	}
	if !graphql.HasOperationContext(ctx) {
		return named(names)
	}
	op := graphql.GetOperationContext(ctx)
	return Argument(op.Doc, op.Operation, names)
}

const longest = 300

// short keeps names from filling an answer.
func short(message string) string {
	if len(message) > longest {
		return message[:longest] + "…"
	}
	return message
}
