package graph

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/presenter"
)

// keyAlias takes the header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07) for the key of a request's only
// mutation, where the input is a variable that has none of its own.
type keyAlias struct{ schema *ast.Schema }

const (
	keyHeader = "Idempotency-Key"
	keyField  = "idempotencyKey"
	maxKey    = 200
)

// ExtensionName implements graphql.HandlerExtension.
func (keyAlias) ExtensionName() string { return "KeyAlias" }

// Validate implements graphql.HandlerExtension.
func (keyAlias) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements graphql.OperationParameterMutator.
func (k keyAlias) MutateOperationParameters(ctx context.Context, request *graphql.RawParams) *gqlerror.Error {
	key := strings.Trim(request.Headers.Get(keyHeader), `"`)
	switch {
	case key == "":
		return nil
	case len(key) > maxKey:
		return presenter.Refuse(presenter.InvalidInput, "The header "+keyHeader+" is at most 200 bytes long.")
	}
	operations := graphql.GetOperationContext(ctx).Doc.Operations
	if input := k.input(operations.ForName(request.OperationName), request.Variables); input != nil && input[keyField] == nil {
		input[keyField] = key
	}
	return nil
}

// input is the variable that the only mutation of an operation takes as its input, when that has a field for the key.
func (k keyAlias) input(op *ast.OperationDefinition, variables map[string]any) map[string]any {
	if op == nil || op.Operation != ast.Mutation || len(op.SelectionSet) != 1 {
		return nil
	}
	field, ok := op.SelectionSet[0].(*ast.Field)
	if !ok {
		return nil
	}
	arg := field.Arguments.ForName("input")
	if arg == nil || arg.Value.Kind != ast.Variable {
		return nil
	}
	declared := op.VariableDefinitions.ForName(arg.Value.Raw)
	if declared == nil {
		return nil
	}
	if def := k.schema.Types[declared.Type.Name()]; def == nil || def.Fields.ForName(keyField) == nil {
		return nil
	}
	input, _ := variables[arg.Value.Raw].(map[string]any)
	return input
}
