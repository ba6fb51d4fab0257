package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/live"
)

// Tickets keeps tickets for streams, as the role that signs in.
type Tickets struct{ db *DB }

var _ live.TicketStore = (*Tickets)(nil)

// NewTickets puts tickets over a database.
func NewTickets(db *DB) *Tickets { return &Tickets{db} }

const (
	lockTickets = `SELECT pg_advisory_xact_lock(hashtextextended('stream_tickets ' || $1::uuid, 0))`
	dropTickets = `
DELETE FROM stream_tickets WHERE digest IN (
    SELECT digest FROM stream_tickets WHERE account_id = $1 ORDER BY expires_at DESC OFFSET $2)`
	insertTicket = `INSERT INTO stream_tickets (digest, account_id, holder, until, expires_at) VALUES ($1, $2, $3, $4, $5)`
)

// KeepTicket implements live.TicketStore.
func (t *Tickets) KeepTicket(ctx context.Context, digest live.TicketDigest, ticket live.Ticket, most int) error {
	holder, err := json.Marshal(ticket.Holder)
	if err != nil {
		return err
	}
	var until *time.Time
	if !ticket.Until.IsZero() {
		until = &ticket.Until
	}
	account := ticket.Holder.ID
	return t.db.writeAs(ctx, signInRole, func(ctx context.Context, tx pgx.Tx) error {
		batch := &pgx.Batch{}
		batch.Queue(lockTickets, account)
		batch.Queue(dropTickets, account, most-1)
		batch.Queue(insertTicket, digest[:], account, json.RawMessage(holder), until, ticket.Expires)
		return tx.SendBatch(ctx, batch).Close()
	})
}

const takeTicket = `DELETE FROM stream_tickets WHERE digest = $1 RETURNING holder, until, expires_at`

// TakeTicket implements live.TicketStore.
func (t *Tickets) TakeTicket(ctx context.Context, digest live.TicketDigest) (ticket live.Ticket, ok bool, err error) {
	type row struct {
		Holder    json.RawMessage
		Until     *time.Time
		ExpiresAt time.Time
	}
	var taken row
	err = t.db.writeAs(ctx, signInRole, func(ctx context.Context, tx pgx.Tx) (err error) {
		taken, ok, err = one[row](ctx, tx, takeTicket, digest[:])
		return err
	})
	if err != nil || !ok {
		return live.Ticket{}, false, err
	}
	var holder access.Actor
	if err := json.Unmarshal(taken.Holder, &holder); err != nil {
		return live.Ticket{}, false, err
	}
	return live.Ticket{Holder: holder, Until: or(taken.Until), Expires: taken.ExpiresAt}, true, nil
}
