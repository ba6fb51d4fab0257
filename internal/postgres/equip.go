package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Visits of kinds that need rooms or equipment were booked before these did, or before there were any. A mark has a worker look at an
// organisation's visits ahead, a page at a time. It begins anew, wherever it had got to, with each change.
const markToEquip = `
INSERT INTO visits_to_equip (organization_id, id, at, due_at) VALUES ($1, $3, $2, $2)
ON CONFLICT (organization_id) DO UPDATE SET id = EXCLUDED.id, at = EXCLUDED.at, due_at = EXCLUDED.due_at, after_start = NULL, after_id = NULL, lacking = false`

// equipAgain is how long after a pass, if anything was lacking, another one looks for what has become free.
const equipAgain = 15 * time.Minute

// A visit has what it needs if it has a claim of something of each pool, and lacks something otherwise. What is retired stays with it.
const (
	poolsOf = `(SELECT k.needs FROM visit_kinds k WHERE k.organization_id = a.organization_id AND k.id = a.visit_kind_id)`
	// Written like this, with both states, it goes by the index of a visit's few claims, and never through all that a room, or a clinic, has.
	poolsHad = `ARRAY(SELECT (SELECT r.pool FROM resources r WHERE r.organization_id = c.organization_id AND r.id = c.party_id) FROM claims c
    WHERE c.organization_id = a.organization_id AND c.appointment_id = a.id AND c.state IN ('ACTIVE', 'PAST') AND c.party_kind IN ('EQUIPMENT', 'ROOM'))`
	inPerson = `a.modality = 'IN_PERSON' AND a.status IN ('ARRIVED', 'BOOKED', 'CHECKED_IN', 'PENDING')`
	// Of the kinds that need nothing most visits are: they are passed over without a look at their claims.
	lacking = inPerson + ` AND a.visit_kind_id IN (SELECT n.id FROM visit_kinds n WHERE n.organization_id = a.organization_id AND n.needs <> '{}')
    AND NOT ` + poolsOf + ` <@ ` + poolsHad
)

// The organisation that had its turn the longest ago goes first. Who dies with a turn has lost it after a while.
const (
	takeToEquip = `
UPDATE visits_to_equip v SET due_at = $1::timestamptz + interval '10 seconds' FROM (
    SELECT d.organization_id FROM visits_to_equip d WHERE d.due_at <= $1 ORDER BY d.due_at LIMIT 1 FOR UPDATE SKIP LOCKED) taken
WHERE v.organization_id = taken.organization_id RETURNING v.organization_id`
	markOf = `SELECT organization_id, id, after_start, after_id, lacking FROM visits_to_equip WHERE organization_id = $1`
	// Whatever changes a visit, or books one, since the change has what it needs by it: a cursor passes over nobody.
	pageToEquip = `
SELECT a.id, a.starts_at, a.location_id, p.starts_at AS occupied_from, p.ends_at AS occupied_to, p.starts_at IS NOT NULL AND ` + inPerson + `
    AND NOT (` + poolsOf + ` <@ ` + poolsHad + ` AND ` + poolsHad + ` <@ ` + poolsOf + `) AS concerned
FROM appointments a LEFT JOIN claims p ON p.organization_id = a.organization_id AND p.appointment_id = a.id AND p.party_kind = 'PROVIDER' AND p.state IN ('ACTIVE', 'PAST')
WHERE a.organization_id = $1 AND (a.starts_at, a.id) > ($2, $3) ORDER BY a.starts_at, a.id LIMIT $4`
	equip       = `SELECT equip($1)`
	turnToEquip = `UPDATE visits_to_equip SET after_start = $3, after_id = $4, due_at = $5, lacking = $6 WHERE organization_id = $1 AND id = $2`
	restToEquip = `UPDATE visits_to_equip SET after_start = NULL, after_id = NULL, due_at = $3, lacking = false WHERE organization_id = $1 AND id = $2`
	dropToEquip = `DELETE FROM visits_to_equip WHERE organization_id = $1 AND id = $2`
)

// toEquip is a mark.
type toEquip struct {
	OrganizationID, ID uuid.UUID
	AfterStart         *time.Time
	AfterID            *uuid.UUID
	Lacking            bool
}

// begins is the place after which the next page begins: behind the last one, or behind what has begun.
func (m toEquip) begins(now time.Time) (time.Time, uuid.UUID) {
	if m.AfterStart != nil && m.AfterStart.After(now) {
		return *m.AfterStart, *m.AfterID
	}
	return now, uuid.Max
}

// visitToEquip is a visit ahead, with how long it keeps its provider busy.
type visitToEquip struct {
	ID                       uuid.UUID
	StartsAt                 time.Time
	LocationID               uuid.UUID
	OccupiedFrom, OccupiedTo *time.Time
	Concerned                bool
}

// Equip is documented at clinic.ResourceStore. Each visit is a transaction, so that nobody waits long for a pool. Two processes may be at it: a
// visit that has what it needs is left as it is.
func (d *Directory) Equip(ctx context.Context, now time.Time, limit int) (visits int, more bool, err error) {
	organization, ok, err := d.turn(ctx, now)
	if err != nil || !ok {
		return 0, false, err
	}
	m, page, err := d.toEquip(ctx, organization, now, limit)
	if err != nil || m.OrganizationID == uuid.Nil {
		return 0, err == nil, err
	}
	if err := d.equipAll(ctx, &m, page, now); err != nil {
		return 0, false, err
	}
	return len(page), true, d.db.write(ctx, organization, func(ctx context.Context, tx pgx.Tx) error { return m.leave(ctx, tx, now, page, limit) })
}

// equipAll equips the visits of a page, and notes whether any lacks something still.
func (d *Directory) equipAll(ctx context.Context, m *toEquip, page []visitToEquip, now time.Time) error {
	for _, v := range page {
		if !v.Concerned {
			continue
		}
		var left int
		err := d.db.call(ctx, m.OrganizationID, &left, equip, v.params(m.OrganizationID, now))
		if err != nil && code(err) != resourceTaken { // somebody was faster: as if nothing were free
			return err
		}
		m.Lacking = m.Lacking || left > 0 || err != nil
	}
	return nil
}

func (d *Directory) turn(ctx context.Context, now time.Time) (organization uuid.UUID, ok bool, err error) {
	err = d.db.writeAs(ctx, sweeperRole, func(ctx context.Context, tx pgx.Tx) error {
		taken, err := ids(ctx, tx, takeToEquip, now)
		if ok = len(taken) > 0; ok {
			organization = taken[0]
		}
		return err
	})
	return organization, ok && err == nil, err
}

// toEquip reads a mark, if it is still there, and its next page.
func (d *Directory) toEquip(ctx context.Context, organization uuid.UUID, now time.Time, limit int) (m toEquip, page []visitToEquip, err error) {
	err = d.db.tenant(organization).snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error {
		found, ok, err := one[toEquip](ctx, tx, markOf, organization)
		if err != nil || !ok {
			return err
		}
		m = found
		start, id := m.begins(now)
		page, err = all[visitToEquip](ctx, tx, pageToEquip, organization, start, id, limit)
		return err
	})
	return m, page, err
}

// params are what equip() reads; see the migrations.
func (v visitToEquip) params(organization uuid.UUID, now time.Time) writeParams {
	return writeParams{
		Organization: organization, Appointment: &v.ID, Now: now, Location: &v.LocationID,
		OccupiedFrom: v.OccupiedFrom, OccupiedTo: v.OccupiedTo, OccupiedDays: datesOf(*v.OccupiedFrom, *v.OccupiedTo),
	}
}

// leave leaves the mark for the next page, or the next pass, or takes it away, unless somebody has made it anew.
func (m toEquip) leave(ctx context.Context, tx pgx.Tx, now time.Time, page []visitToEquip, limit int) (err error) {
	switch {
	case len(page) == limit:
		end := page[len(page)-1]
		_, err = tx.Exec(ctx, turnToEquip, m.OrganizationID, m.ID, end.StartsAt, end.ID, now, m.Lacking)
	case m.Lacking:
		_, err = tx.Exec(ctx, restToEquip, m.OrganizationID, m.ID, now.Add(equipAgain))
	default:
		_, err = tx.Exec(ctx, dropToEquip, m.OrganizationID, m.ID)
	}
	return err
}

// equipAnew marks an organisation when a kind of visit needs something else than before.
func equipAnew(ctx context.Context, tx pgx.Tx, by clinic.Stamp, old, k clinic.VisitKind) error {
	if slices.Equal(old.Requires.Needs, k.Requires.Needs) {
		return nil
	}
	_, err := tx.Exec(ctx, markToEquip, k.OrganizationID, by.At, by.AuditID)
	return err
}
