package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/live"
)

// Office is held by one process of all that work with a database: a lock of a session, on a connection of its own.
type Office struct {
	db   *DB
	name string
	conn *pgx.Conn // nil: none
}

var _ live.Office = (*Office)(nil)

// NewOffice names an office of a database. It is used by one goroutine.
func NewOffice(db *DB, name string) *Office { return &Office{db: db, name: name} }

// The holder says that it is there; the server ends a session that says nothing for longer, as when its machine is cut off.
const (
	reportEvery  = 500 * time.Millisecond
	reportWithin = time.Second
	silentFor    = 3 * time.Second
)

const (
	tryOffice = `SELECT pg_try_advisory_lock(hashtextextended('office:' || $1, 0))`
	isHere    = `SELECT 1`
)

// Hold implements live.Office.
func (o *Office) Hold(ctx context.Context, work func(context.Context)) (bool, error) {
	free, err := o.try(ctx)
	if err != nil || !free {
		return false, err
	}
	defer o.Close() // which gives the lock back
	ctx, lost := context.WithCancel(ctx)
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		defer lost()
		o.report(ctx)
	}()
	work(ctx)
	lost()
	<-reported
	return true, nil
}

// try takes the lock if it is free.
func (o *Office) try(ctx context.Context) (free bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, reportWithin)
	defer cancel()
	if o.conn == nil {
		if err := o.connect(ctx); err != nil {
			return false, err
		}
	}
	if err := o.conn.QueryRow(ctx, tryOffice, o.name).Scan(&free); err != nil {
		o.Close()
		return false, fmt.Errorf("try for the office of the %s: %w", o.name, err)
	}
	return free, nil
}

func (o *Office) connect(ctx context.Context) (err error) {
	config := o.db.tenants.Config().ConnConfig.Copy()
	config.RuntimeParams["role"] = relayRole
	config.RuntimeParams["idle_session_timeout"] = millis(silentFor)
	if o.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		o.conn = nil
		return fmt.Errorf("connect for the office of the %s: %w", o.name, err)
	}
	return nil
}

// report says again and again that the holder is there, until that fails.
func (o *Office) report(ctx context.Context) {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		within, cancel := context.WithTimeout(ctx, reportWithin)
		_, err := o.conn.Exec(within, isHere)
		cancel()
		if err != nil {
			return
		}
	}
}

// Close implements live.Office.
func (o *Office) Close() {
	if o.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), reportWithin)
	defer cancel()
	_ = o.conn.Close(ctx)
	o.conn = nil
}
