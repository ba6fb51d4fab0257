package live

import (
	"context"
	"time"

	"github.com/mediconnect/mediconnect/internal/errs"
)

const batch = 500

// Follow hands every entry after a cursor to each, in order, at least once, and looks for more every interval. It returns
// when ctx ends, when each fails, or with ErrReset. While the log can't be read it keeps trying.
func Follow(ctx context.Context, log Log, after Cursor, every time.Duration, each func(Entry) error) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		entries, next, err := log.Read(ctx, after, batch)
		switch {
		case err == nil:
			for _, e := range entries {
				if err := each(e); err != nil {
					return err
				}
			}
			after = next
			if len(entries) == batch {
				continue
			}
		case errs.Of(err) != errs.Busy:
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
