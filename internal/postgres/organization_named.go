package postgres

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

const organizationsByName = `SELECT id, name FROM organizations WHERE name = $1 ORDER BY created_at, id LIMIT 2`

// OrganizationsNamed answers the first two organisations of a name, which needn't be unique, for the operator's tools.
func (d *Directory) OrganizationsNamed(ctx context.Context, name string) ([]clinic.Organization, error) {
	return list[clinic.Organization](ctx, d.db.everybody(), organizationsByName, name)
}
