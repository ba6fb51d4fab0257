package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// refusedByConstraint is raised by the booking functions when the exclusion constraint refuses what their checks had passed.
const refusedByConstraint = "MC001"

// resourceTaken is raised likewise for a room or a piece of equipment.
const resourceTaken = "MC002"

// constraints translates what a constraint refused into the caller's terms, by the constraint's name.
var constraints = map[string]error{
	"appointments_organization_id_patient_id_fkey":        errs.Missing("patient", "patientId"),
	"appointment_series_organization_id_patient_id_fkey":  errs.Missing("patient", "patientId"),
	"holds_organization_id_patient_id_fkey":               errs.Missing("patient", "patientId"),
	"legal_holds_organization_id_patient_id_fkey":         errs.Missing("patient", "patientId"),
	"patient_invitations_organization_id_patient_id_fkey": errs.Missing("patient", "patientId"),
	"break_glass_grants_organization_id_patient_id_fkey":  errs.Missing("patient", "target"),
	"account_links_organization_id_patient_id_fkey":       errs.Missing("invitation for this birth date", "code"),

	"waitlist_entries_organization_id_patient_id_fkey":             errs.Missing("patient", "patientId"),
	"waitlist_entries_organization_id_visit_kind_id_fkey":          errs.Missing("kind of visit", "wanted", "visitKindId"),
	"waitlist_entries_organization_id_current_appointment_id_fkey": errs.Missing("appointment", "currentAppointmentId"),
	"waitlist_entries_once":                                        waitlist.ErrWaits{},

	"contact_preferences_organization_id_patient_id_fkey": errs.Missing("patient", "patientId"),
	"reminder_rules_organization_id_fkey":                 errs.Missing("organization", "organizationId"),

	"account_notes_organization_id_provider_id_fkey": errs.Missing("provider", "providerId"),
	"accounts_organization_id_provider_id_fkey":      errs.Missing("provider", "providerId"),

	"locations_organization_id_fkey":   errs.Missing("organization", "organizationId"),
	"visit_kinds_organization_id_fkey": errs.Missing("organization", "organizationId"),
	"providers_organization_id_fkey":   errs.Missing("organization", "organizationId"),
	"patients_organization_id_fkey":    errs.Missing("organization", "organizationId"),
}

// broken names what is wrong when the database refused a row.
func broken(err error) error {
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok && constraints[refusal.ConstraintName] != nil {
		return constraints[refusal.ConstraintName]
	}
	return err
}
