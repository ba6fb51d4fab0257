// Package presenter belongs to the door: it alone decides what a caller is told of a failure.
package presenter

import (
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/internal/errs"
)

// Code is the stable extensions.code of a top-level error. docs/errors.md lists each with cause and cure.
type Code string

// The codes.
const (
	BadRequest            Code = "BAD_REQUEST"
	ComplexityExceeded    Code = "COMPLEXITY_LIMIT_EXCEEDED"
	CostExceeded          Code = "COST_LIMIT_EXCEEDED"
	DepthExceeded         Code = "DEPTH_LIMIT_EXCEEDED"
	DocumentNotFound      Code = "DOCUMENT_NOT_FOUND"
	DocumentNotTrusted    Code = "DOCUMENT_NOT_TRUSTED"
	Forbidden             Code = "FORBIDDEN"
	ParseFailed           Code = "GRAPHQL_PARSE_FAILED"
	ValidationFailed      Code = "GRAPHQL_VALIDATION_FAILED"
	InternalServerError   Code = "INTERNAL_SERVER_ERROR"
	InvalidInput          Code = "INVALID_INPUT"
	MethodNotAllowed      Code = "METHOD_NOT_ALLOWED"
	NotAcceptable         Code = "NOT_ACCEPTABLE"
	NotFound              Code = "NOT_FOUND"
	OneAtATime            Code = "ONE_AT_A_TIME"
	PersistedNotFound     Code = "PERSISTED_QUERY_NOT_FOUND"
	PersistedNotSupported Code = "PERSISTED_QUERY_NOT_SUPPORTED"
	RateLimited           Code = "RATE_LIMITED"
	RequestTooLarge       Code = "REQUEST_TOO_LARGE"
	ServiceBusy           Code = "SERVICE_BUSY"
	TooManyOperations     Code = "TOO_MANY_OPERATIONS"
	Unauthenticated       Code = "UNAUTHENTICATED"
	UnsupportedMediaType  Code = "UNSUPPORTED_MEDIA_TYPE"
)

var ofKind = map[errs.Kind]Code{
	errs.Internal:        InternalServerError,
	errs.InvalidInput:    InvalidInput,
	errs.NotFound:        NotFound,
	errs.Unauthenticated: Unauthenticated,
	errs.Forbidden:       Forbidden,
	errs.Busy:            ServiceBusy,
}

// Refusal is a request that the door itself turns away. Its message is safe to show.
type Refusal struct {
	Code    Code
	Message string
	Path    []string // into the arguments
	Wait    int      // seconds after which the same may be asked again; 0: waiting doesn't help
}

func (r *Refusal) Error() string { return r.Message }

// Later makes the error of a request that may be sent again after some seconds.
func Later(code Code, message string, seconds int) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Err: &Refusal{Code: code, Message: message, Wait: seconds}}
}

// Refuse makes the error of a request that the door turns away.
func Refuse(code Code, message string, path ...string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Err: &Refusal{Code: code, Message: message, Path: path}}
}
