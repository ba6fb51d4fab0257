package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// requirementsRow is the part of a kind's row that says what a visit asks for. Rules that a program without it kept for streams have nulls.
type requirementsRow struct {
	Needs                  []string
	RepeatAfter            *int
	Prerequisites          []prerequisiteJSON
	Patients               *clinic.PatientStanding
	MinimumAge, MaximumAge *int
}

type prerequisiteJSON struct {
	VisitKind uuid.UUID `json:"visitKind"`
	Within    int       `json:"within"`
}

func (r requirementsRow) requirements() clinic.Requirements {
	found := clinic.Requirements{Needs: r.Needs, Patients: clinic.AllPatients, MinimumAge: r.MinimumAge, MaximumAge: r.MaximumAge}
	if r.RepeatAfter != nil {
		found.RepeatAfter = lasting(*r.RepeatAfter)
	}
	if r.Patients != nil {
		found.Patients = *r.Patients
	}
	for _, p := range r.Prerequisites {
		found.Prerequisites = append(found.Prerequisites, clinic.Prerequisite{VisitKind: p.VisitKind, Within: lasting(p.Within)})
	}
	return found
}

func requirementValues(r clinic.Requirements) []any {
	var repeat *int
	if r.RepeatAfter > 0 {
		n := seconds(r.RepeatAfter)
		repeat = &n
	}
	before := make([]prerequisiteJSON, len(r.Prerequisites))
	for i, p := range r.Prerequisites {
		before[i] = prerequisiteJSON{VisitKind: p.VisitKind, Within: seconds(p.Within)}
	}
	standing := r.Patients
	if standing == "" {
		standing = clinic.AllPatients
	}
	return []any{emptied(r.Needs), repeat, before, standing, r.MinimumAge, r.MaximumAge}
}

const (
	lockPrerequisites = `SELECT pg_advisory_xact_lock(hashtextextended('prerequisites ' || $1::uuid, 0))`
	// The kinds that come before each of $2, themselves included, lead back to the kind of the key $3 or don't.
	closesCircle = `
WITH RECURSIVE before AS (
    SELECT named AS by, named AS id FROM unnest($2::uuid[]) named
    UNION
    SELECT b.by, (p->>'visitKind')::uuid FROM before b
    JOIN visit_kinds k ON k.organization_id = $1 AND k.id = b.id CROSS JOIN LATERAL jsonb_array_elements(k.prerequisites) p
)
SELECT b.by AS id FROM before b JOIN visit_kinds k ON k.organization_id = $1 AND k.id = b.id WHERE k.key = $3 ORDER BY 1 LIMIT 1`
)

// comesAfter fails when a kind of visit would come before itself. Only one change of an organisation at a time gives prerequisites, so that two
// don't close a circle together. Locks of rules are taken later.
func comesAfter(ctx context.Context, tx pgx.Tx, k clinic.VisitKind) error {
	if len(k.Requires.Prerequisites) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, lockPrerequisites, k.OrganizationID); err != nil {
		return err
	}
	named := make([]uuid.UUID, len(k.Requires.Prerequisites))
	for i, p := range k.Requires.Prerequisites {
		named[i] = p.VisitKind
	}
	by, err := ids(ctx, tx, closesCircle, k.OrganizationID, named, k.Key)
	if err != nil || len(by) == 0 {
		return err
	}
	return clinic.PrerequisiteCircle{By: by[0]}
}
