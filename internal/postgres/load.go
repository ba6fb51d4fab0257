package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/intake/load"
)

// LoadStore keeps what a load makes. It copies rows of what does not exist yet, and so waits for nobody.
type LoadStore struct{ db *DB }

var _ load.Store = (*LoadStore)(nil)

// NewLoadStore puts the store over a database.
func NewLoadStore(db *DB) *LoadStore { return &LoadStore{db} }

const firstPut = `
SELECT entity_id, min(at) AS at FROM audit_events
WHERE organization_id = $1 AND entity_id = ANY ($2) AND action = 'provider.put' GROUP BY 1`

// Begun is documented at load.Store.
func (s *LoadStore) Begun(ctx context.Context, organization uuid.UUID, providers []uuid.UUID) (map[uuid.UUID]time.Time, error) {
	type row struct {
		EntityID uuid.UUID
		At       time.Time
	}
	rows, err := list[row](ctx, s.db.tenant(organization), firstPut, organization, providers)
	begun := make(map[uuid.UUID]time.Time, len(rows))
	for _, r := range rows {
		begun[r.EntityID] = r.At.UTC()
	}
	return begun, err
}

// Whoever adds a plan makes others wait that add the same one: all add theirs in the order of the ids.
const insertPlans = `
INSERT INTO insurance_plans (organization_id, id, carrier, name)
SELECT $1, p.* FROM unnest($2::uuid[], $3::text[], $4::text[]) p(id, carrier, name) ORDER BY p.id
ON CONFLICT DO NOTHING`

// PutPlans is documented at load.Store.
func (s *LoadStore) PutPlans(ctx context.Context, organization uuid.UUID, plans []load.Plan) error {
	var ids []uuid.UUID
	var carriers, names []string
	for _, p := range plans {
		ids, carriers, names = append(ids, p.ID), append(carriers, p.Carrier), append(names, p.Name)
	}
	return s.db.write(ctx, organization, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, insertPlans, organization, ids, carriers, names)
		return err
	})
}

const providerExists = `SELECT EXISTS (SELECT FROM providers WHERE organization_id = $1 AND id = $2)`

// Save is documented at load.Store. Events come last: their positions are taken after everything else is written.
func (s *LoadStore) Save(ctx context.Context, b load.Batch) (saved bool, err error) {
	copies, err := s.copiesOf(ctx, b)
	if err != nil {
		return false, err
	}
	err = s.db.write(ctx, b.Organization, func(ctx context.Context, tx pgx.Tx) error {
		saved = false
		if _, err := tx.Exec(ctx, lockProvider, b.Organization, b.Staff[0].ID); err != nil {
			return err // another load may be at the same batch
		}
		var exists bool
		if err := tx.QueryRow(ctx, providerExists, b.Organization, b.Staff[0].ID).Scan(&exists); err != nil || exists {
			return err
		}
		for _, c := range copies {
			if err := c.arrive(ctx, tx); err != nil {
				return err
			}
		}
		saved = true
		_, err := tx.Exec(ctx, describeLoaded, b.Organization, idsOf(b.Staff))
		return err
	})
	return saved && err == nil, broken(err)
}

// arrive copies the rows to a table of the transaction's own, and inserts them from there: nothing is copied past the policies.
func (c *copied) arrive(ctx context.Context, tx pgx.Tx) error {
	own, table := pgx.Identifier{"arriving_" + c.table}, pgx.Identifier{c.table}.Sanitize()
	columns := strings.Join(c.columns, ", ")
	if _, err := tx.Exec(ctx, fmt.Sprintf("CREATE TEMP TABLE %s ON COMMIT DROP AS SELECT %s FROM %s WITH NO DATA", own.Sanitize(), columns, table)); err != nil {
		return err
	}
	if _, err := tx.CopyFrom(ctx, own, c.columns, pgx.CopyFromRows(c.rows)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s", table, columns, columns, own.Sanitize()))
	return err
}

// What a copy can't say: the text that a provider is found by.
const describeLoaded = `
UPDATE providers p SET search_text = search_text(p.name || ARRAY(SELECT coalesce(s.display, s.code) FROM provider_specialties s
    WHERE s.organization_id = p.organization_id AND s.provider_id = p.id ORDER BY s.ordinal))
WHERE organization_id = $1 AND id = ANY ($2)`

func idsOf(staff []load.Staff) []uuid.UUID {
	list := make([]uuid.UUID, len(staff))
	for i, s := range staff {
		list[i] = s.ID
	}
	return list
}

// loaded are the tables that a load writes to.
var loaded = []string{
	"locations", "visit_kinds", "insurance_plans", "providers", "provider_visit_kinds", "provider_specialties", "provider_plans", "schedules",
	"schedule_exceptions", "desks", "patients", "patient_tokens", "party_days", "window_counts", "appointments", "claims", "audit_events", "event_log",
}

const callAnalyze = `SELECT analyze_table($1)`

// Analyze is documented at load.Store. A statement for each table stays within the time that one may take.
func (s *LoadStore) Analyze(ctx context.Context) error {
	for _, table := range loaded {
		err := s.db.tenant(uuid.Nil).plainly(ctx, func(ctx context.Context, conn querier) error {
			_, err := conn.Exec(ctx, callAnalyze, table)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
