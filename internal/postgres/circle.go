package postgres

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
)

// treatedBy says of a patient that they have a visit with a provider: columns of the organisation and the patient, then the
// provider.
const treatedBy = `EXISTS (SELECT FROM appointments own WHERE own.organization_id = %s AND own.patient_id = %s AND own.provider_id = %s
	AND own.status <> 'ENTERED_IN_ERROR')`

// among narrows a list of things with a patient, in the table named, to those of a reach.
func (w *where) among(table string, r access.Reach) {
	if r.All {
		return
	}
	whose := table + ".patient_id"
	if r.Provider == uuid.Nil {
		w.and(whose+" = ANY ($%d)", r.Patients)
		return
	}
	w.and("("+whose+" = ANY ($%d)", r.Patients)
	w.args = append(w.args, r.Provider)
	w.conditions[len(w.conditions)-1] += " OR " + fmt.Sprintf(treatedBy, table+".organization_id", whose, fmt.Sprintf("$%d", len(w.args))) + ")"
}

var selectTreated = `SELECT patient FROM unnest($3::uuid[]) patient WHERE ` + fmt.Sprintf(treatedBy, "$1", "patient", "$2")

// Treated is documented at access.Bonds.
func (d *Directory) Treated(ctx context.Context, organization, provider uuid.UUID, patients []uuid.UUID) (found []uuid.UUID, err error) {
	err = d.db.tenant(organization).ask(ctx, func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	}, selectTreated, organization, provider, patients)
	return found, err
}
