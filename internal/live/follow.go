package live

import (
	"context"
	"errors"
	"time"

	"github.com/mediconnect/mediconnect/internal/errs"
)

const batch = 500

// Run has a hub follow the log, looking for more every interval, until ctx ends. Whatever fails, it goes on.
func (h *Hub) Run(ctx context.Context, log Log, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ctx.Err() == nil {
		if at := h.At(); at.Epoch == "" {
			if head, err := log.Head(ctx); err == nil {
				h.Begin(head)
			}
		} else if err := h.more(ctx, log, at); errors.Is(err, ErrReset) {
			if head, err := log.Head(ctx); err == nil {
				h.Begin(head)
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// more reads until there is no more for now.
func (h *Hub) more(ctx context.Context, log Log, at Cursor) error {
	for {
		entries, next, err := log.Read(ctx, at, batch)
		if err != nil {
			return err
		}
		h.Advance(Batch{Epoch: at.Epoch, After: at.Position, Upto: next.Position, Entries: entries})
		if at = next; len(entries) < batch {
			return nil
		}
	}
}

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
