package live

import (
	"context"
	"time"

	"github.com/mediconnect/mediconnect/internal/clock"
)

// Keep is how much of the log is kept.
type Keep struct {
	For       time.Duration
	Positions int64 // back from the last entry, however young they are
}

// Size is how large the log is.
type Size struct {
	Entries int64 // an estimate where there are many
	Bytes   int64 // with indexes
	Oldest  time.Time
}

// Forgetful is a log that forgets.
type Forgetful interface {
	// Forget drops at most limit entries that were written until an instant, and as many that are so many positions or more
	// behind the last, and answers how many. Cursors from before what was dropped are ErrTooOld then.
	Forget(ctx context.Context, until time.Time, positions int64, limit int) (int, error)
}

// Trimmer bounds a log.
type Trimmer struct {
	Log   Forgetful
	Clock clock.Clock // that entries are written by
	Keep  Keep
}

// Trim drops entries that needn't be kept, at most about limit of them, and answers how many.
func (t Trimmer) Trim(ctx context.Context, limit int) (int, error) {
	return t.Log.Forget(ctx, t.Clock.Now().Add(-t.Keep.For), t.Keep.Positions, limit)
}
