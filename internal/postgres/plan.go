package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// Whoever adds a plan makes others wait that add the same one: all add theirs in the order of the ids.
const (
	addPlans = `
INSERT INTO insurance_plans (organization_id, id, carrier, name)
SELECT $1, p.* FROM unnest($2::uuid[], $3::text[], $4::text[]) p(id, carrier, name) ORDER BY p.id
ON CONFLICT DO NOTHING`
	dropPlans   = `DELETE FROM provider_plans WHERE organization_id = $1 AND provider_id = $2`
	acceptPlans = `INSERT INTO provider_plans (organization_id, provider_id, plan_id) SELECT $1, $2, unnest($3::uuid[])`
)

// attachPlans replaces the insurance plans of a provider. A plan that nobody accepts any more stays: its id is known outside.
func attachPlans(batch *pgx.Batch, p provider.Provider, plans []clinic.InsurancePlan) {
	var ids []uuid.UUID
	var carriers, names []string
	for _, plan := range plans {
		ids, carriers, names = append(ids, plan.ID), append(carriers, plan.Carrier), append(names, plan.Name)
	}
	batch.Queue(dropPlans, p.OrganizationID, p.ID)
	if len(plans) > 0 {
		batch.Queue(addPlans, p.OrganizationID, ids, carriers, names)
		batch.Queue(acceptPlans, p.OrganizationID, p.ID, ids)
	}
}

const plansByRef = eachRef + `SELECT organization_id, id, carrier, name FROM insurance_plans` + byRef

// InsurancePlans is documented at provider.Store.
func (d *Directory) InsurancePlans(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]clinic.InsurancePlan, error) {
	organizations, wanted := split(refs)
	rows, err := shown[clinic.InsurancePlan](ctx, d.db, plansByRef, organizations, wanted)
	found := make(map[clinic.Ref]clinic.InsurancePlan, len(rows))
	for _, p := range rows {
		found[p.Ref()] = p
	}
	return found, err
}
