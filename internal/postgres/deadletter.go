package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

var _ reminder.DeadLetterStore = (*Messages)(nil)

type deadLetterRow struct {
	OrganizationID, ID, MessageID uuid.UUID
	Generation                    int
	Channel                       reminder.ChannelKind
	Kind                          reminder.Kind
	DiedAt                        time.Time
	Cause                         reminder.Cause
	Code                          string
	Tries                         int
	Trace                         string
	ReplayedAt                    *time.Time
	Outcome                       string
}

const selectDeadLetters = `
SELECT d.organization_id, d.id, d.message_id, d.generation, d.channel, d.kind, d.died_at, d.cause, d.code, d.tries, d.trace, d.replayed_at,
    coalesce(d.outcome, '') AS outcome FROM dead_letters d WHERE `

func (r deadLetterRow) letter() reminder.DeadLetter {
	return reminder.DeadLetter{
		ID: r.ID, OrganizationID: r.OrganizationID, MessageID: r.MessageID, Generation: r.Generation, Channel: r.Channel, Kind: r.Kind,
		Died: r.DiedAt.UTC(), Cause: r.Cause, Code: r.Code, Tries: r.Tries, Trace: r.Trace, Replayed: utc(r.ReplayedAt), Outcome: reminder.ReplayOutcome(r.Outcome),
	}
}

// deadLetters is what a filter asks for.
func deadLetters(f reminder.DeadLetterFilter) *where {
	w := &where{conditions: []string{"true"}}
	for _, part := range []struct {
		narrows   bool
		condition string
		value     any
	}{
		{f.Organization != uuid.Nil, "d.organization_id = $%d", f.Organization},
		{f.IDs != nil, "d.id = ANY ($%d)", f.IDs},
		{f.Channel != "", "d.channel = $%d", string(f.Channel)},
		{f.Kind != "", "d.kind = $%d", string(f.Kind)},
		{f.Cause != "", "d.cause = $%d", string(f.Cause)},
		{!f.From.IsZero(), "d.died_at >= $%d", f.From},
		{!f.To.IsZero(), "d.died_at < $%d", f.To},
	} {
		if part.narrows {
			w.and(part.condition, part.value)
		}
	}
	if f.Replayed != nil && *f.Replayed {
		w.conditions = append(w.conditions, "d.replayed_at IS NOT NULL")
	} else if f.Replayed != nil {
		w.conditions = append(w.conditions, "d.replayed_at IS NULL")
	}
	return w
}

// lettersOf is where letters are read: as their tenant, or as the job that sees which message died where, and nothing of whom it is about.
func (s *Messages) lettersOf(organization uuid.UUID) reading {
	if organization == uuid.Nil {
		return s.db.job(courierRole)
	}
	return s.db.tenant(organization)
}

// DeadLetters is documented at reminder.DeadLetterStore.
func (s *Messages) DeadLetters(ctx context.Context, f reminder.DeadLetterFilter, w paging.Window) (paging.Page[reminder.DeadLetter], error) {
	cond := deadLetters(f)
	order, err := cond.byTime("d.died_at", "d.id", w)
	if err != nil {
		return paging.Page[reminder.DeadLetter]{}, err
	}
	rows, err := list[deadLetterRow](ctx, s.lettersOf(f.Organization), fmt.Sprintf("%s%s ORDER BY %s LIMIT %d", selectDeadLetters, cond, order, w.Size+1), cond.args...)
	return mapPage(paging.Cut(rows, w), deadLetterRow.letter), err
}

// CountDeadLetters is documented at reminder.DeadLetterStore.
func (s *Messages) CountDeadLetters(ctx context.Context, f reminder.DeadLetterFilter) (int, error) {
	type row struct{ Letters int }
	cond := deadLetters(f)
	rows, err := list[row](ctx, s.lettersOf(f.Organization),
		"SELECT count(*) AS letters FROM (SELECT FROM dead_letters d WHERE "+cond.String()+" LIMIT "+strconv.Itoa(paging.MaxCount)+") c", cond.args...)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return rows[0].Letters, nil
}
