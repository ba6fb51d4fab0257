// Package viewer belongs to the door: who is asking, handed from the transport to the resolvers. Below them the actor is a
// parameter.
package viewer

import (
	"context"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
)

// Viewer is the caller and what the request says about them.
type Viewer struct {
	access.Actor
	Locale  string    // BCP 47, from Accept-Language
	Expires time.Time // when the caller's token does, by the machine's clock; zero: never
	Address string    // that the request came from; callers who haven't signed in are told apart by it

	// Watch has a function called once when what the caller came with is revoked; nil: it never is.
	Watch func(then func()) (forget func())
}

type key struct{}

// With puts the caller of a request into its context.
func With(ctx context.Context, v Viewer) context.Context { return context.WithValue(ctx, key{}, v) }

// Of returns the caller of a request; without one, nobody.
func Of(ctx context.Context) Viewer {
	v, ok := ctx.Value(key{}).(Viewer)
	if !ok {
		return Viewer{Actor: access.Nobody(""), Locale: "en"}
	}
	return v
}

// Actor returns who is asking.
func Actor(ctx context.Context) access.Actor { return Of(ctx).Actor }
