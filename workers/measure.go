package workers

import (
	"context"
	"log/slog"
	"time"
)

// Measurer reads figures that every process would read anew, were they read when somebody looks at them.
type Measurer interface {
	Measure(ctx context.Context) error
}

const measureEvery = 15 * time.Second

// Measure reads figures at once, as a job that the log names, and again and again, until ctx ends.
func Measure(ctx context.Context, job string, m Measurer, log *slog.Logger) {
	repeat(ctx, measureEvery, 1, func(ctx context.Context, _ int) (int, error) { return 0, m.Measure(ctx) }, log.With("job", job))
}
