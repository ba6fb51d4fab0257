package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// locationRow is a row of the table: its fields are its columns.
type locationRow struct {
	OrganizationID, ID                uuid.UUID
	IdentifierSystem, IdentifierValue string
	Name, TimeZone                    string
	StepFreeAccess                    *bool
	Phone                             *string
	Latitude, Longitude               *float64
	AddressLines                      []string
	PostalCode, Country               *string
}

const locationColumns = `organization_id, id, identifier_system, identifier_value, name, time_zone, step_free_access,
    phone, latitude, longitude, address_lines, postal_code, country`

const (
	selectLocations      = `SELECT ` + locationColumns + ` FROM locations `
	locationByIdentifier = selectLocations + `WHERE organization_id = $1 AND identifier_system = $2 AND identifier_value = $3`
	locationsByRef       = eachRef + selectLocations + byRef
)

const insertLocation = `
INSERT INTO locations (` + locationColumns + `)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT DO NOTHING`

const lockLocation = locationByIdentifier + ` FOR NO KEY UPDATE`

const updateLocation = `
UPDATE locations SET name = $5, time_zone = $6, step_free_access = $7, phone = $8, latitude = $9, longitude = $10,
    address_lines = $11, postal_code = $12, country = $13
WHERE organization_id = $1 AND id = $2 AND identifier_system = $3 AND identifier_value = $4`

// PutLocation is documented at clinic.Store.
func (d *Directory) PutLocation(ctx context.Context, by clinic.Stamp, l clinic.Location) (clinic.Location, error) {
	fresh := l.ID
	err := d.settle(ctx, l.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		row, found, err := one[locationRow](ctx, tx, locationByIdentifier, l.OrganizationID, l.Identifier.System, l.Identifier.Value)
		if err != nil {
			return err
		}
		if !found {
			l.ID = fresh
			return addLocation(ctx, tx, by, l)
		}
		l.ID = row.ID
		if row.location().Same(l) {
			return nil
		}
		return replaceLocation(ctx, tx, by, row.location(), l)
	})
	return l, err
}

func addLocation(ctx context.Context, tx pgx.Tx, by clinic.Stamp, l clinic.Location) error {
	if err := hit(tx.Exec(ctx, insertLocation, locationValues(l)...)); err != nil {
		return err
	}
	return record(ctx, tx, note(by, l.OrganizationID, "location.put", "Location", l.ID))
}

// replaceLocation also re-dates all openings there when the zone is another one, and says to those who search that they are elsewhere,
// or reached in another way.
func replaceLocation(ctx context.Context, tx pgx.Tx, by clinic.Stamp, old, l clinic.Location) error {
	var there dependents
	if !l.SamePlace(old) {
		there = dependents{query: providersAt, changing: changing{at: by.At}, organization: l.OrganizationID, on: l.ID}
	}
	if err := there.lock(ctx, tx); err != nil {
		return err
	}
	row, _, err := one[locationRow](ctx, tx, lockLocation, l.OrganizationID, l.Identifier.System, l.Identifier.Value)
	switch {
	case err != nil:
		return err
	case row.location().Same(l):
		return errUnchanged
	case !row.location().SamePlace(old):
		return errAgain
	}
	if err := hit(tx.Exec(ctx, updateLocation, locationValues(l)...)); err != nil {
		return err
	}
	if err := there.confirm(ctx, tx); err != nil {
		return err
	}
	c := note(by, l.OrganizationID, "location.put", "Location", l.ID)
	return recordFor(ctx, tx, c, there.providers, scheduleSpan{Location: &l.ID})
}

func locationValues(l clinic.Location) []any {
	var latitude, longitude *float64
	if l.Position != nil {
		latitude, longitude = &l.Position.Latitude, &l.Position.Longitude
	}
	return []any{
		l.OrganizationID, l.ID, l.Identifier.System, l.Identifier.Value, l.Name, l.TimeZone, l.StepFreeAccess, l.Phone,
		latitude, longitude, l.AddressLines, l.PostalCode, l.Country,
	}
}

func (r locationRow) location() clinic.Location {
	l := clinic.Location{
		ID: r.ID, OrganizationID: r.OrganizationID,
		Identifier: clinic.Identifier{System: r.IdentifierSystem, Value: r.IdentifierValue},
		Name:       r.Name, TimeZone: r.TimeZone, StepFreeAccess: r.StepFreeAccess, Phone: r.Phone,
		AddressLines: r.AddressLines, PostalCode: r.PostalCode, Country: r.Country,
	}
	if r.Latitude != nil && r.Longitude != nil {
		l.Position = &clinic.GeoPoint{Latitude: *r.Latitude, Longitude: *r.Longitude}
	}
	return l
}

// Locations is documented at clinic.Store.
func (d *Directory) Locations(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]clinic.Location, error) {
	organizations, wanted := split(refs)
	rows, err := shown[locationRow](ctx, d.db, locationsByRef, organizations, wanted)
	found := make(map[clinic.Ref]clinic.Location, len(rows))
	for _, r := range rows {
		found[clinic.Ref{Organization: r.OrganizationID, ID: r.ID}] = r.location()
	}
	return found, err
}

const (
	ofOrganization = `WHERE organization_id = $1`
	ofAll          = `WHERE $1 = '00000000-0000-0000-0000-000000000000'::uuid`
	nameAndID      = `name, id`
)

// whose narrows a query to an organisation, $1, when there is one.
func whose(query string, organization uuid.UUID) string {
	if organization == uuid.Nil {
		return query + ofAll
	}
	return query + ofOrganization
}

const (
	listLocations  = `SELECT ` + locationColumns + ` FROM locations l `
	countLocations = `SELECT FROM locations l `
)

// ListLocations is documented at clinic.Store.
func (d *Directory) ListLocations(ctx context.Context, organization uuid.UUID, in *clinic.Area, w paging.Window) (paging.Page[clinic.Location], error) {
	query, args := located(whose(listLocations, organization), organization, in)
	rows, err := page[locationRow](ctx, d.db.everybody(), planned(in != nil), query, nameAndID, w, args...)
	return mapPage(rows, func(r locationRow) clinic.Location {
		l := r.location()
		l.DistanceMeters = in.Distance(l.Position)
		return l
	}), err
}

// CountLocations is documented at clinic.Store.
func (d *Directory) CountLocations(ctx context.Context, organization uuid.UUID, in *clinic.Area) (int, error) {
	query, args := located(whose(countLocations, organization), organization, in)
	return count(ctx, d.db.everybody(), planned(in != nil), query, args...)
}

// located narrows a query whose first argument is the organisation.
func located(query string, organization uuid.UUID, in *clinic.Area) (string, []any) {
	n := narrowing{args: []any{organization}}
	if in != nil {
		n.area(*in)
	}
	return query + n.sql.String(), n.args
}
