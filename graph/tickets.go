package graph

import (
	"context"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
)

// Tickets are what a client opens a stream with that can't send its token.
type Tickets interface {
	// Redeem answers whose a ticket is, and when the stream has to end; zero: never. It can be done once. One that isn't valid fails
	// with errs.Unauthenticated.
	Redeem(ctx context.Context, ticket string) (access.Actor, time.Time, error)
}
