package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

const selectContact = `SELECT ` + patientColumns + ` FROM patients p WHERE organization_id = $1 AND id = $2`

// contact reads how a patient can be reached.
func (db *DB) contact(ctx context.Context, tx pgx.Tx, p clinic.Ref) (c reminder.Contact, err error) {
	row, found, err := one[patientRow](ctx, tx, selectContact, p.Organization, p.ID)
	if err != nil || !found {
		return c, first(err, errs.Missing("patient", "patientId"))
	}
	person, err := db.person(ctx, row)
	if err != nil {
		return c, err
	}
	c = reminder.Contact{Erased: person.Erased, HasPhone: person.Phone != nil, HasEmail: person.Email != nil, Channels: reminder.SentBy, Quiet: reminder.DefaultQuiet}
	if person.TimeZone != nil {
		c.TimeZone = *person.TimeZone
	}
	return c, nil
}

func reminderRules(ctx context.Context, tx pgx.Tx, organization uuid.UUID) ([]reminder.Rule, error) {
	return reminder.DefaultRules(), nil
}
