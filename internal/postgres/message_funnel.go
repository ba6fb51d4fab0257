package postgres

import (
	"context"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// places are the organisation's locations, or the one that is asked for, with the instants between which the days lie there.
const places = `
WITH places AS MATERIALIZED (
    SELECT l.id, $2::date::timestamp AT TIME ZONE l.time_zone AS since, ($3::date + 1)::timestamp AT TIME ZONE l.time_zone AS until
    FROM locations l WHERE l.organization_id = $1 AND ($4::uuid IS NULL OR l.id = $4)
)`

// The outermost bounds, $5 and $6, are what the index is searched by. Messages are gone through once: what is summed up are their groups.
const countFunnel = places + `, grouped AS MATERIALIZED (
    SELECT date_bin('1 hour', m.scheduled_for, 'epoch') AS hour, m.state, m.cause, count(*) AS scheduled, count(m.queued_at) AS queued, count(m.sent_at) AS sent,
        count(m.delivered_at) AS delivered, count(m.response) AS responded, count(*) FILTER (WHERE m.response = 'CONFIRMED') AS confirmed,
        count(*) FILTER (WHERE m.delivered_at <= m.scheduled_for + $9::interval) AS on_time
    FROM messages m
    JOIN appointments a ON a.organization_id = m.organization_id AND a.id = m.appointment_id
    JOIN places p ON p.id = a.location_id
    WHERE m.organization_id = $1 AND m.scheduled_for >= $5 AND m.scheduled_for < $6 AND m.scheduled_for >= p.since AND m.scheduled_for < p.until
        AND ($7 = '' OR m.channel = $7) AND ($8 = '' OR m.kind = $8)
    GROUP BY 1, 2, 3
)
SELECT hour, coalesce(state, '') AS state, coalesce(cause, '') AS cause, GROUPING(hour) = 0 AS of_hour, GROUPING(state) = 0 AS of_cause,
    coalesce(sum(scheduled), 0)::bigint AS scheduled, coalesce(sum(queued), 0)::bigint AS queued, coalesce(sum(sent), 0)::bigint AS sent,
    coalesce(sum(delivered), 0)::bigint AS delivered, coalesce(sum(responded), 0)::bigint AS responded, coalesce(sum(confirmed), 0)::bigint AS confirmed,
    coalesce(sum(scheduled) FILTER (WHERE state = 'FAILED'), 0)::bigint AS failed,
    coalesce(sum(scheduled) FILTER (WHERE state = 'SUPPRESSED'), 0)::bigint AS suppressed, coalesce(sum(on_time), 0)::bigint AS on_time
FROM grouped GROUP BY GROUPING SETS ((), (hour), (state, cause)) ORDER BY hour, state, cause`

const countMissed = places + `
SELECT count(*) FILTER (WHERE a.status = 'NO_SHOW') AS missed, count(*) AS visits FROM appointments a JOIN places p ON p.id = a.location_id
WHERE a.organization_id = $1 AND a.starts_at >= $5 AND a.starts_at < $6 AND a.starts_at >= p.since AND a.starts_at < p.until
    AND a.status IN ('ARRIVED', 'CHECKED_IN', 'FULFILLED', 'NO_SHOW')`

const isLocation = `SELECT id FROM locations WHERE organization_id = $1 AND id = $2`

type funnelRow struct {
	Hour                               *time.Time
	State                              reminder.State
	Cause                              string
	OfHour, OfCause                    bool
	Scheduled, Queued, Sent, Delivered int
	Responded, Confirmed               int
	Failed, Suppressed, OnTime         int
}

// Funnel is documented at reminder.LedgerStore.
func (s *Messages) Funnel(ctx context.Context, organization uuid.UUID, q reminder.FunnelQuery) (f reminder.Funnel, err error) {
	since, until := around(q.From, q.To)
	var place *uuid.UUID
	if q.Location != nil {
		place = &q.Location.ID
	}
	within := []any{organization, q.From, q.To, place, since, until}
	err = s.db.tenant(organization).snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if place != nil {
			if _, known, err := one[struct{ ID uuid.UUID }](ctx, tx, isLocation, organization, *place); err != nil || !known {
				return first(err, errs.Missing("location", "locationId"))
			}
		}
		rows, err := all[funnelRow](ctx, tx, countFunnel, append(within, string(q.Channel), string(q.Kind), reminder.OnTime)...)
		if err != nil {
			return err
		}
		f = funnelOf(rows)
		missed, _, err := one[struct{ Missed, Visits int }](ctx, tx, countMissed, within...)
		if err == nil && missed.Visits > 0 {
			rate := float64(missed.Missed) / float64(missed.Visits)
			f.NoShowRate = &rate
		}
		return err
	})
	return f, err
}

// around are instants that lie before and after these days wherever they are: zones are at most 14 hours off.
func around(from, to civil.Date) (since, until time.Time) {
	const off = 14 * time.Hour
	return from.In(time.UTC).Add(-off), to.AddDays(1).In(time.UTC).Add(off)
}

func funnelOf(rows []funnelRow) (f reminder.Funnel) {
	for _, r := range rows {
		switch {
		case r.OfHour:
			f.Hours = append(f.Hours, reminder.FunnelHour{Hour: r.Hour.UTC(), Scheduled: r.Scheduled, Delivered: r.Delivered, OnTime: r.OnTime})
		case r.OfCause:
			switch r.State {
			case reminder.Failed, reminder.Suppressed, reminder.Expired, reminder.Unknown:
				f.Causes = append(f.Causes, reminder.FunnelCause{State: r.State, Cause: reminder.Cause(r.Cause), Count: r.Scheduled})
			}
		default:
			f.Scheduled, f.Queued, f.Sent, f.Delivered = r.Scheduled, r.Queued, r.Sent, r.Delivered
			f.Responded, f.Confirmed, f.Failed, f.Suppressed = r.Responded, r.Confirmed, r.Failed, r.Suppressed
		}
	}
	return f
}
