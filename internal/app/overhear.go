package app

import (
	"context"
	"log/slog"
)

// overhear has what libraries say for themselves, the lines of which are everybody's, written with ours, for whoever looks closely.
func overhear(log *slog.Logger) { slog.SetDefault(slog.New(closely{log.Handler()})) }

// closely writes everything as debugging.
type closely struct{ slog.Handler }

// Enabled is documented at slog.Handler.
func (c closely) Enabled(ctx context.Context, _ slog.Level) bool {
	return c.Handler.Enabled(ctx, slog.LevelDebug)
}

// Handle is documented at slog.Handler.
func (c closely) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return c.Handler.Handle(ctx, r)
}

// WithAttrs is documented at slog.Handler.
func (c closely) WithAttrs(attrs []slog.Attr) slog.Handler {
	return closely{c.Handler.WithAttrs(attrs)}
}

// WithGroup is documented at slog.Handler.
func (c closely) WithGroup(name string) slog.Handler { return closely{c.Handler.WithGroup(name)} }
