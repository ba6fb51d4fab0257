package socket

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/graph/throttle"
	"github.com/mediconnect/mediconnect/graph/transport"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// operation is one that a client has asked for.
type operation struct {
	id     string
	ctx    context.Context // ends when the client has had enough
	cancel context.CancelFunc
	lasts  bool // it is a subscription

	mu   sync.Mutex // held while something is sent
	over bool       // nothing may be sent any more
}

// windingDown is how many goroutines there may be for each live operation, of those that clients have stopped.
const windingDown = 4

// Why an operation isn't begun.
var (
	errThere   = errors.New("its id is in use")
	errFull    = errors.New("there are too many")
	errLeaving = errors.New("the socket is about to end") // the client will ask again elsewhere
)

// begin starts an operation. It is false when the socket ends instead.
func (s *socket) begin(m message) bool {
	op := &operation{id: m.id}
	op.ctx, op.cancel = context.WithCancel(s.ctx)
	switch s.admit(op) {
	case nil:
		s.all.Go(func() { s.run(op, m.payload) })
		return true
	case errThere:
		s.end(alreadyExists, "Subscriber for "+short(m.id)+" already exists")
	case errFull:
		s.refuse(op)
	}
	op.cancel()
	return s.open()
}

func (s *socket) admit(op *operation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.leaving || s.closed != 0:
		return errLeaving
	case s.live[op.id] != nil:
		return errThere
	case len(s.live) >= s.Limits.Operations || s.running >= windingDown*s.Limits.Operations:
		return errFull
	}
	s.live[op.id] = op
	s.running++
	s.brief++
	return nil
}

// longestShown is how much of an id a close frame has room for.
const longestShown = 60

func short(id string) string {
	if len(id) > longestShown {
		return strings.ToValidUTF8(id[:longestShown], "") + "…"
	}
	return id
}

func (s *socket) refuse(op *operation) {
	ctx, log := s.begun(op)
	defer log()
	s.fail(ctx, op, presenter.Refuse(presenter.TooManyOperations, "Too many operations at once on this socket."))
}

// begun is the context of an operation, with its caller, and what logs it in the end.
func (s *socket) begun(op *operation) (context.Context, func()) {
	id := s.NewID().String()
	ctx, log := accesslog.Operation(op.ctx, s.Log, id)
	return viewer.With(ctx, s.who.Viewer(id)), log
}

// run does an operation from its first step to its last, but for a subscription that has begun: that is followed by goroutines of
// its own.
func (s *socket) run(op *operation, payload []byte) {
	ctx, log := s.begun(op)
	var f *following
	s.guarded(ctx, op, func() { f = s.perform(ctx, op, payload) })
	if f == nil {
		log()
		s.done(op)
		return
	}
	f.log = log
	f.tell()
}

// guarded does a step of an operation, which a panic ends.
func (s *socket) guarded(ctx context.Context, op *operation, step func()) {
	defer func() {
		if cause := recover(); cause != nil {
			s.sendErrors(ctx, op, &graphql.Response{Errors: gqlerror.List{s.Shown.Present(ctx, s.Shown.Recover(ctx, cause))}})
		}
	}()
	step()
}

// perform does what is asked. A subscription is only begun.
func (s *socket) perform(ctx context.Context, op *operation, payload []byte) *following {
	meter := throttle.New(s.Allow, viewer.Of(ctx), nil)
	ctx = throttle.With(ctx, meter)
	if err := meter.Take(ctx, 1); err != nil {
		s.fail(ctx, op, gqlerror.WrapIfUnwrapped(err))
		return nil
	}
	params, refused := transport.Operation(payload, nil)
	if refused != nil {
		s.fail(ctx, op, refused)
		return nil
	}
	ctx = graphql.StartOperationTrace(ctx)
	asked, faults := s.Exec.CreateOperationContext(ctx, params)
	if len(faults) > 0 {
		s.fail(graphql.WithOperationContext(ctx, asked), op, faults...)
		return nil
	}
	transport.Note(ctx, asked)
	switch asked.Operation.Operation {
	case ast.Subscription:
		s.lasting(op)
		return s.follow(ctx, op, asked)
	case ast.Mutation: // goes on when its client has gone, as nobody could say how far it came
		s.answer(context.WithoutCancel(ctx), op, asked)
	default:
		s.answer(ctx, op, asked)
	}
	return nil
}

// answer executes a query or a mutation.
func (s *socket) answer(ctx context.Context, op *operation, asked *graphql.OperationContext) {
	ctx, cancel := context.WithTimeout(ctx, s.Limits.Deadline)
	defer cancel()
	responses, ctx := s.Exec.DispatchOperation(ctx, asked)
	answer := responses(ctx)
	if answer == nil { // the time was up before anything was executed
		s.fail(ctx, op, presenter.Refuse(presenter.ServiceBusy, errs.TryAgain(nil).Message))
		return
	}
	if s.send(op, written(nextMessage, op.id, transport.Written(ctx, answer, true))) {
		s.finish(op, written(complete, op.id, nil))
	}
}

// fail ends an operation with errors, after which nothing follows.
func (s *socket) fail(ctx context.Context, op *operation, faults ...*gqlerror.Error) {
	s.sendErrors(ctx, op, s.Exec.DispatchError(ctx, faults))
}

func (s *socket) sendErrors(ctx context.Context, op *operation, answer *graphql.Response) {
	transport.Codes(ctx, answer)
	list, err := json.Marshal(answer.Errors)
	if err != nil {
		panic(err) // plain strings and numbers
	}
	s.finish(op, written(errorMessage, op.id, list))
}

func (s *socket) send(op *operation, text []byte) bool {
	op.mu.Lock()
	defer op.mu.Unlock()
	return !op.over && s.write(text)
}

// finish sends the last message of an operation. Its id is free before the client has it.
func (s *socket) finish(op *operation, text []byte) {
	op.mu.Lock()
	defer op.mu.Unlock()
	if op.over {
		return
	}
	op.over = true
	s.forget(op)
	s.write(text)
}

// stop ends an operation that the client has had enough of.
func (s *socket) stop(id string) {
	s.mu.Lock()
	op := s.live[id]
	s.mu.Unlock()
	if op == nil {
		return // it has ended by itself meanwhile
	}
	op.cancel()
	op.mu.Lock()
	defer op.mu.Unlock()
	op.over = true
	s.forget(op)
}

func (s *socket) forget(op *operation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live[op.id] == op {
		delete(s.live, op.id)
	}
}

// lasting notes that an operation is a subscription: nobody waits for its end.
func (s *socket) lasting(op *operation) {
	s.mu.Lock()
	op.lasts = true
	s.brief--
	now := s.leaving && s.brief == 0
	s.mu.Unlock()
	if now {
		go s.leave()
	}
}

// done frees what an operation held, and its socket, if that was only waiting for it.
func (s *socket) done(op *operation) {
	op.cancel()
	s.forget(op)
	s.mu.Lock()
	s.running--
	if !op.lasts {
		s.brief--
	}
	now := s.leaving && s.brief == 0
	s.mu.Unlock()
	if now {
		go s.leave()
	}
}
