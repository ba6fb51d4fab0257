package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// resourceRow is a row of the table: its fields are its columns.
type resourceRow struct {
	OrganizationID, ID, LocationID    uuid.UUID
	IdentifierSystem, IdentifierValue string
	Kind                              clinic.ResourceKind
	Pool, Name                        string
	Retired                           bool
}

const resourceColumns = `organization_id, id, location_id, identifier_system, identifier_value, kind, pool, name, retired`

const (
	selectResources      = `SELECT ` + resourceColumns + ` FROM resources `
	resourceByIdentifier = selectResources + `WHERE organization_id = $1 AND identifier_system = $2 AND identifier_value = $3`
	resourcesByRef       = eachRef + selectResources + byRef
	resourcesOfVisits    = `
SELECT ` + resourceColumns + `, visit FROM (
    SELECT r.*, c.appointment_id AS visit FROM unnest($1::uuid[], $2::uuid[]) v(organization, id)
    JOIN claims c ON c.organization_id = v.organization AND c.appointment_id = v.id AND c.state IN ('ACTIVE', 'PAST') AND c.party_kind IN ('EQUIPMENT', 'ROOM')
    JOIN resources r ON r.organization_id = c.organization_id AND r.id = c.party_id
) had ORDER BY organization_id, name, id`
	theseResources = `WHERE organization_id = $1 AND ($2::uuid IS NULL OR location_id = $2) AND ($3 = '' OR pool = $3)`
	insertResource = `INSERT INTO resources (` + resourceColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`
	updateResource = `
UPDATE resources SET location_id = $3, kind = $6, pool = $7, name = $8, retired = $9
WHERE organization_id = $1 AND id = $2 AND identifier_system = $4 AND identifier_value = $5`
	// Whoever claims a resource shares its row until their claim can be seen.
	lockResource = resourceByIdentifier + ` FOR UPDATE`
	resourceUsed = `
SELECT id FROM claims WHERE organization_id = $1 AND party_id = $2 AND state = 'ACTIVE' AND ends_at > $3 AND (hold_id IS NULL OR expires_at > $3) LIMIT 1`
)

// PutResource is documented at clinic.ResourceStore.
func (d *Directory) PutResource(ctx context.Context, by clinic.Stamp, r clinic.Resource) (clinic.Resource, error) {
	fresh := r.ID
	err := d.settle(ctx, r.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		row, found, err := one[resourceRow](ctx, tx, lockResource, r.OrganizationID, r.Identifier.System, r.Identifier.Value)
		if err != nil {
			return err
		}
		if !found {
			r.ID = fresh
			return saveResource(ctx, tx, by, clinic.Resource{}, r)
		}
		r.ID = row.ID
		if row.resource().Same(r) {
			return nil
		}
		if err := unclaimed(ctx, tx, by, row.resource(), r); err != nil {
			return err
		}
		return saveResource(ctx, tx, by, row.resource(), r)
	})
	return r, err
}

// unclaimed fails when something would change of a resource that goes with what it has.
func unclaimed(ctx context.Context, tx pgx.Tx, by clinic.Stamp, old, r clinic.Resource) error {
	var field string
	switch {
	case old.Location != r.Location:
		field = "locationId"
	case old.Kind != r.Kind:
		field = "kind"
	case old.Pool != r.Pool:
		field = "pool"
	default:
		return nil
	}
	used, err := ids(ctx, tx, resourceUsed, r.OrganizationID, r.ID, by.At)
	if err == nil && len(used) > 0 {
		err = errs.Invalid("This can't change while a visit ahead, or a hold, has the resource.", field)
	}
	return err
}

// saveResource also has visits ahead looked at that may get it.
func saveResource(ctx context.Context, tx pgx.Tx, by clinic.Stamp, old, r clinic.Resource) error {
	statement := updateResource
	if old.ID == uuid.Nil {
		statement = insertResource
	}
	if err := hit(tx.Exec(ctx, statement, resourceValues(r)...)); err != nil {
		return err
	}
	if !old.SameUse(r) {
		if _, err := tx.Exec(ctx, markToEquip, r.OrganizationID, by.At, by.AuditID); err != nil {
			return err
		}
	}
	return record(ctx, tx, note(by, r.OrganizationID, "resource.put", "Resource", r.ID))
}

func resourceValues(r clinic.Resource) []any {
	return []any{r.OrganizationID, r.ID, r.Location, r.Identifier.System, r.Identifier.Value, string(r.Kind), r.Pool, r.Name, r.Retired}
}

func (r resourceRow) resource() clinic.Resource {
	return clinic.Resource{
		ID: r.ID, OrganizationID: r.OrganizationID, Location: r.LocationID,
		Identifier: clinic.Identifier{System: r.IdentifierSystem, Value: r.IdentifierValue},
		Kind:       r.Kind, Pool: r.Pool, Name: r.Name, Retired: r.Retired,
	}
}

// Resources is documented at clinic.ResourceStore.
func (d *Directory) Resources(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]clinic.Resource, error) {
	rows, err := listOf[resourceRow](ctx, d.db, refs, resourcesByRef)
	found := make(map[clinic.Ref]clinic.Resource, len(rows))
	for _, r := range rows {
		found[r.resource().Ref()] = r.resource()
	}
	return found, err
}

// ResourcesOf is documented at clinic.ResourceStore.
func (d *Directory) ResourcesOf(ctx context.Context, visits []clinic.Ref) (map[clinic.Ref][]clinic.Resource, error) {
	type row struct {
		resourceRow
		Visit uuid.UUID
	}
	rows, err := listOf[row](ctx, d.db, visits, resourcesOfVisits)
	found := map[clinic.Ref][]clinic.Resource{}
	for _, r := range rows {
		visit := clinic.Ref{Organization: r.OrganizationID, ID: r.Visit}
		found[visit] = append(found[visit], r.resource())
	}
	return found, err
}

// ListResources is documented at clinic.ResourceStore.
func (d *Directory) ListResources(ctx context.Context, f clinic.ResourceFilter, w paging.Window) (paging.Page[clinic.Resource], error) {
	rows, err := page[resourceRow](ctx, d.db.tenant(f.Organization), kept, selectResources+theseResources, nameAndID, w, narrowed(f)...)
	return mapPage(rows, resourceRow.resource), err
}

// CountResources is documented at clinic.ResourceStore.
func (d *Directory) CountResources(ctx context.Context, f clinic.ResourceFilter) (int, error) {
	return count(ctx, d.db.tenant(f.Organization), kept, `SELECT FROM resources `+theseResources, narrowed(f)...)
}

func narrowed(f clinic.ResourceFilter) []any {
	var location *uuid.UUID
	if f.Location != nil {
		location = &f.Location.ID
	}
	return []any{f.Organization, location, f.Pool}
}
