package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/retention"
	"github.com/mediconnect/mediconnect/internal/seal"
)

const legalHoldColumns = `organization_id, id, patient_id, reason, placed_at, placed_by, released_at`

const (
	legalHoldsByRef = eachRef + `SELECT ` + legalHoldColumns + ` FROM legal_holds` + byRef
	legalHoldByID   = `SELECT ` + legalHoldColumns + ` FROM legal_holds WHERE organization_id = $1 AND id = $2`
)

const legalHoldsOf = `
SELECT l.* FROM unnest($1::uuid[], $2::uuid[]) p(organization, patient) CROSS JOIN LATERAL (
    SELECT ` + legalHoldColumns + ` FROM legal_holds
    WHERE organization_id = p.organization AND patient_id = p.patient ORDER BY placed_at DESC, id DESC LIMIT $3) l
ORDER BY l.placed_at DESC, l.id DESC`

type legalHoldRow struct {
	OrganizationID, ID, PatientID uuid.UUID
	Reason                        []byte
	PlacedAt                      time.Time
	PlacedBy                      uuid.UUID
	ReleasedAt                    *time.Time
}

// cell is the reason's. It is sealed with the organisation's own key, so that erasing the patient leaves it.
func (r legalHoldRow) cell() cell {
	return cellOf("legal_holds", "reason", r.OrganizationID, r.ID, r.OrganizationID, r.Reason)
}

// legalHolds reads rows, with one look for all their keys.
func (db *DB) legalHolds(ctx context.Context, rows ...legalHoldRow) ([]retention.LegalHold, error) {
	cells := make([]cell, len(rows))
	for i, r := range rows {
		cells[i] = r.cell()
	}
	keys, err := db.opener(ctx, cells)
	if err != nil {
		return nil, err
	}
	list := make([]retention.LegalHold, len(rows))
	for i, r := range rows {
		reason, err := keys.open(cells[i])
		if err != nil {
			return nil, err
		}
		list[i] = retention.LegalHold{
			ID: r.ID, OrganizationID: r.OrganizationID, PatientID: r.PatientID, Reason: or(reason),
			PlacedAt: r.PlacedAt.UTC(), PlacedBy: r.PlacedBy, ReleasedAt: utc(r.ReleasedAt),
		}
	}
	return list, nil
}

const insertLegalHold = `
INSERT INTO legal_holds (organization_id, id, patient_id, reason, placed_at, placed_by) VALUES ($1, $2, $3, $4, $5, $6)`

// PlaceHold is documented at retention.Store.
func (d *Directory) PlaceHold(ctx context.Context, by clinic.Stamp, once clinic.Once, h retention.LegalHold) (done retention.Placed, err error) {
	err = d.db.write(ctx, h.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		before, replayed, err := d.db.keyBegin(ctx, tx, h.OrganizationID, by, once)
		if err != nil {
			return err
		}
		if replayed {
			done.Hold, err = d.db.legalHold(ctx, tx, clinic.Ref{Organization: h.OrganizationID, ID: before})
			done.Replayed = true
			return err
		}
		done = retention.Placed{Hold: h}
		if err := d.db.addLegalHold(ctx, tx, h); err != nil {
			return err
		}
		if err := d.db.keyEnd(ctx, tx, h.OrganizationID, by, once, h.ID); err != nil {
			return err
		}
		return record(ctx, tx, noteLegalHold(by, "legalHold.place", h))
	})
	return done, broken(err)
}

func (db *DB) addLegalHold(ctx context.Context, tx pgx.Tx, h retention.LegalHold) error {
	own := seal.Subject{Organization: h.OrganizationID, ID: h.OrganizationID}
	pens, err := db.pens(ctx, own)
	if err != nil {
		return err
	}
	reason := pens[own].seal(pens[own].in("legal_holds", "reason", h.ID), h.Reason)
	_, err = tx.Exec(ctx, insertLegalHold, h.OrganizationID, h.ID, h.PatientID, reason, h.PlacedAt, h.PlacedBy)
	return err
}

func noteLegalHold(by clinic.Stamp, action string, h retention.LegalHold) change {
	c := note(by, h.OrganizationID, action, retention.Kind, h.ID)
	c.Patient = h.PatientID
	return c
}

// legalHold reads one. Holds are never deleted: one that isn't there never was.
func (db *DB) legalHold(ctx context.Context, tx pgx.Tx, ref clinic.Ref) (retention.LegalHold, error) {
	row, found, err := one[legalHoldRow](ctx, tx, legalHoldByID, ref.Organization, ref.ID)
	if err != nil || !found {
		return retention.LegalHold{}, first(err, errs.Missing("legal hold", "legalHoldId"))
	}
	read, err := db.legalHolds(ctx, row)
	if err != nil {
		return retention.LegalHold{}, err
	}
	return read[0], nil
}

const releaseLegalHold = `
UPDATE legal_holds SET released_at = $3, released_by = $4 WHERE organization_id = $1 AND id = $2 AND released_at IS NULL`

// ReleaseHold is documented at retention.Store.
func (d *Directory) ReleaseHold(ctx context.Context, by clinic.Stamp, hold clinic.Ref) (h retention.LegalHold, err error) {
	err = d.db.write(ctx, hold.Organization, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, releaseLegalHold, hold.Organization, hold.ID, by.At, by.Actor.ID)
		if err != nil {
			return err
		}
		if h, err = d.db.legalHold(ctx, tx, hold); err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return record(ctx, tx, noteLegalHold(by, "legalHold.release", h))
	})
	return h, err
}

// LegalHolds is documented at retention.Store.
func (d *Directory) LegalHolds(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]retention.LegalHold, error) {
	rows, err := listOf[legalHoldRow](ctx, d.db, refs, legalHoldsByRef)
	if err != nil {
		return nil, err
	}
	read, err := d.db.legalHolds(ctx, rows...)
	found := make(map[clinic.Ref]retention.LegalHold, len(read))
	for _, h := range read {
		found[h.Ref()] = h
	}
	return found, err
}

// LegalHoldsOf is documented at retention.Store.
func (d *Directory) LegalHoldsOf(ctx context.Context, patients []clinic.Ref) (map[clinic.Ref][]retention.LegalHold, error) {
	found := make(map[clinic.Ref][]retention.LegalHold, len(patients))
	for organization, own := range byTenant(patients) {
		organizations, wanted := split(own)
		rows, err := list[legalHoldRow](ctx, d.db.tenant(organization), legalHoldsOf, organizations, wanted, retention.MaxLegalHolds)
		if err != nil {
			return nil, err
		}
		read, err := d.db.legalHolds(ctx, rows...)
		if err != nil {
			return nil, err
		}
		for _, h := range read {
			found[h.Patient()] = append(found[h.Patient()], h)
		}
	}
	return found, nil
}
