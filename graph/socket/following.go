package socket

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/stream"
	"github.com/mediconnect/mediconnect/graph/transport"
)

// following is a subscription that has begun. One goroutine at a time is its own: one that tells what there is, or one that waits
// for more. They take turns, each a new one, since making an event needs a stack that is several times as large as what waiting
// does, and a stack that has grown hardly shrinks.
type following struct {
	*socket
	op        *operation
	ctx       context.Context
	driver    *stream.Driver
	responses graphql.ResponseHandler
	log       func() // that it has ended
}

func (s *socket) follow(ctx context.Context, op *operation, asked *graphql.OperationContext) *following {
	f := &following{socket: s, op: op}
	ctx, f.driver = stream.With(ctx)
	f.responses, f.ctx = s.Exec.DispatchOperation(ctx, asked)
	return f
}

// tell sends the events that there are, one after the other: none is made before the last one has been taken.
func (f *following) tell() {
	goesOn := false
	f.guarded(f.ctx, f.op, func() { goesOn = f.told() })
	if goesOn {
		f.all.Go(f.rest)
		return
	}
	f.driver.Close()
	f.log()
	f.done(f.op)
}

// rest waits until there may be more to tell.
func (f *following) rest() {
	f.driver.Rest(f.ctx)
	f.all.Go(f.tell)
}

// told tells, and says whether there may be more later.
func (f *following) told() bool {
	for f.driver.Poll(f.ctx) {
		answer := f.responses(f.ctx)
		if answer == nil {
			break
		}
		if !f.driver.Began() {
			f.sendErrors(f.ctx, f.op, answer)
			return false
		}
		if !f.send(f.op, written(nextMessage, f.op.id, transport.Written(f.ctx, answer, true))) {
			return false
		}
	}
	if f.driver.Waits() && f.ctx.Err() == nil {
		return true
	}
	switch err := f.driver.Err(); {
	case f.ctx.Err() != nil:
	case err != nil:
		f.fail(f.ctx, f.op, &gqlerror.Error{Message: err.Error(), Err: err})
	default:
		f.finish(f.op, written(complete, f.op.id, nil))
	}
	return false
}
