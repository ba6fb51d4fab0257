package postgres

import (
	"context"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/seal"
)

// patientRow is a row of the table. All but the namespace of the identifier is private.
type patientRow struct {
	OrganizationID, ID                uuid.UUID
	IdentifierSystem                  string
	Identifier, GivenName, FamilyName []byte
	BirthDate, Phone, Email           []byte
	Language, TimeZone                []byte
	ErasedAt                          *time.Time
}

const patientColumns = `p.organization_id, p.id, p.identifier_system, p.identifier, p.given_name, p.family_name, p.birth_date,
    p.phone, p.email, p.language, p.time_zone, p.erased_at`

const (
	patientByToken = `SELECT ` + patientColumns + ` FROM patients p WHERE organization_id = $1 AND identifier_token = $2`
	patientsByRef  = eachRef + `SELECT ` + patientColumns + ` FROM patients p` + byRef
)

const lockPatient = patientByToken + ` FOR NO KEY UPDATE`

const insertPatient = `
INSERT INTO patients (organization_id, id, identifier_token, identifier_system, identifier, given_name, family_name,
    birth_date, phone, email, language, time_zone)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (organization_id, identifier_token) DO NOTHING`

const updatePatient = `
UPDATE patients SET identifier_system = $4, identifier = $5, given_name = $6, family_name = $7, birth_date = $8, phone = $9,
    email = $10, language = $11, time_zone = $12
WHERE organization_id = $1 AND id = $2 AND identifier_token = $3`

const (
	dropTokens = `DELETE FROM patient_tokens WHERE organization_id = $1 AND patient_id = $2`
	saveTokens = `INSERT INTO patient_tokens (organization_id, patient_id, token) SELECT $1, $2, unnest($3::bytea[])`
)

// Register is documented at patient.Store. Whoever comes again after having been erased is somebody new.
func (d *Directory) Register(ctx context.Context, by clinic.Stamp, p patient.Patient) (patient.Patient, error) {
	key, err := d.db.lookUp(ctx, p.OrganizationID)
	if err != nil {
		return p, err
	}
	w := registration{db: d.db, by: by, key: key, token: key.digest(p.IdentifierHandle())}
	fresh := p.ID
	var wrote bool
	err = d.settle(ctx, p.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		wrote = false
		row, found, err := one[patientRow](ctx, tx, patientByToken, p.OrganizationID, w.token)
		if err != nil {
			return err
		}
		if !found {
			p.ID, wrote = fresh, true
			return w.save(ctx, tx, insertPatient, p)
		}
		p.ID = row.ID
		if old, err := d.db.person(ctx, row); err != nil || old.Same(p) {
			return err
		}
		wrote = true
		row, found, err = one[patientRow](ctx, tx, lockPatient, p.OrganizationID, w.token)
		if err != nil || !found { // erased since
			return first(err, errAgain)
		}
		if now, err := d.db.person(ctx, row); err != nil || now.Same(p) {
			wrote = false
			return first(err, errUnchanged)
		}
		if _, err := tx.Exec(ctx, dropTokens, p.OrganizationID, p.ID); err != nil {
			return err
		}
		return w.save(ctx, tx, updatePatient, p)
	})
	if err == nil && wrote {
		by.Actor.Trail.Changed(patient.Kind, p.ID)
	}
	return p, err
}

// registration is how a patient is written.
type registration struct {
	db    *DB
	by    clinic.Stamp
	key   lookUp
	token []byte // of the identifier
}

func (w registration) save(ctx context.Context, tx pgx.Tx, statement string, p patient.Patient) error {
	pen, err := w.db.penOf(ctx, p.OrganizationID, p.ID)
	if err != nil {
		return errs.Rename(err, "identifier")
	}
	if err := hit(tx.Exec(ctx, statement, patientValues(pen, p, w.token)...)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, saveTokens, p.OrganizationID, p.ID, w.key.digests(p.Handles())); err != nil {
		return err
	}
	if statement == updatePatient { // there may be another way to reach them
		if err := noticeVisits(ctx, tx, w.by, clinic.Ref{Organization: p.OrganizationID, ID: p.ID}); err != nil {
			return err
		}
	}
	c := note(w.by, p.OrganizationID, "patient.register", patient.Kind, p.ID)
	c.Patient, c.Fields = p.ID, patientFields
	return record(ctx, tx, c)
}

// patientFields are all that registering somebody writes.
var patientFields = []string{"identifiers", "givenName", "familyName", "birthDate", "phone", "email", "language", "timeZone"}

func patientValues(pen pen, p patient.Patient, token []byte) []any {
	var birth *access.Private
	if p.BirthDate != nil {
		date := access.Private(p.BirthDate.String())
		birth = &date
	}
	values := []any{p.OrganizationID, p.ID, token, p.System}
	for i, text := range []*access.Private{
		&p.Identifier, &p.GivenName, &p.FamilyName, birth, p.Phone, p.Email, (*access.Private)(p.Language), (*access.Private)(p.TimeZone),
	} {
		values = append(values, pen.sealed(pen.in("patients", privateOfPatient[i], p.ID), text))
	}
	return values
}

// privateOfPatient are the private columns, in the order of patientRow.
var privateOfPatient = []string{"identifier", "given_name", "family_name", "birth_date", "phone", "email", "language", "time_zone"}

func (r patientRow) cells() []cell {
	list := make([]cell, len(privateOfPatient))
	for i, value := range [][]byte{r.Identifier, r.GivenName, r.FamilyName, r.BirthDate, r.Phone, r.Email, r.Language, r.TimeZone} {
		list[i] = cellOf("patients", privateOfPatient[i], r.OrganizationID, r.ID, r.ID, value)
	}
	return list
}

// patient reads a row whose keys were looked for.
func (r patientRow) patient(keys opener) (patient.Patient, error) {
	cells := r.cells()
	p := patient.Patient{ID: r.ID, OrganizationID: r.OrganizationID}
	p.ErasedAt = utc(r.ErasedAt)
	if p.Erased = r.ErasedAt != nil || keys.erased(cells[0]); p.Erased {
		return p, nil
	}
	texts := make([]*access.Private, len(cells))
	for i, c := range cells {
		var err error
		if texts[i], err = keys.open(c); err != nil {
			return p, err
		}
	}
	p.System, p.Identifier, p.GivenName, p.FamilyName = r.IdentifierSystem, *texts[0], *texts[1], *texts[2]
	p.Phone, p.Email, p.Language, p.TimeZone = texts[4], texts[5], (*string)(texts[6]), (*string)(texts[7])
	if birth := texts[3]; birth != nil {
		date, err := civil.ParseDate(birth.Reveal())
		if err != nil {
			return p, cells[3].fault(seal.ErrTampered) // the cause would show the value
		}
		p.BirthDate = &date
	}
	return p, nil
}

func first(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// people reads rows, with one look for all their keys.
func (db *DB) people(ctx context.Context, rows []patientRow) ([]patient.Patient, error) {
	cells := make([]cell, 0, len(rows)*len(privateOfPatient))
	for _, r := range rows {
		cells = append(cells, r.cells()...)
	}
	keys, err := db.opener(ctx, cells)
	if err != nil {
		return nil, err
	}
	list := make([]patient.Patient, len(rows))
	for i, r := range rows {
		if list[i], err = r.patient(keys); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (db *DB) person(ctx context.Context, row patientRow) (patient.Patient, error) {
	list, err := db.people(ctx, []patientRow{row})
	if err != nil {
		return patient.Patient{}, err
	}
	return list[0], nil
}

// Patients is documented at patient.Store.
func (d *Directory) Patients(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]patient.Patient, error) {
	rows, err := listOf[patientRow](ctx, d.db, refs, patientsByRef)
	if err != nil {
		return nil, err
	}
	people, err := d.db.people(ctx, rows)
	found := make(map[clinic.Ref]patient.Patient, len(people))
	for _, p := range people {
		found[clinic.Ref{Organization: p.OrganizationID, ID: p.ID}] = p
	}
	return found, err
}

// Those who have the first token, in the order of the index, are looked through for those who have the others too.
const (
	holders = ` FROM patient_tokens t JOIN patients p ON p.organization_id = t.organization_id AND p.id = t.patient_id
WHERE t.organization_id = $1 AND t.token = $2`
	othersToo = `NOT EXISTS (SELECT FROM unnest($%d::bytea[]) o(token) WHERE NOT EXISTS (SELECT FROM patient_tokens x
    WHERE x.organization_id = t.organization_id AND x.patient_id = t.patient_id AND x.token = o.token))`
	findPatients  = `SELECT ` + patientColumns + holders
	countPatients = `SELECT` + holders
)

// Find is documented at patient.Store.
func (d *Directory) Find(ctx context.Context, s patient.Sought, w paging.Window) (paging.Page[patient.Patient], error) {
	cond, err := d.db.sought(ctx, s)
	if err != nil {
		return paging.Page[patient.Patient]{}, err
	}
	rows, err := page[patientRow](ctx, d.db.tenant(s.Organization), kept, findPatients+cond.further(), `t.patient_id`, w, cond.args...)
	if err != nil {
		return paging.Page[patient.Patient]{}, err
	}
	people, err := d.db.people(ctx, rows.Items)
	return paging.Page[patient.Patient]{Items: people, HasNext: rows.HasNext, HasPrevious: rows.HasPrevious}, err
}

// Count is documented at patient.Store.
func (d *Directory) Count(ctx context.Context, s patient.Sought) (int, error) {
	cond, err := d.db.sought(ctx, s)
	if err != nil {
		return 0, err
	}
	return count(ctx, d.db.tenant(s.Organization), kept, countPatients+cond.further(), cond.args...)
}

// sought are the arguments of holders, and what narrows them further.
func (db *DB) sought(ctx context.Context, s patient.Sought) (*where, error) {
	key, err := db.lookUp(ctx, s.Organization)
	if err != nil {
		return nil, err
	}
	tokens := key.digests(s.Handles)
	cond := &where{args: []any{s.Organization, tokens[0]}}
	if len(tokens) > 1 {
		cond.and(othersToo, tokens[1:])
	}
	cond.among("t", s.Among)
	return cond, nil
}
