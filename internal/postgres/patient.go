package postgres

import (
	"context"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// patientRow is a row of the table. All but the namespace of the identifier is private.
type patientRow struct {
	OrganizationID, ID                uuid.UUID
	IdentifierSystem                  string
	Identifier, GivenName, FamilyName []byte
	BirthDate, Phone, Email           []byte
	Language, TimeZone                []byte
}

const patientColumns = `p.organization_id, p.id, p.identifier_system, p.identifier, p.given_name, p.family_name, p.birth_date,
    p.phone, p.email, p.language, p.time_zone`

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

// Register is documented at patient.Store.
func (d *Directory) Register(ctx context.Context, by clinic.Stamp, p patient.Patient) (patient.Patient, error) {
	fresh, token := p.ID, digest(p.OrganizationID, p.IdentifierHandle())
	var wrote bool
	err := d.settle(ctx, p.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		wrote = false
		row, found, err := one[patientRow](ctx, tx, patientByToken, p.OrganizationID, token)
		if err != nil {
			return err
		}
		if !found {
			p.ID, wrote = fresh, true
			return addPatient(ctx, tx, by, p, token)
		}
		p.ID = row.ID
		if old, err := row.patient(); err != nil || old.Same(p) {
			return err
		}
		wrote = true
		row, _, err = one[patientRow](ctx, tx, lockPatient, p.OrganizationID, token)
		if err != nil {
			return err
		}
		if now, err := row.patient(); err != nil || now.Same(p) {
			wrote = false
			return first(err, errUnchanged)
		}
		return replacePatient(ctx, tx, by, p, token)
	})
	if err == nil && wrote {
		by.Actor.Trail.Changed(patient.Kind, p.ID)
	}
	return p, err
}

func addPatient(ctx context.Context, tx pgx.Tx, by clinic.Stamp, p patient.Patient, token []byte) error {
	if err := hit(tx.Exec(ctx, insertPatient, patientValues(p, token)...)); err != nil {
		return err
	}
	return recordPatient(ctx, tx, by, p)
}

func replacePatient(ctx context.Context, tx pgx.Tx, by clinic.Stamp, p patient.Patient, token []byte) error {
	if err := hit(tx.Exec(ctx, updatePatient, patientValues(p, token)...)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, dropTokens, p.OrganizationID, p.ID); err != nil {
		return err
	}
	return recordPatient(ctx, tx, by, p)
}

func recordPatient(ctx context.Context, tx pgx.Tx, by clinic.Stamp, p patient.Patient) error {
	if _, err := tx.Exec(ctx, saveTokens, p.OrganizationID, p.ID, digests(p.OrganizationID, p.Handles())); err != nil {
		return err
	}
	c := note(by, p.OrganizationID, "patient.register", patient.Kind, p.ID)
	c.Patient, c.Fields = p.ID, patientFields
	return record(ctx, tx, c)
}

// patientFields are all that registering somebody writes.
var patientFields = []string{"identifiers", "givenName", "familyName", "birthDate", "phone", "email", "language", "timeZone"}

func patientValues(p patient.Patient, token []byte) []any {
	var birth *access.Private
	if p.BirthDate != nil {
		date := access.Private(p.BirthDate.String())
		birth = &date
	}
	return []any{
		p.OrganizationID, p.ID, token, p.System, seal(p.Identifier), seal(p.GivenName), seal(p.FamilyName), sealed(birth),
		sealed(p.Phone), sealed(p.Email), sealed((*access.Private)(p.Language)), sealed((*access.Private)(p.TimeZone)),
	}
}

func (r patientRow) patient() (patient.Patient, error) {
	p := patient.Patient{ID: r.ID, OrganizationID: r.OrganizationID, System: r.IdentifierSystem}
	var fault error
	must := func(column []byte) access.Private {
		value, err := open(column)
		fault = first(fault, err)
		return value
	}
	may := func(column []byte) *access.Private {
		value, err := opened(column)
		fault = first(fault, err)
		return value
	}
	p.Identifier, p.GivenName, p.FamilyName = must(r.Identifier), must(r.GivenName), must(r.FamilyName)
	p.Phone, p.Email = may(r.Phone), may(r.Email)
	p.Language, p.TimeZone = (*string)(may(r.Language)), (*string)(may(r.TimeZone))
	if birth := may(r.BirthDate); birth != nil {
		date, err := civil.ParseDate(birth.Reveal())
		if err != nil {
			err = errSealed // the cause would show the value
		}
		p.BirthDate, fault = &date, first(fault, err)
	}
	return p, fault
}

func first(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func patients(rows []patientRow) ([]patient.Patient, error) {
	list := make([]patient.Patient, len(rows))
	for i, r := range rows {
		p, err := r.patient()
		if err != nil {
			return nil, err
		}
		list[i] = p
	}
	return list, nil
}

// Patients is documented at patient.Store.
func (d *Directory) Patients(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]patient.Patient, error) {
	rows, err := listOf[patientRow](ctx, d.db, refs, patientsByRef)
	if err != nil {
		return nil, err
	}
	people, err := patients(rows)
	found := make(map[clinic.Ref]patient.Patient, len(people))
	for _, p := range people {
		found[clinic.Ref{Organization: p.OrganizationID, ID: p.ID}] = p
	}
	return found, err
}

// Those who have the first token, in the order of the index, are looked through for those who have the others too.
const (
	holders = ` FROM patient_tokens t JOIN patients p ON p.organization_id = t.organization_id AND p.id = t.patient_id
WHERE t.organization_id = $1 AND t.token = $2 AND NOT EXISTS (
    SELECT FROM unnest($3::bytea[]) o(token) WHERE NOT EXISTS (SELECT FROM patient_tokens x
        WHERE x.organization_id = t.organization_id AND x.patient_id = t.patient_id AND x.token = o.token))`
	findPatients  = `SELECT ` + patientColumns + holders
	countPatients = `SELECT` + holders
)

// Find is documented at patient.Store.
func (d *Directory) Find(ctx context.Context, s patient.Sought, w paging.Window) (paging.Page[patient.Patient], error) {
	cond := sought(s)
	rows, err := page[patientRow](ctx, d.db.tenant(s.Organization), kept, findPatients+cond.further(), `t.patient_id`, w, cond.args...)
	if err != nil {
		return paging.Page[patient.Patient]{}, err
	}
	people, err := patients(rows.Items)
	return paging.Page[patient.Patient]{Items: people, HasNext: rows.HasNext, HasPrevious: rows.HasPrevious}, err
}

// Count is documented at patient.Store.
func (d *Directory) Count(ctx context.Context, s patient.Sought) (int, error) {
	cond := sought(s)
	return count(ctx, d.db.tenant(s.Organization), kept, countPatients+cond.further(), cond.args...)
}

// sought are the arguments of holders, and what narrows them further.
func sought(s patient.Sought) *where {
	tokens := digests(s.Organization, s.Handles)
	cond := &where{args: []any{s.Organization, tokens[0], tokens[1:]}}
	cond.among("t", s.Among)
	return cond
}
