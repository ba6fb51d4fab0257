package resolvers

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mediconnect/mediconnect/graph/trail"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// attempt makes a change: it converts the input, unless the caller lacks a scope, and calls the service. The failure's path
// begins at the input.
func attempt[In, Command, Out any](
	ctx context.Context, input In, convert func(*ids, In) Command, do func(context.Context, access.Actor, Command) (Out, error),
) (*Out, error) {
	if err := refusal(ctx); err != nil {
		return nil, failed(ctx, errs.Under(err, "input"))
	}
	var read ids
	command := convert(&read, input)
	if read.fault != nil {
		return nil, errs.Under(read.fault, "input")
	}
	out, err := do(ctx, viewer.Actor(ctx), command)
	if err != nil {
		return nil, failed(ctx, errs.Under(err, "input"))
	}
	return &out, nil
}

// failed has a refusal recorded: a client needn't ask for the errors of a change.
func failed(ctx context.Context, err error) error {
	of := graphql.GetFieldContext(ctx)
	e, ok := errors.AsType[*errs.Error](err)
	if ok && of != nil {
		args := of.Field.ArgumentMap(graphql.GetOperationContext(ctx).Variables)
		trail.Failed(viewer.Actor(ctx).Trail, of.Field.Field, args, e.Kind, e.Path)
	}
	return err
}
