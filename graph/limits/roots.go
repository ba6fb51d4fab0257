package limits

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/presenter"
)

// Executions is how often an operation executes a root field: each alias once, fragments written out, without what is skipped; at
// least 1.
func Executions(op *graphql.OperationContext) int { return max(1, len(rootsOf(op))) }

// alone marks a root field (@single) of which an operation executes no more than one.
const alone = "single"

// CheckSingle refuses an operation with several root fields that try a secret: a list of passwords would be one request.
func CheckSingle(op *graphql.OperationContext) *gqlerror.Error {
	found := 0
	for _, f := range rootsOf(op) {
		if f.Definition != nil && f.Definition.Directives.ForName(alone) != nil {
			found++
		}
	}
	if found > 1 {
		return presenter.Refuse(presenter.OneAtATime, "Of the fields that are marked with @single, an operation may have one. Send the others by themselves.")
	}
	return nil
}

var rootTypes = map[ast.Operation]string{ast.Query: "Query", ast.Mutation: "Mutation", ast.Subscription: "Subscription"}

func rootsOf(op *graphql.OperationContext) []graphql.CollectedField {
	return graphql.CollectFields(op, op.Operation.SelectionSet, []string{rootTypes[op.Operation.Operation]})
}
