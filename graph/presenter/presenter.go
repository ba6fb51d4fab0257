package presenter

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Presenter turns failures into what a caller is told: a code, a sentence and a request id, and never SQL, a path of a file,
// a stack or a value that the caller sent.
type Presenter struct {
	Log   *slog.Logger
	Names Names // that may be repeated
}

// Present is gqlgen's error presenter.
func (p Presenter) Present(ctx context.Context, err error) *gqlerror.Error {
	shown := p.message(ctx, err)
	if at, ok := errors.AsType[*gqlerror.Error](err); ok {
		shown.Locations = at.Locations
		if inResponse(at.Path) {
			shown.Path = at.Path
		}
	}
	shown.Extensions["requestId"] = viewer.Actor(ctx).RequestID
	return shown
}

func (p Presenter) message(ctx context.Context, err error) *gqlerror.Error {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		shown := sentence(refusal.Code, refusal.Message, p.Names.only(refusal.Path))
		if refusal.Wait > 0 {
			shown.Extensions["retryable"], shown.Extensions["retryAfterSeconds"] = true, refusal.Wait
		}
		return shown
	}
	if e, ok := errors.AsType[*errs.Error](err); ok && e.Kind != errs.Internal {
		return sentence(ofKind[e.Kind], e.Message, e.Path)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return sentence(ServiceBusy, errs.TryAgain(nil).Message, nil)
	}
	if e, ok := errors.AsType[*gqlerror.Error](err); ok && e.Err == nil && !inResponse(e.Path) {
		if shown := p.document(ctx, e); shown != nil {
			return shown
		}
	}
	if !errors.Is(err, errRecovered) && !errors.Is(err, context.Canceled) {
		p.Log.ErrorContext(ctx, "request failed", "requestId", viewer.Actor(ctx).RequestID, "error", cause(err).Error())
	}
	return sentence(InternalServerError, "Internal error.", nil)
}

// Note logs a failure that the answer does without.
func (p Presenter) Note(ctx context.Context, what string, err error) {
	p.Log.WarnContext(ctx, what, "requestId", viewer.Actor(ctx).RequestID, "error", cause(err).Error())
}

// Warn logs what has happened, with ids and nothing else.
func (p Presenter) Warn(ctx context.Context, what string, ids map[string]uuid.UUID) {
	a := viewer.Actor(ctx)
	attributes := []any{"requestId", a.RequestID, "actor", a.ID.String(), "client", a.Client}
	for _, name := range slices.Sorted(maps.Keys(ids)) {
		attributes = append(attributes, name, ids[name].String())
	}
	p.Log.WarnContext(ctx, what, attributes...)
}

var errRecovered = errors.New("recovered from a panic")

// Recover is gqlgen's recover function. The caller learns no more than of any other unexpected failure.
func (p Presenter) Recover(ctx context.Context, cause any) error {
	p.Log.ErrorContext(ctx, "panic", "requestId", viewer.Actor(ctx).RequestID, "cause", errs.Panicked(cause), "stack", string(debug.Stack()))
	return errRecovered
}

// cause is a failure without its path into the response, whose names are the caller's.
func cause(err error) error {
	if at, ok := errors.AsType[*gqlerror.Error](err); ok && at.Err != nil {
		return at.Err
	}
	return err
}

func sentence(code Code, message string, path []string) *gqlerror.Error {
	shown := &gqlerror.Error{Message: message, Extensions: map[string]any{"code": code}}
	if len(path) > 0 {
		shown.Extensions["path"] = path
	}
	if code == ServiceBusy {
		shown.Extensions["retryable"] = true
	}
	return shown
}

// inResponse tells a path into the response from gqlgen's path into the variables, which is none.
func inResponse(path ast.Path) bool { return len(path) > 0 && path[0] != ast.PathName("variable") }
