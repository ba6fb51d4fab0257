package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/breakglass"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/patient"
)

const grantColumns = `a.organization_id, a.id, a.version, a.actor_id, a.provider_id, a.patient_id, a.reason, a.started_at, a.expires_at,
    a.ended_at, a.finding, a.note, a.reviewed_at, a.reviewed_by`

type grantRow struct {
	OrganizationID, ID   uuid.UUID
	Version              int
	ActorID              uuid.UUID
	ProviderID           *uuid.UUID
	PatientID            uuid.UUID
	Reason               []byte
	StartedAt, ExpiresAt time.Time
	EndedAt              *time.Time
	Finding              *breakglass.Finding
	Note                 []byte
	ReviewedAt           *time.Time
	ReviewedBy           *uuid.UUID
}

func (r grantRow) cells() []cell {
	return []cell{
		cellOf("break_glass_grants", "reason", r.OrganizationID, r.ID, r.PatientID, r.Reason),
		cellOf("break_glass_grants", "note", r.OrganizationID, r.ID, r.PatientID, r.Note),
	}
}

// grant reads a row whose keys were looked for. The words about a patient who was erased are gone.
func (r grantRow) grant(keys opener) (breakglass.Grant, error) {
	cells := r.cells()
	reason, err := keys.open(cells[0])
	if err != nil {
		return breakglass.Grant{}, err
	}
	written, err := keys.open(cells[1])
	return breakglass.Grant{
		ID: r.ID, OrganizationID: r.OrganizationID, Version: r.Version, ActorID: r.ActorID, ProviderID: or(r.ProviderID), PatientID: r.PatientID,
		Reason: or(reason), StartedAt: r.StartedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), EndedAt: utc(r.EndedAt),
		Finding: r.Finding, Note: written, ReviewedAt: utc(r.ReviewedAt), ReviewedBy: or(r.ReviewedBy),
	}, err
}

// grants reads rows, with one look for all their keys.
func (db *DB) grants(ctx context.Context, rows ...grantRow) ([]breakglass.Grant, error) {
	var cells []cell
	for _, r := range rows {
		cells = append(cells, r.cells()...)
	}
	keys, err := db.opener(ctx, cells)
	if err != nil {
		return nil, err
	}
	list := make([]breakglass.Grant, len(rows))
	for i, r := range rows {
		g, err := r.grant(keys)
		if err != nil {
			return nil, err
		}
		list[i] = g
	}
	return list, nil
}

const (
	grantsByRef        = `SELECT ` + grantColumns + ` FROM break_glass_grants a JOIN unnest($1::uuid[], $2::uuid[]) r(organization, thing) ON a.organization_id = r.organization AND a.id = r.thing`
	grantByID          = `SELECT ` + grantColumns + ` FROM break_glass_grants a WHERE a.organization_id = $1 AND a.id = $2`
	patientInEmergency = `SELECT id FROM patients WHERE organization_id = $1 AND (id = $2 OR identifier_token = $3) AND erased_at IS NULL`
)

const insertGrant = `
INSERT INTO break_glass_grants (organization_id, id, version, actor_id, provider_id, patient_id, reason, started_at, expires_at)
VALUES ($1, $2, $3, $4, nullif($5, '00000000-0000-0000-0000-000000000000'::uuid), $6, $7, $8, $9)`

// BreakGlass is documented at breakglass.Store.
func (d *Directory) BreakGlass(ctx context.Context, by clinic.Stamp, once clinic.Once, g breakglass.Grant, identifier patient.Handle) (done breakglass.Broken, err error) {
	err = d.db.write(ctx, g.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		first, replayed, err := d.db.keyBegin(ctx, tx, g.OrganizationID, by, once)
		if err != nil {
			return err
		}
		if replayed {
			done, err = d.db.grantBefore(ctx, tx, clinic.Ref{Organization: g.OrganizationID, ID: first})
			return err
		}
		if g.PatientID, err = d.db.inEmergency(ctx, tx, g, identifier); err != nil {
			return err
		}
		if err := mayOpen(ctx, tx, g); err != nil {
			return err
		}
		pen, err := d.db.penOf(ctx, g.OrganizationID, g.PatientID)
		if err != nil {
			return err
		}
		reason := pen.seal(pen.in("break_glass_grants", "reason", g.ID), g.Reason)
		if _, err := tx.Exec(ctx, insertGrant, g.OrganizationID, g.ID, g.Version, g.ActorID, g.ProviderID, g.PatientID, reason, g.StartedAt, g.ExpiresAt); err != nil {
			return err
		}
		if err := d.db.keyEnd(ctx, tx, g.OrganizationID, by, once, g.ID); err != nil {
			return err
		}
		done = breakglass.Broken{Grant: g}
		return record(ctx, tx, noteGrant(by, "breakGlass", g))
	})
	return done, err
}

func noteGrant(by clinic.Stamp, action string, g breakglass.Grant) change {
	c := note(by, g.OrganizationID, action, "BreakGlassGrant", g.ID)
	c.Patient = g.PatientID
	if by.Actor.ID != g.ActorID { // whoever ends somebody else's is in no emergency
		c.Actor.Grant = uuid.Nil
	}
	return c
}

func (db *DB) grantBefore(ctx context.Context, tx pgx.Tx, ref clinic.Ref) (breakglass.Broken, error) {
	row, found, err := one[grantRow](ctx, tx, grantByID, ref.Organization, ref.ID)
	if err != nil || !found {
		return breakglass.Broken{}, first(err, errAgain)
	}
	before, err := db.grants(ctx, row)
	if err != nil {
		return breakglass.Broken{}, err
	}
	return breakglass.Broken{Grant: before[0], Replayed: true}, nil
}

func (db *DB) inEmergency(ctx context.Context, tx pgx.Tx, g breakglass.Grant, identifier patient.Handle) (uuid.UUID, error) {
	var token []byte
	field := "patientId"
	if g.PatientID == uuid.Nil {
		key, err := db.lookUp(ctx, g.OrganizationID)
		if err != nil {
			return uuid.Nil, err
		}
		token, field = key.digest(identifier), "identifier"
	}
	found, err := ids(ctx, tx, patientInEmergency, g.OrganizationID, g.PatientID, token)
	if err != nil || len(found) == 0 {
		return uuid.Nil, first(err, errs.Missing("patient", "target", field))
	}
	return found[0], nil
}

const selectOpenIDs = `
SELECT id FROM break_glass_grants WHERE organization_id = $1 AND actor_id = $2 AND expires_at > $3 AND ended_at IS NULL LIMIT $4`

var errManyOpen = errs.Denied("There are " + strconv.Itoa(breakglass.MaxOpen) + " open already. End some of them first.")

// mayOpen refuses one more than anybody may have at a time.
func mayOpen(ctx context.Context, tx pgx.Tx, g breakglass.Grant) error {
	open, err := ids(ctx, tx, selectOpenIDs, g.OrganizationID, g.ActorID, g.StartedAt, breakglass.MaxOpen)
	if err == nil && len(open) == breakglass.MaxOpen {
		err = errManyOpen
	}
	return err
}

const updateGrant = `
UPDATE break_glass_grants SET version = $4, ended_at = $5, finding = $6, note = $7, reviewed_at = $8,
    reviewed_by = nullif($9, '00000000-0000-0000-0000-000000000000'::uuid)
WHERE organization_id = $1 AND id = $2 AND version = $3`

// ChangeGrant is documented at breakglass.Store.
func (d *Directory) ChangeGrant(ctx context.Context, by clinic.Stamp, action string, from, to breakglass.Grant) (done bool, err error) {
	err = d.db.write(ctx, to.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		note, err := d.db.noteOf(ctx, to)
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, updateGrant, to.OrganizationID, to.ID, from.Version, to.Version, to.EndedAt, to.Finding, note, to.ReviewedAt, to.ReviewedBy)
		if done = err == nil && tag.RowsAffected() > 0; !done {
			return err
		}
		return record(ctx, tx, noteGrant(by, action, to))
	})
	return done, err
}

// noteOf seals a grant's note. Nothing more is kept about a patient who was erased.
func (db *DB) noteOf(ctx context.Context, g breakglass.Grant) ([]byte, error) {
	if g.Note == nil {
		return nil, nil
	}
	pen, err := db.penOf(ctx, g.OrganizationID, g.PatientID)
	switch {
	case errs.Of(err) == errs.NotFound:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return pen.seal(pen.in("break_glass_grants", "note", g.ID), *g.Note), nil
}

// Grants is documented at breakglass.Store.
func (d *Directory) Grants(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]breakglass.Grant, error) {
	rows, err := listOf[grantRow](ctx, d.db, refs, grantsByRef)
	if err != nil {
		return nil, err
	}
	list, err := d.db.grants(ctx, rows...)
	found := make(map[clinic.Ref]breakglass.Grant, len(list))
	for _, g := range list {
		found[g.Ref()] = g
	}
	return found, err
}

const selectOpenGrants = `
SELECT id, patient_id AS patient, expires_at AS until FROM break_glass_grants
WHERE organization_id = $1 AND actor_id = $2 AND expires_at > $3 AND ended_at IS NULL ORDER BY started_at LIMIT $4`

// manyGrants is above breakglass.MaxOpen, which those who break the glass at once may exceed by as many as they are.
const manyGrants = 1000

// OpenGrants is documented at breakglass.Store.
func (d *Directory) OpenGrants(ctx context.Context, organization, holder uuid.UUID, now time.Time) ([]access.Grant, error) {
	return list[access.Grant](ctx, d.db.tenant(organization), selectOpenGrants, organization, holder, now, manyGrants)
}

func filteredGrants(f breakglass.Filter) *where {
	w := &where{}
	w.and("a.organization_id = $%d", f.Organization)
	if f.Provider != uuid.Nil {
		w.and("a.provider_id = $%d", f.Provider)
	}
	if f.Reviewed != nil {
		w.conditions = append(w.conditions, map[bool]string{true: "a.reviewed_at IS NOT NULL", false: "a.reviewed_at IS NULL"}[*f.Reviewed])
	}
	if !f.From.IsZero() {
		w.and("a.started_at >= $%d", f.From)
	}
	if !f.To.IsZero() {
		w.and("a.started_at < $%d", f.To)
	}
	return w
}

var newestGrants = order{column: "a.started_at", descending: true}

// ListGrants is documented at breakglass.Store.
func (d *Directory) ListGrants(ctx context.Context, f breakglass.Filter, w paging.Window) (paging.Page[breakglass.Grant], error) {
	cond := filteredGrants(f)
	if err := cond.keyset(newestGrants, w); err != nil {
		return paging.Page[breakglass.Grant]{}, err
	}
	sql := fmt.Sprintf("SELECT %s FROM break_glass_grants a WHERE %s ORDER BY %s LIMIT %d", grantColumns, cond, newestGrants.clause(w), w.Size+1)
	rows, err := list[grantRow](ctx, d.db.tenant(f.Organization), sql, cond.args...)
	if err != nil {
		return paging.Page[breakglass.Grant]{}, err
	}
	grants, err := d.db.grants(ctx, rows...)
	return paging.Cut(grants, w), err
}

// CountGrants is documented at breakglass.Store.
func (d *Directory) CountGrants(ctx context.Context, f breakglass.Filter) (int, error) {
	cond := filteredGrants(f)
	return count(ctx, d.db.tenant(f.Organization), kept, "SELECT FROM break_glass_grants a WHERE "+cond.String(), cond.args...)
}
