package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/live"
)

// Log reads the ordered event log.
type Log struct {
	db  *DB
	age time.Duration // a look that isn't older is good enough
}

var _ live.Source = (*Log)(nil)

// NewLog puts the log over a database.
func NewLog(db *DB) *Log { return &Log{db, lookAgainAfter} }

// Closely is the log for the one follower of a process that wants to know at once; a look then serves everybody else, too.
func (l *Log) Closely() *Log { return &Log{l.db, lookClosely} }

// Underway implements live.Source.
func (l *Log) Underway() bool { return l.db.positions.underway() }

// Head implements live.Log.
func (l *Log) Head(ctx context.Context) (live.Cursor, error) {
	m, err := l.db.released(ctx, l.age)
	return live.Cursor{Epoch: m.epoch, Position: m.position}, err
}

const (
	selectForgotten = `SELECT forgotten FROM log_epoch`

	selectEntries = `
SELECT position, organization_id, at, topic, provider_id, appointment_id, offer_id, payload FROM event_log
WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3`

	// Each part by an index of its own.
	selectEntriesOf = `
SELECT position, organization_id, at, topic, provider_id, appointment_id, offer_id, payload FROM (
    SELECT e.* FROM unnest($4::uuid[], $5::uuid[]) p(organization_id, provider_id) CROSS JOIN LATERAL (
        SELECT * FROM event_log e WHERE e.organization_id = p.organization_id AND e.provider_id = p.provider_id
        AND position > $1 AND position <= $2 ORDER BY position LIMIT $3) e
    UNION SELECT e.* FROM unnest($6::uuid[]) o(organization_id) CROSS JOIN LATERAL (
        SELECT * FROM event_log e WHERE e.organization_id = o.organization_id
        AND position > $1 AND position <= $2 ORDER BY position LIMIT $3) e
    UNION SELECT e.* FROM unnest($8::uuid[], $9::uuid[]) a(organization_id, appointment_id) CROSS JOIN LATERAL (
        SELECT * FROM event_log e WHERE e.organization_id = a.organization_id AND e.appointment_id = a.appointment_id
        AND position > $1 AND position <= $2 ORDER BY position LIMIT $3) e
    UNION SELECT e.* FROM unnest($10::uuid[]) o(organization_id) CROSS JOIN LATERAL (
        SELECT * FROM event_log e WHERE e.organization_id = o.organization_id AND e.offer_id IS NOT NULL
        AND position > $1 AND position <= $2 ORDER BY position LIMIT $3) e
    UNION SELECT e.* FROM unnest($11::uuid[], $12::uuid[]) f(organization_id, offer_id) CROSS JOIN LATERAL (
        SELECT * FROM event_log e WHERE e.organization_id = f.organization_id AND e.offer_id = f.offer_id
        AND position > $1 AND position <= $2 ORDER BY position LIMIT $3) e
    UNION (SELECT * FROM event_log WHERE $7 AND topic = '` + live.ScheduleTopic + `' AND position > $1 AND position <= $2 ORDER BY position LIMIT $3)
) found ORDER BY position LIMIT $3`
)

type entryRow struct {
	Position                  int64
	OrganizationID            uuid.UUID
	At                        time.Time
	Topic                     string
	ProviderID, AppointmentID *uuid.UUID
	OfferID                   *uuid.UUID
	Payload                   json.RawMessage
}

// Read implements live.Log.
func (l *Log) Read(ctx context.Context, after live.Cursor, limit int) ([]live.Entry, live.Cursor, error) {
	m, err := l.db.released(ctx, l.age)
	if err != nil || after == (live.Cursor{Epoch: m.epoch, Position: m.position, At: after.At}) {
		return nil, after, err
	}
	return l.read(ctx, m.epoch, after, m.position, limit, selectEntries, after.Position, m.position, limit)
}

// ReadOf implements live.Log.
func (l *Log) ReadOf(ctx context.Context, of live.Interest, after live.Cursor, upto int64, limit int) ([]live.Entry, live.Cursor, error) {
	m, err := l.db.released(ctx, l.age)
	if err != nil {
		return nil, after, err
	}
	organizations, providers := split(of.Providers)
	clinics, appointments := split(of.Appointments)
	waited, offers := split(of.OwnOffers)
	return l.read(ctx, m.epoch, after, upto, limit, selectEntriesOf, after.Position, upto, limit,
		organizations, providers, of.Organizations, of.Schedules, clinics, appointments, of.Offers, waited, offers)
}

// read answers what a query finds after a cursor, up to a released position.
func (l *Log) read(ctx context.Context, epoch string, after live.Cursor, upto int64, limit int, query string, args ...any) ([]live.Entry, live.Cursor, error) {
	if epoch != after.Epoch {
		return nil, after, live.ErrReset
	}
	var forgotten, last int64
	var rows []entryRow
	err := l.db.job(relayRole).snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error {
		batch := &pgx.Batch{}
		batch.Queue(selectForgotten).QueryRow(func(r pgx.Row) error { return r.Scan(&forgotten) })
		batch.Queue(lastPosition).QueryRow(func(r pgx.Row) error { return r.Scan(&last) })
		collect(batch.Queue(query, args...), &rows)
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return nil, after, err
	}
	// Another process may have released more than this one, but never what wasn't taken: such a cursor is from the time
	// before a disk's snapshot was put back.
	switch {
	case after.Position < forgotten:
		return nil, after, live.ErrTooOld
	case after.Position > last:
		return nil, after, live.ErrReset
	}
	next := live.Cursor{Epoch: epoch, Position: max(after.Position, upto), At: after.At}
	entries := make([]live.Entry, len(rows))
	for i, r := range rows {
		entries[i] = live.Entry{
			Position: r.Position, Organization: r.OrganizationID, At: r.At.UTC(), Topic: r.Topic,
			Provider: or(r.ProviderID), Appointment: or(r.AppointmentID), Offer: or(r.OfferID), Payload: r.Payload,
		}
	}
	if len(rows) == limit {
		next.Position = rows[limit-1].Position
	}
	return entries, next, nil
}
