package transport

import (
	"context"
	"errors"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/graph/sse"
	"github.com/mediconnect/mediconnect/graph/stream"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Events of the protocol.
const (
	nextEvent     = "next"
	completeEvent = "complete"
)

// lastEvent is the header in which a browser that comes back says what it was told last.
const lastEvent = "Last-Event-ID"

// stream answers an operation by events.
func (in exchange) stream(ctx context.Context, op *graphql.OperationContext) {
	if op.Operation.Operation != ast.Subscription {
		in.events(ctx, op, func(func()) {})
		return
	}
	v := viewer.Of(ctx)
	place, err := in.Crowd.Enter(crowd.Of(v))
	if err != nil {
		in.refuse(ctx, crowded(err))
		return
	}
	defer place.Leave()
	ctx = graphql.StartOperationTrace(in.r.Context()) // without a time limit
	if !v.Expires.IsZero() {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadlineCause(ctx, v.Expires, errExpired)
		defer stop()
	}
	if v.Watch != nil {
		watched, end := context.WithCancelCause(ctx)
		ctx = watched
		defer end(nil)
		defer v.Watch(func() { end(errRevoked) })()
	}
	in.events(ctx, op, place.Then)
}

// events sends what an operation answers, until it is complete, the client gone, or told to go.
func (in exchange) events(ctx context.Context, op *graphql.OperationContext, whenTold func(func())) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	whenTold(func() { cancel(errLeaving) })
	out := sse.Open(in.w, sse.Usual(), func() { cancel(context.Canceled) })
	defer out.Close()
	in.tell(ctx, op, out)
}

// Why a stream ends before its operation does.
var (
	errExpired = errors.New("the caller's token has expired")
	errRevoked = errors.New("what the caller came with was revoked")
	errLeaving = errors.New("the process is about to stop")
)

func crowded(err error) *refusal {
	if errors.Is(err, crowd.ErrTooMany) {
		return refuse(http.StatusTooManyRequests, presenter.RateLimited, "This client has too many streams open.")
	}
	return refuse(http.StatusServiceUnavailable, presenter.ServiceBusy, "No stream can be opened here now. Try again.")
}

// tell sends events until there are none any more. A stream that is cut short, because the process stops, ends without being
// complete: the client comes back for the rest.
func (in exchange) tell(ctx context.Context, op *graphql.OperationContext, out *sse.Stream) {
	driven, driver := stream.With(ctx)
	defer driver.Close()
	if id := in.r.Header.Get(lastEvent); id != "" { // empty before anything was told (HTML, section 9.2.3)
		driver.Resume(id)
	}
	responses, inner := in.Exec.DispatchOperation(driven, op)
	for driver.Await(inner) {
		response := responses(inner)
		if response == nil {
			break
		}
		executed := len(response.Data) > 0 || op.Operation.Operation != ast.Subscription
		out.Send(nextEvent, driver.Cursor(), Written(ctx, response, executed))
	}
	last := context.WithoutCancel(ctx)
	switch err := context.Cause(ctx); {
	case errors.Is(err, errExpired):
		in.fault(last, out, presenter.Refuse(presenter.Unauthenticated, "The token has expired."))
	case errors.Is(err, errRevoked):
		in.fault(last, out, presenter.Refuse(presenter.Unauthenticated, "The token was revoked."))
	case errors.Is(err, context.DeadlineExceeded):
		in.fault(last, out, presenter.Refuse(presenter.ServiceBusy, errs.TryAgain(nil).Message))
	case err != nil:
		return
	case driver.Err() != nil:
		in.fault(last, out, &gqlerror.Error{Message: driver.Err().Error(), Err: driver.Err()})
	}
	out.Send(completeEvent, "", nil)
}

func (in exchange) fault(ctx context.Context, out *sse.Stream, faults ...*gqlerror.Error) {
	out.Send(nextEvent, "", Written(ctx, in.Exec.DispatchError(ctx, faults), false))
}

// streamFaults tells what is wrong with a request to a client that reads nothing but events: the protocol has no status for it, as a
// browser hides the answer with one.
func (in exchange) streamFaults(ctx context.Context, faults gqlerror.List) {
	out := sse.Open(in.w, sse.Usual(), func() {})
	defer out.Close()
	in.fault(ctx, out, faults...)
	out.Send(completeEvent, "", nil)
}
