package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// providerRow is a row of the table with what hangs on it.
type providerRow struct {
	OrganizationID, ID                uuid.UUID
	IdentifierSystem, IdentifierValue string
	Name                              string
	Languages                         []string
	MaxDailyAppointments              *int
	VisitKindIDs, PlanIDs             []uuid.UUID
	Specialties                       [][]*string // system, code, display
}

const (
	providerColumns = `
SELECT organization_id, id, identifier_system, identifier_value, name, languages, max_daily_appointments,`

	selectBriefProviders = providerColumns + `
    '{}'::uuid[] AS visit_kind_ids, '{}'::uuid[] AS plan_ids, '{}'::text[] AS specialties
FROM providers p `

	selectProviders = providerColumns + `
    ARRAY(SELECT k.visit_kind_id FROM provider_visit_kinds k
        WHERE k.organization_id = p.organization_id AND k.provider_id = p.id ORDER BY 1) AS visit_kind_ids,
    ARRAY(SELECT a.plan_id FROM provider_plans a
        WHERE a.organization_id = p.organization_id AND a.provider_id = p.id ORDER BY 1) AS plan_ids,
    ARRAY(SELECT ARRAY[s.system, s.code, s.display] FROM provider_specialties s
        WHERE s.organization_id = p.organization_id AND s.provider_id = p.id ORDER BY s.ordinal) AS specialties
FROM providers p `
	providerByIdentifier = selectProviders + `WHERE organization_id = $1 AND identifier_system = $2 AND identifier_value = $3`
	providersByRef       = eachRef + selectProviders + byRef
)

const insertProvider = `
INSERT INTO providers (organization_id, id, identifier_system, identifier_value, name, languages, max_daily_appointments, search_text)
VALUES ($1, $2, $3, $4, $5, $6, $7, search_text($8))
ON CONFLICT DO NOTHING`

const updateProvider = `
UPDATE providers SET name = $5, languages = $6, max_daily_appointments = $7, search_text = search_text($8)
WHERE organization_id = $1 AND id = $2 AND identifier_system = $3 AND identifier_value = $4`

// PutProvider is documented at provider.Store.
func (d *Directory) PutProvider(ctx context.Context, by clinic.Stamp, p provider.Provider, plans []clinic.InsurancePlan) (provider.Provider, error) {
	fresh := p.ID
	err := d.settle(ctx, p.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		row, found, err := one[providerRow](ctx, tx, providerByIdentifier, p.OrganizationID, p.Identifier.System, p.Identifier.Value)
		if err != nil {
			return err
		}
		if !found {
			p.ID = fresh
			return addProvider(ctx, tx, by, p, plans)
		}
		p.ID = row.ID
		if row.provider().Same(p) {
			return nil
		}
		return replaceProvider(ctx, tx, by, p, plans)
	})
	return p, err
}

func addProvider(ctx context.Context, tx pgx.Tx, by clinic.Stamp, p provider.Provider, plans []clinic.InsurancePlan) error {
	if err := hit(tx.Exec(ctx, insertProvider, providerValues(p)...)); err != nil {
		return err
	}
	if err := attach(ctx, tx, p, plans); err != nil {
		return err
	}
	return record(ctx, tx, note(by, p.OrganizationID, "provider.put", "Provider", p.ID))
}

func replaceProvider(ctx context.Context, tx pgx.Tx, by clinic.Stamp, p provider.Provider, plans []clinic.InsurancePlan) error {
	concerned := []uuid.UUID{p.ID}
	if err := lockProvidersForChange(ctx, tx, changing{at: by.At}, p.OrganizationID, concerned); err != nil {
		return err
	}
	row, _, err := one[providerRow](ctx, tx, providerByIdentifier, p.OrganizationID, p.Identifier.System, p.Identifier.Value)
	if err != nil {
		return err
	}
	if row.provider().Same(p) {
		return errUnchanged
	}
	if err := hit(tx.Exec(ctx, updateProvider, providerValues(p)...)); err != nil {
		return err
	}
	if err := attachLonger(ctx, tx, p, plans); err != nil {
		return err
	}
	c := note(by, p.OrganizationID, "provider.put", "Provider", p.ID)
	return recordFor(ctx, tx, c, concerned, scheduleSpan{})
}

const (
	dropVisitKinds  = `DELETE FROM provider_visit_kinds WHERE organization_id = $1 AND provider_id = $2`
	dropSpecialties = `DELETE FROM provider_specialties WHERE organization_id = $1 AND provider_id = $2`
	addVisitKinds   = `
INSERT INTO provider_visit_kinds (organization_id, provider_id, visit_kind_id) SELECT $1, $2, unnest($3::uuid[])`
	addSpecialty = `
INSERT INTO provider_specialties (organization_id, provider_id, ordinal, system, code, display) VALUES ($1, $2, $3, $4, $5, $6)`
)

// attachLonger attaches to a provider who may have visits already.
func attachLonger(ctx context.Context, tx pgx.Tx, p provider.Provider, plans []clinic.InsurancePlan) error {
	lengths, err := longestOf(ctx, tx, p.OrganizationID, []uuid.UUID{p.ID})
	if err != nil {
		return err
	}
	if err := attach(ctx, tx, p, plans); err != nil {
		return err
	}
	return lengths.widen(ctx, tx)
}

// attach replaces the kinds of visit, the specialties and the insurance plans of a provider.
func attach(ctx context.Context, tx pgx.Tx, p provider.Provider, plans []clinic.InsurancePlan) error {
	batch := &pgx.Batch{}
	batch.Queue(shareKinds, p.OrganizationID, p.VisitKindIDs)
	batch.Queue(dropVisitKinds, p.OrganizationID, p.ID)
	batch.Queue(dropSpecialties, p.OrganizationID, p.ID)
	batch.Queue(addVisitKinds, p.OrganizationID, p.ID, p.VisitKindIDs)
	for i, s := range p.Specialties {
		batch.Queue(addSpecialty, p.OrganizationID, p.ID, i, s.System, s.Code, s.Display)
	}
	attachPlans(batch, p, plans)
	return tx.SendBatch(ctx, batch).Close()
}

func providerValues(p provider.Provider) []any {
	return []any{
		p.OrganizationID, p.ID, p.Identifier.System, p.Identifier.Value, p.Name, p.Languages, p.MaxDailyAppointments, searched(p),
	}
}

func (r providerRow) provider() provider.Provider {
	return provider.Provider{
		ID: r.ID, OrganizationID: r.OrganizationID,
		Identifier: clinic.Identifier{System: r.IdentifierSystem, Value: r.IdentifierValue}, Name: r.Name,
		Specialties: r.specialties(), Languages: r.Languages, VisitKindIDs: r.VisitKindIDs, PlanIDs: r.PlanIDs,
		MaxDailyAppointments: r.MaxDailyAppointments,
	}
}

func (r providerRow) specialties() []clinic.Coding {
	list := make([]clinic.Coding, len(r.Specialties))
	for i, s := range r.Specialties {
		list[i] = clinic.Coding{System: *s[0], Code: *s[1], Display: s[2]}
	}
	return list
}

// Providers is documented at provider.Store.
func (d *Directory) Providers(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]provider.Provider, error) {
	organizations, wanted := split(refs)
	rows, err := shown[providerRow](ctx, d.db, providersByRef, organizations, wanted)
	found := make(map[clinic.Ref]provider.Provider, len(rows))
	for _, r := range rows {
		found[clinic.Ref{Organization: r.OrganizationID, ID: r.ID}] = r.provider()
	}
	return found, err
}

const specialtiesByRef = `
SELECT DISTINCT ON (organization_id, system, code) organization_id, system, code, display
FROM provider_specialties
WHERE (organization_id, system, code) IN (SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]))
ORDER BY organization_id, system, code, display NULLS LAST`

// Specialties is documented at provider.Store.
func (d *Directory) Specialties(ctx context.Context, refs []provider.SpecialtyRef) (map[provider.SpecialtyRef]clinic.Coding, error) {
	organizations, systems, codes := make([]uuid.UUID, len(refs)), make([]string, len(refs)), make([]string, len(refs))
	for i, r := range refs {
		organizations[i], systems[i], codes[i] = r.Organization, r.System, r.Code
	}
	type row struct {
		OrganizationID uuid.UUID
		System, Code   string
		Display        *string
	}
	rows, err := list[row](ctx, d.db.everybody(), specialtiesByRef, organizations, systems, codes)
	found := make(map[provider.SpecialtyRef]clinic.Coding, len(rows))
	for _, r := range rows {
		found[provider.SpecialtyRef{Organization: r.OrganizationID, System: r.System, Code: r.Code}] = clinic.Coding{
			System: r.System, Code: r.Code, Display: r.Display,
		}
	}
	return found, err
}
