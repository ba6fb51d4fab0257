package postgres

import (
	"context"
	"time"

	"github.com/mediconnect/mediconnect/internal/waitlist"
)

const selectTurnFigures = `
SELECT kind, count(*) AS turns, min(due_at) AS oldest FROM (SELECT kind, due_at FROM waitlist_turns WHERE due_at <= $1 ORDER BY due_at LIMIT $2) due GROUP BY kind`

// Figures reads how the waitlists of all organisations stand.
func (s *WaitlistStore) Figures(ctx context.Context, now time.Time) (waitlist.Figures, error) {
	type row struct {
		Kind   waitlist.TurnKind
		Turns  int
		Oldest time.Time
	}
	rows, err := list[row](ctx, s.db.job(sweeperRole), selectTurnFigures, now, mostCounted)
	f := waitlist.Figures{}
	for _, r := range rows {
		f[r.Kind] = waitlist.Due{Count: r.Turns, Oldest: now.Sub(r.Oldest)}
	}
	return f, err
}
