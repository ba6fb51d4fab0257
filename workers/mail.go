package workers

import (
	"context"
	"log/slog"
	"time"

	"github.com/mediconnect/mediconnect/internal/identity"
)

// Mailer is what the identity room offers to send what people have asked for.
type Mailer interface {
	// Deliver sends mails that are due, at most limit, and answers how many it looked at.
	Deliver(ctx context.Context, post identity.Post, limit int) (int, error)
}

const (
	mailEvery = 500 * time.Millisecond
	mailLimit = 100
)

// Mail sends mails about accounts until ctx ends. Several processes may do so at once.
func Mail(ctx context.Context, m Mailer, post identity.Post, log *slog.Logger) {
	repeat(ctx, mailEvery, mailLimit, func(ctx context.Context, limit int) (int, error) { return m.Deliver(ctx, post, limit) }, log.With("job", "mail"))
}
