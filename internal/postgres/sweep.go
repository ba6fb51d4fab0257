package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/patient"
)

const selectDueHolds = `
SELECT DISTINCT organization_id, party_id FROM (
    SELECT organization_id, party_id FROM claims
    WHERE state = 'ACTIVE' AND hold_id IS NOT NULL AND party_kind = 'PROVIDER' AND expires_at <= $1
      AND (organization_id, party_id) NOT IN (SELECT * FROM unnest($2::uuid[], $3::uuid[]))
    ORDER BY expires_at LIMIT $4) due`

// DueHolds implements appointment.Store.
func (s *AppointmentStore) DueHolds(ctx context.Context, now time.Time, passed []clinic.Ref, limit int) ([]clinic.Ref, error) {
	type row struct{ OrganizationID, PartyID uuid.UUID }
	organizations, providers := split(passed)
	var refs []clinic.Ref
	err := s.db.job(sweeperRole).snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, selectDueHolds, now, organizations, providers, limit)
		list, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
		for _, r := range list {
			refs = append(refs, clinic.Ref{Organization: r.OrganizationID, ID: r.PartyID})
		}
		return err
	})
	return refs, err
}

const selectDueApprovals = `
SELECT organization_id, id FROM appointments
WHERE approval_due_at <= $1 AND (organization_id, id) NOT IN (SELECT * FROM unnest($2::uuid[], $3::uuid[]))
ORDER BY approval_due_at, id LIMIT $4`

// DueApprovals implements appointment.Store.
func (s *AppointmentStore) DueApprovals(ctx context.Context, now time.Time, passed []clinic.Ref, limit int) ([]clinic.Ref, error) {
	type row struct{ OrganizationID, ID uuid.UUID }
	organizations, visits := split(passed)
	var refs []clinic.Ref
	err := s.db.job(sweeperRole).snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, selectDueApprovals, now, organizations, visits, limit)
		list, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
		for _, r := range list {
			refs = append(refs, clinic.Ref{Organization: r.OrganizationID, ID: r.ID})
		}
		return err
	})
	return refs, err
}

// A stuck provider is left for the next sweep: 50 ms is longer than a booking takes, and several fit into the second that a
// sweep has.
const callLapse = `SELECT lapse_holds($1) FROM set_config('lock_timeout', '50ms', true)`

// LapseHolds implements appointment.Store.
func (s *AppointmentStore) LapseHolds(ctx context.Context, provider clinic.Ref, now time.Time) (int, error) {
	var n int
	p := struct {
		Organization uuid.UUID `json:"organization"`
		Provider     uuid.UUID `json:"provider"`
		Now          time.Time `json:"now"`
	}{provider.Organization, provider.ID, now}
	err := s.db.call(ctx, provider.Organization, &n, callLapse, p)
	return n, err
}

// How long things are kept after they are over.
const (
	// A claim that ended stays in the constraint's index until no new one can reach back to it: a visit starts now at the
	// earliest, its buffer before that, and the clocks of processes differ a little.
	claimGrace  = clinic.MaxBuffer + time.Hour
	claimMemory = 7 * 24 * time.Hour // of claims that were freed or lapsed; those of visits stay with them
	// A day's messages are counted until it is over, and nobody sends what was asked for so long ago.
	messageMemory = 48 * time.Hour
	// What was counted of conflicts is kept for longer than a report reaches; cases that were told apart aren't.
	conflictMemory     = conflict.LongestReport + 8*24*time.Hour
	disagreementMemory = 30 * 24 * time.Hour
	fallbackMemory     = 400 * 24 * time.Hour
	// Who waited, and what was offered to them, is looked up for about as long as messages are.
	waitMemory = 400 * 24 * time.Hour
	// A text that answers no message is known again for as long as one answers any. The others go with their messages.
	replyMemory = 8 * 24 * time.Hour
)

// Each statement is a transaction of its own, bounded by the limit. A claim that another transaction holds is left for the
// next time.
type tidied struct {
	sql   string
	until func(now time.Time) time.Time
}

var tidying = []tidied{
	// Only a clock that was set back, as a test's may be, brings these back, where nobody has taken their time since.
	{`UPDATE claims SET state = 'ACTIVE' WHERE (organization_id, id) IN (
		SELECT organization_id, id FROM claims c WHERE state = 'PAST' AND ends_at > $1 AND NOT EXISTS (
			SELECT FROM claims o WHERE o.organization_id = c.organization_id AND o.party_id = c.party_id AND o.lane = c.lane
				AND o.id <> c.id AND o.state IN ('ACTIVE', 'PAST') AND o.starts_at < c.ends_at AND o.ends_at > c.starts_at)
		LIMIT $2 FOR UPDATE SKIP LOCKED)`,
		func(now time.Time) time.Time { return now.Add(-clinic.MaxBuffer) }},
	{`UPDATE claims SET state = 'PAST' WHERE (organization_id, id) IN (
		SELECT organization_id, id FROM claims WHERE state = 'ACTIVE' AND hold_id IS NULL AND ends_at <= $1
		ORDER BY ends_at LIMIT $2 FOR UPDATE SKIP LOCKED)`,
		func(now time.Time) time.Time { return now.Add(-claimGrace) }},
	{`DELETE FROM claims WHERE (organization_id, id) IN (
		SELECT organization_id, id FROM claims WHERE state IN ('FREED', 'LAPSED') AND ends_at <= $1
		ORDER BY ends_at LIMIT $2 FOR UPDATE SKIP LOCKED)`,
		func(now time.Time) time.Time { return now.Add(-claimMemory) }},
	// A hold's claims end a buffer after it at most, so they have gone before it does, unless they are still in line.
	{`DELETE FROM holds WHERE (organization_id, id) IN (
		SELECT organization_id, id FROM holds h WHERE state <> 'ACTIVE' AND ends_at <= $1 AND ended_at <= $1 AND NOT EXISTS (
			SELECT FROM claims c WHERE c.state IN ('FREED', 'LAPSED') AND c.ends_at BETWEEN h.ends_at AND h.ends_at + interval '12 hours'
				AND c.organization_id = h.organization_id AND c.hold_id = h.id)
		ORDER BY ends_at LIMIT $2 FOR UPDATE SKIP LOCKED)`,
		func(now time.Time) time.Time { return now.Add(-claimMemory - clinic.MaxBuffer) }},
	{`DELETE FROM idempotency_keys WHERE (organization_id, client, actor_id, key) IN (
		SELECT organization_id, client, actor_id, key FROM idempotency_keys WHERE created_at <= $1
		ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)`,
		func(now time.Time) time.Time { return now.Add(-clinic.KeyLife) }},
	{`DELETE FROM patient_invitations WHERE (organization_id, id) IN (
		SELECT organization_id, id FROM patient_invitations WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
		func(now time.Time) time.Time { return now.Add(-clinic.KeyLife) }},
	{`DELETE FROM invitation_tries WHERE (organization_id, account_id) IN (
		SELECT organization_id, account_id FROM invitation_tries WHERE since <= $1 ORDER BY since LIMIT $2 FOR UPDATE SKIP LOCKED)`,
		func(now time.Time) time.Time { return now.Add(-patient.LockOut) }},
	{`DELETE FROM account_codes WHERE (organization_id, id) IN (
		SELECT organization_id, id FROM account_codes WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
		func(now time.Time) time.Time { return now }},
	{`DELETE FROM account_notes WHERE (organization_id, id) IN (
		SELECT organization_id, id FROM account_notes n WHERE asked_at <= $1 AND NOT EXISTS (
			SELECT FROM account_codes c WHERE c.organization_id = n.organization_id AND c.asked_by = n.id)
		ORDER BY asked_at LIMIT $2)`,
		func(now time.Time) time.Time { return now.Add(-messageMemory) }},
	{`DELETE FROM message_counts WHERE (organization_id, channel, counted, subject, country, span, starts_at) IN (
		SELECT organization_id, channel, counted, subject, country, span, starts_at FROM message_counts
		WHERE starts_at <= $1 ORDER BY starts_at LIMIT $2)`,
		func(now time.Time) time.Time { return now.Add(-messageMemory) }},
	{`DELETE FROM message_replies WHERE (organization_id, vendor_id) IN (
		SELECT organization_id, vendor_id FROM message_replies WHERE message_id IS NULL AND at <= $1 ORDER BY at LIMIT $2)`,
		func(now time.Time) time.Time { return now.Add(-replyMemory) }},
	{`DELETE FROM conflict_counts WHERE (organization_id, hour, mode, operation, what, key) IN (
		SELECT organization_id, hour, mode, operation, what, key FROM conflict_counts WHERE hour <= $1 ORDER BY hour LIMIT $2)`,
		func(now time.Time) time.Time { return now.Add(-conflictMemory) }},
	{`DELETE FROM conflict_disagreements WHERE (organization_id, id) IN (
		SELECT organization_id, id FROM conflict_disagreements WHERE at <= $1 ORDER BY at LIMIT $2)`,
		func(now time.Time) time.Time { return now.Add(-disagreementMemory) }},
	{`DELETE FROM conflict_fallbacks WHERE id IN (
		SELECT id FROM conflict_fallbacks WHERE rearmed_at <= $1 AND at <= $1 ORDER BY at LIMIT $2)`,
		func(now time.Time) time.Time { return now.Add(-fallbackMemory) }},
	{`DELETE FROM waitlist_offers WHERE (organization_id, id) IN (
		SELECT organization_id, id FROM waitlist_offers o WHERE ended_at <= $1 AND NOT EXISTS (
			SELECT FROM messages m WHERE m.organization_id = o.organization_id AND m.appointment_id = o.id)
		ORDER BY ended_at LIMIT $2)`,
		func(now time.Time) time.Time { return now.Add(-waitMemory) }},
	{`DELETE FROM waitlist_entries WHERE (organization_id, id) IN (
		SELECT organization_id, id FROM waitlist_entries e WHERE ended_at <= $1 AND NOT EXISTS (
			SELECT FROM waitlist_offers o WHERE o.organization_id = e.organization_id AND o.entry_id = e.id)
		ORDER BY ended_at LIMIT $2)`,
		func(now time.Time) time.Time { return now.Add(-waitMemory) }},
	{`DELETE FROM platform_idempotency_keys WHERE (client, actor_id, key) IN (
		SELECT client, actor_id, key FROM platform_idempotency_keys WHERE created_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`,
		func(now time.Time) time.Time { return now.Add(-clinic.KeyLife) }},
}

// Tidy implements appointment.Store.
func (s *AppointmentStore) Tidy(ctx context.Context, now time.Time, limit int) (int, error) {
	return s.db.tidy(ctx, tidying, now, limit)
}

func (db *DB) tidy(ctx context.Context, all []tidied, now time.Time, limit int) (int, error) {
	done := 0
	var failed error
	for _, t := range all { // one that fails doesn't keep the others from their work
		failed = errors.Join(failed, db.writeAs(ctx, sweeperRole, func(ctx context.Context, tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, t.sql, t.until(now), limit)
			done += int(tag.RowsAffected())
			return err
		}))
	}
	return done, failed
}
