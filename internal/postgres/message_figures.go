package postgres

import (
	"context"
	"time"

	"github.com/mediconnect/mediconnect/internal/reminder"
)

// mostCounted is where counting what waits stops: the figure says then that it is as many at least.
const mostCounted = 100_000

// Each part goes by an index of its own: what is due by the relay's, the last hour by time, what ended badly by its end. How long notices have
// waited is told by when they were left: whoever takes one, or puts it off, moves when it is due.
const selectMessageFigures = `
SELECT 'DUE' AS part, channel, state, count(*) AS messages, 0 AS on_time, min(due_at) AS oldest FROM (
    (SELECT channel, state, due_at FROM messages WHERE state = 'SCHEDULED' AND due_at <= $1 ORDER BY due_at LIMIT $2)
    UNION ALL
    (SELECT channel, state, due_at FROM messages WHERE state = 'QUEUED' AND due_at <= $1 ORDER BY due_at LIMIT $2)
    UNION ALL
    (SELECT channel, state, sending_at FROM messages WHERE state = 'SENDING' ORDER BY claimed_until LIMIT $2)) waiting GROUP BY channel, state
UNION ALL
SELECT 'HOUR', channel, state, count(*), count(*) FILTER (WHERE delivered_at <= scheduled_for + $3::interval), NULL
FROM messages WHERE scheduled_for > $1::timestamptz - $3::interval - interval '1 hour' AND scheduled_for <= $1::timestamptz - $3::interval GROUP BY channel, state
UNION ALL
SELECT 'ENDED', channel, state, count(*), 0, NULL
FROM messages WHERE state IN ('EXPIRED', 'FAILED', 'UNKNOWN') AND ended_at > $1::timestamptz - interval '1 hour' AND ended_at <= $1 GROUP BY channel, state
UNION ALL
SELECT 'DEAD', channel, '', count(*), 0, min(died_at) FROM (
    SELECT channel, died_at FROM dead_letters WHERE replayed_at IS NULL ORDER BY died_at LIMIT $2) dead GROUP BY channel
UNION ALL
SELECT CASE WHEN kind = 'REPLANNED' THEN 'REPLANS' ELSE 'NEWS' END, '', '', count(*), 0, min(at) FROM (
    (SELECT kind, at FROM message_notices WHERE kind = 'REPLANNED' ORDER BY due_at LIMIT $2)
    UNION ALL
    (SELECT kind, at FROM message_notices WHERE kind <> 'REPLANNED' ORDER BY due_at LIMIT $2)) noticed GROUP BY 1
UNION ALL
SELECT 'MARKS', '', '', count(*), 0, min(at) FROM (SELECT at FROM message_replans ORDER BY due_at LIMIT $2) marked HAVING count(*) > 0`

// Figures reads how messages of all organisations stand, in one statement.
func (s *Messages) Figures(ctx context.Context, now time.Time) (reminder.Figures, error) {
	type row struct {
		Part             string
		Channel          reminder.ChannelKind
		State            reminder.State
		Messages, OnTime int
		Oldest           *time.Time
	}
	rows, err := list[row](ctx, s.db.job(courierRole), selectMessageFigures, now, mostCounted, reminder.OnTime)
	f := reminder.Figures{At: now, Waiting: map[reminder.Stage]reminder.Wait{}, Hour: map[reminder.Stage]reminder.Went{}, Ended: map[reminder.Stage]int{},
		Dead: map[reminder.ChannelKind]reminder.Wait{}}
	for _, r := range rows {
		stage := reminder.Stage{Channel: r.Channel, State: r.State}
		wait := reminder.Wait{Count: r.Messages}
		if r.Oldest != nil {
			wait.Oldest = max(0, now.Sub(*r.Oldest))
		}
		switch r.Part {
		case "DUE":
			f.Waiting[stage] = wait
		case "HOUR":
			f.Hour[stage] = reminder.Went{Count: r.Messages, OnTime: r.OnTime}
		case "ENDED":
			f.Ended[stage] = r.Messages
		case "DEAD":
			f.Dead[r.Channel] = wait
		case "NEWS":
			f.News = wait
		case "REPLANS":
			f.Replans = wait
		case "MARKS":
			f.Marks = wait
		}
	}
	return f, err
}
