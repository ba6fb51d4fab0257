package postgres

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// leaveFor bounds how long letters hold up who changes their visits: the server ends the transaction then.
const leaveFor = time.Second

const (
	beginLeaving = "begin; SET LOCAL ROLE " + courierRole + "; SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; " +
		"SET LOCAL enable_mergejoin = off; SET LOCAL plan_cache_mode = force_generic_plan; " +
		"SET LOCAL idle_in_transaction_session_timeout = '1s'"
	holdMessages = `
SELECT m.organization_id, m.id FROM unnest($1::uuid[], $2::uuid[], $3::int[]) w(organization_id, id, claims)
JOIN messages m ON m.organization_id = w.organization_id AND m.id = w.id AND m.claims = w.claims
WHERE m.state = 'SENDING' AND m.overtaken_at IS NULL ORDER BY m.organization_id, m.id FOR SHARE OF m`
)

// leaving is a letter's permission.
type leaving struct {
	granted bool
	until   time.Duration // of the process's uptime, which a pause doesn't stop
	left    func()
}

// Leave is documented at reminder.Courier. The locks that it holds make whoever changes a visit wait until its letter has left.
func (s *Messages) Leave(ctx context.Context, m reminder.Message) (func(), error) {
	l, err := s.leaves.ask(ctx, m)
	switch {
	case err != nil:
		return nil, err
	case !l.granted:
		return nil, reminder.ErrOvertaken
	case clock.Uptime() > l.until: // it took so long that the server may have ended it
		l.left()
		return nil, errs.TryAgain(errors.New("the letter took too long to leave"))
	}
	return l.left, nil
}

func (s *Messages) leaveAll(ctx context.Context, messages []reminder.Message) ([]leaving, error) {
	until := clock.Uptime() + leaveFor/2
	conn, tx, err := s.beginLeaving(ctx)
	if err != nil {
		return nil, err
	}
	var organizations, ids []uuid.UUID
	var claims []int
	for _, m := range messages {
		organizations, ids, claims = append(organizations, m.OrganizationID), append(ids, m.ID), append(claims, m.Claims)
	}
	rows, err := all[struct{ OrganizationID, ID uuid.UUID }](ctx, tx, holdMessages, organizations, ids, claims)
	if err != nil || len(rows) == 0 {
		endLeaving(conn, tx)
		return make([]leaving, len(messages)), translated(err)
	}
	held := make(map[clinic.Ref]bool, len(rows))
	for _, r := range rows {
		held[clinic.Ref{Organization: r.OrganizationID, ID: r.ID}] = true
	}
	end := sync.OnceFunc(func() { endLeaving(conn, tx) })
	time.AfterFunc(leaveFor, end) // whoever asked may have gone
	var waiting atomic.Int64
	waiting.Store(int64(len(rows)))
	answers := make([]leaving, len(messages))
	for i, m := range messages {
		if !held[m.Ref()] {
			continue
		}
		answers[i] = leaving{granted: true, until: until, left: sync.OnceFunc(func() {
			if waiting.Add(-1) == 0 {
				end()
			}
		})}
	}
	return answers, nil
}

func (s *Messages) beginLeaving(ctx context.Context) (*pgxpool.Conn, pgx.Tx, error) {
	waiting, cancel := context.WithTimeout(ctx, s.db.acquire)
	defer cancel()
	conn, err := s.db.tenants.Acquire(waiting)
	if err != nil {
		return nil, nil, errs.TryAgain(err)
	}
	readIDs(conn.Conn())
	tx, err := conn.BeginTx(waiting, pgx.TxOptions{BeginQuery: beginLeaving})
	if err != nil {
		conn.Release()
		return nil, nil, translated(err)
	}
	return conn, tx, nil
}

// endLeaving gives the locks back. Nothing was written.
func endLeaving(conn *pgxpool.Conn, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveFor)
	defer cancel()
	_ = tx.Rollback(ctx)
	conn.Release()
}
