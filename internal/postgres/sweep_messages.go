package postgres

import (
	"context"
	"time"
)

// noticeMemory is how long a notice is kept that nobody could make messages of.
const noticeMemory = 30 * 24 * time.Hour

// tidyingMessages are those that are kept for so long. Attempts and dead letters go with their message.
func tidyingMessages(keep time.Duration) []tidied {
	return []tidied{
		{`DELETE FROM messages WHERE (organization_id, id) IN (
		SELECT organization_id, id FROM messages WHERE scheduled_for <= $1 ORDER BY scheduled_for LIMIT $2)`,
			func(now time.Time) time.Time { return now.Add(-keep) }},
		{`DELETE FROM message_notices WHERE (organization_id, appointment_id, version) IN (
		SELECT organization_id, appointment_id, version FROM message_notices WHERE due_at <= $1 AND at <= $1 ORDER BY due_at LIMIT $2)`,
			func(now time.Time) time.Time { return now.Add(-noticeMemory) }},
	}
}

// TidyMessages takes at most limit messages of those out of the way whose time is longer ago than they are kept for, and as many notices.
func (db *DB) TidyMessages(ctx context.Context, now time.Time, keep time.Duration, limit int) (int, error) {
	return db.tidy(ctx, tidyingMessages(keep), now, limit)
}
