package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Those of patients who have said nothing are nulls.
const preferencesColumns = `p.organization_id, p.id AS patient_id, c.version, c.channels, c.reminders, c.remind_before, c.quiet_from, c.quiet_until`

const ofPatients = `
FROM unnest($1::uuid[], $2::uuid[]) wanted(organization, thing)
JOIN patients p ON p.organization_id = wanted.organization AND p.id = wanted.thing
LEFT JOIN contact_preferences c ON c.organization_id = p.organization_id AND c.patient_id = p.id`

const preferencesOf = `SELECT ` + preferencesColumns + ofPatients + ` WHERE p.erased_at IS NULL`

type preferencesRow struct {
	OrganizationID, PatientID uuid.UUID
	Version                   *int
	Channels                  json.RawMessage
	Reminders                 *bool
	RemindBefore              []int
	QuietFrom, QuietUntil     *int
}

// keptChoice is a reminder.ChannelChoice as it is kept.
type keptChoice struct {
	Channel reminder.ChannelKind `json:"channel"`
	Allowed bool                 `json:"allowed"`
	Since   *time.Time           `json:"since,omitempty"`
	By      *reminder.Chooser    `json:"by,omitempty"`
	Account *uuid.UUID           `json:"account,omitempty"`
}

func (r preferencesRow) preferences() (reminder.Preferences, error) {
	p := reminder.DefaultPreferences(clinic.Ref{Organization: r.OrganizationID, ID: r.PatientID})
	if r.Version == nil {
		return p, nil
	}
	p.Version, p.Reminders, p.Channels = *r.Version, or(r.Reminders), nil
	var kept []keptChoice
	if err := json.Unmarshal(r.Channels, &kept); err != nil {
		return p, errs.Bug("read a patient's channels", err)
	}
	for _, k := range kept {
		p.Channels = append(p.Channels, reminder.ChannelChoice{Channel: k.Channel, Allowed: k.Allowed, Since: utc(k.Since), By: k.By, Account: or(k.Account)})
	}
	for _, m := range r.RemindBefore {
		p.RemindBefore = append(p.RemindBefore, time.Duration(m)*time.Minute)
	}
	if r.QuietFrom != nil && r.QuietUntil != nil {
		p.Quiet = &reminder.QuietHours{From: reminder.TimeAt(*r.QuietFrom), Until: reminder.TimeAt(*r.QuietUntil)}
	}
	return p, nil
}

// Preferences is documented at reminder.ChoiceStore.
func (d *Directory) Preferences(ctx context.Context, patients []clinic.Ref) (map[clinic.Ref]reminder.Preferences, error) {
	rows, err := listOf[preferencesRow](ctx, d.db, patients, preferencesOf)
	found := make(map[clinic.Ref]reminder.Preferences, len(rows))
	for _, r := range rows {
		p, err := r.preferences()
		if err != nil {
			return nil, err
		}
		found[p.Patient()] = p
	}
	return found, err
}

const (
	insertPreferences = `
INSERT INTO contact_preferences (organization_id, patient_id, version, channels, reminders, remind_before, quiet_from, quiet_until, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (organization_id, patient_id) DO NOTHING`
	updatePreferences = `
UPDATE contact_preferences SET version = $3, channels = $4, reminders = $5, remind_before = $6, quiet_from = $7, quiet_until = $8, changed_at = $9
WHERE organization_id = $1 AND patient_id = $2 AND version = $3 - 1`
	// Carriers keep to a STOP whatever is allowed here: it is undone from the phone.
	allowMails      = `DELETE FROM opt_outs WHERE channel = 'EMAIL' AND token = $1`
	dropPreferences = `DELETE FROM contact_preferences WHERE organization_id = $1 AND patient_id = $2`
)

// SavePreferences is documented at reminder.ChoiceStore.
func (d *Directory) SavePreferences(ctx context.Context, by clinic.Stamp, p reminder.Preferences, fields []string) (saved bool, err error) {
	values, err := preferencesValues(by, p)
	if err != nil {
		return false, err
	}
	mailbox, err := d.allowed(ctx, by, p)
	if err != nil {
		return false, err
	}
	statement := updatePreferences
	if p.Version == 1 {
		statement = insertPreferences
	}
	err = d.db.write(ctx, p.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, statement, values...)
		if saved = err == nil && tag.RowsAffected() > 0; !saved {
			return err
		}
		if mailbox != nil {
			if _, err := tx.Exec(ctx, allowMails, mailbox); err != nil {
				return err
			}
		}
		if err := noticeVisits(ctx, tx, by, clinic.Ref{Organization: p.OrganizationID, ID: p.PatientID}); err != nil {
			return err
		}
		c := note(by, p.OrganizationID, "patient.contact", patient.Kind, p.PatientID)
		c.Patient, c.Fields = p.PatientID, fields
		return record(ctx, tx, c)
	})
	return saved, broken(err)
}

// allowed is the digest of the patient's address, if somebody allows e-mails to it with these preferences.
func (d *Directory) allowed(ctx context.Context, by clinic.Stamp, p reminder.Preferences) ([]byte, error) {
	if !p.AllowedAt(reminder.Email, by.At) {
		return nil, nil
	}
	found, err := d.Contacts(ctx, []clinic.Ref{p.Patient()})
	if err != nil || found[p.Patient()].Email == nil {
		return nil, err
	}
	return d.db.recipient(ctx, reminder.Email, *found[p.Patient()].Email)
}

func preferencesValues(by clinic.Stamp, p reminder.Preferences) ([]any, error) {
	kept := []keptChoice{}
	for _, c := range p.Channels {
		kept = append(kept, keptChoice{c.Channel, c.Allowed, c.Since, c.By, idOf(c.Account)})
	}
	channels, err := json.Marshal(kept)
	minutes := []int{}
	for _, d := range p.RemindBefore {
		minutes = append(minutes, int(d/time.Minute))
	}
	var from, until *int
	if p.Quiet != nil {
		f, u := reminder.Minutes(p.Quiet.From), reminder.Minutes(p.Quiet.Until)
		from, until = &f, &u
	}
	return []any{p.OrganizationID, p.PatientID, p.Version, channels, p.Reminders, minutes, from, until, by.At}, err
}

// An account that acts for the patient reads their push messages.
const contactsOf = `
SELECT ` + preferencesColumns + `, p.phone, p.email, p.language, p.time_zone, p.erased_at,
    EXISTS (SELECT FROM account_links l WHERE l.organization_id = p.organization_id AND l.patient_id = p.id AND l.ended_at IS NULL) AS linked` + ofPatients

type contactRow struct {
	preferencesRow
	Phone, Email, Language, TimeZone []byte
	ErasedAt                         *time.Time
	Linked                           bool
}

func (r contactRow) cells() []cell {
	own := func(column string, value []byte) cell {
		return cellOf("patients", column, r.OrganizationID, r.PatientID, r.PatientID, value)
	}
	return []cell{own("phone", r.Phone), own("email", r.Email), own("language", r.Language), own("time_zone", r.TimeZone)}
}

// Contacts answers how patients are reached, with one statement for each organisation and one look for keys. Those who don't exist are
// absent; of those who are erased it says that and nothing else.
func (d *Directory) Contacts(ctx context.Context, patients []clinic.Ref) (map[clinic.Ref]reminder.Recipient, error) {
	rows, err := listOf[contactRow](ctx, d.db, patients, contactsOf)
	if err != nil {
		return nil, err
	}
	var cells []cell
	for _, r := range rows {
		cells = append(cells, r.cells()...)
	}
	keys, err := d.db.opener(ctx, cells)
	if err != nil {
		return nil, err
	}
	found := make(map[clinic.Ref]reminder.Recipient, len(rows))
	for _, r := range rows {
		if found[clinic.Ref{Organization: r.OrganizationID, ID: r.PatientID}], err = r.recipient(keys); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (r contactRow) recipient(keys opener) (reminder.Recipient, error) {
	cells := r.cells()
	gone := r.ErasedAt != nil
	for _, c := range cells {
		gone = gone || c.value != nil && keys.erased(c)
	}
	if gone {
		return reminder.Recipient{Contact: reminder.Contact{Erased: true}}, nil
	}
	p, err := r.preferences()
	to := reminder.Recipient{Contact: p.Contact()}
	to.HasApp = r.Linked || p.Asked(reminder.Push)
	texts := make([]string, len(cells))
	for i, c := range cells {
		text, failed := keys.open(c)
		err = first(err, failed)
		if text != nil {
			texts[i] = text.Reveal()
		}
		switch {
		case i == 0:
			to.Phone = text
		case i == 1:
			to.Email = text
		}
	}
	to.HasPhone, to.HasEmail = to.Phone != nil, to.Email != nil
	to.Language, to.TimeZone = texts[2], texts[3]
	return to, err
}
