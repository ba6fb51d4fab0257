// Package posttest fills databases of tests with visits whose patients are to be told of them.
package posttest

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/keyring"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/seal"
)

// Town is an organisation with patients, each with a number and an e-mail address of their own.
type Town struct {
	Organization, Location, VisitKind, Provider uuid.UUID
	Patients                                    []uuid.UUID

	pool *pgxpool.Pool
}

// New makes one. The pool's user may do everything.
func New(ctx context.Context, pool *pgxpool.Pool, keys *keyring.Ring, patients int) (*Town, error) {
	c := &Town{Organization: newID(), Location: newID(), VisitKind: newID(), Provider: newID(), pool: pool}
	for _, statement := range []string{
		`INSERT INTO organizations (id, name, created_at) VALUES ($1, 'Harbour Clinic', '2026-01-01')`,
		`INSERT INTO locations (organization_id, id, identifier_system, identifier_value, name, time_zone, address_lines)
			VALUES ($1, $2, 'https://clinic.example/sites', $2::text, 'Main Street', 'America/New_York', '{}')`,
		`INSERT INTO visit_kinds (organization_id, id, key, name, duration, buffer_before, buffer_after, slot_step, grid_anchor, requires_approval, modalities,
			free_cancellation_before, minimum_notice, maximum_advance, hold_duration)
			VALUES ($1, $3, $3::text, 'Check-up', 1800, 0, 0, 1800, 'DAY', false, '{IN_PERSON}', 0, 0, 31536000, 300)`,
		`INSERT INTO providers (organization_id, id, identifier_system, identifier_value, name, languages)
			VALUES ($1, $4, 'https://clinic.example/staff', $4::text, 'Dr Ada', '{en}')`,
	} {
		if err := c.exec(ctx, statement); err != nil {
			return nil, err
		}
	}
	return c, c.admit(ctx, keys, patients)
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// exec runs a statement that has the town's ids for $1 to $4, as far as it names them.
func (c *Town) exec(ctx context.Context, statement string) error {
	full := `WITH town AS (SELECT $1::uuid, $2::uuid, $3::uuid, $4::uuid) ` + statement
	if _, err := c.pool.Exec(ctx, full, c.Organization, c.Location, c.VisitKind, c.Provider); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

const batch = 1_000

// admit adds patients.
func (c *Town) admit(ctx context.Context, keys *keyring.Ring, n int) error {
	for from := 0; from < n; from += batch {
		var ids []uuid.UUID
		var about []seal.Subject
		for range min(batch, n-from) {
			id := newID()
			ids, about = append(ids, id), append(about, seal.Subject{Organization: c.Organization, ID: id})
		}
		found, err := keys.Current(ctx, about)
		if err != nil {
			return err
		}
		columns := map[string][][]byte{}
		for i, id := range ids {
			put := func(column string, text access.Private) {
				at := seal.Place{Table: "patients", Column: column, Organization: c.Organization, Row: id}
				columns[column] = append(columns[column], seal.Seal(found[about[i]], about[i], at, text))
			}
			put("identifier", access.Private(fmt.Sprint(from+i)))
			put("given_name", "Pat")
			put("family_name", "Example")
			put("phone", access.Private(Phone(from+i)))
			put("email", access.Private(Email(from+i)))
		}
		if _, err := c.pool.Exec(ctx, `
			INSERT INTO patients (organization_id, id, identifier_system, identifier_token, identifier, given_name, family_name, phone, email)
			SELECT $1, id, 'https://clinic.example/mrn', uuid_send(id), identifier, given_name, family_name, phone, email
			FROM unnest($2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[]) p(id, identifier, given_name, family_name, phone, email)`,
			c.Organization, ids, columns["identifier"], columns["given_name"], columns["family_name"], columns["phone"], columns["email"]); err != nil {
			return err
		}
		c.Patients = append(c.Patients, ids...)
	}
	return nil
}

// Phone is the number of the i-th patient, E.164; Email their address.
func Phone(i int) string { return fmt.Sprintf("+1202%07d", 5_550_000+i) }

// Email is documented at Phone.
func Email(i int) string { return fmt.Sprintf("patient%d@example.org", i) }

// Reminder is what a patient of the town is to be told.
type Reminder struct {
	Patient   int // of Patients
	Scheduled time.Time
	Start     time.Time              // of the visit
	Channels  []reminder.ChannelKind // in their order: the first is due, the others wait for it to fail
}

// Text are the channels of who is told by text alone.
var Text = []reminder.ChannelKind{reminder.SMS}

// Remind adds a visit and messages for each. The rule parts those of later calls from those of others.
func (c *Town) Remind(ctx context.Context, now time.Time, list []Reminder) error {
	for from := 0; from < len(list); from += batch {
		if err := c.remind(ctx, now, list[from:min(from+batch, len(list))]); err != nil {
			return err
		}
	}
	_, err := c.pool.Exec(ctx, `ANALYZE messages, appointments, patients`)
	return err
}

func (c *Town) remind(ctx context.Context, now time.Time, list []Reminder) error {
	var v struct {
		ids, patients []uuid.UUID
		starts        []time.Time
	}
	var m struct {
		ids, visits, patients []uuid.UUID
		channels, references  []string
		places                []int
		scheduled, expires    []time.Time
		due                   []*time.Time
	}
	for _, r := range list {
		visit, patient := newID(), c.Patients[r.Patient]
		v.ids, v.patients, v.starts = append(v.ids, visit), append(v.patients, patient), append(v.starts, r.Start)
		for place, channel := range r.Channels {
			id := newID()
			m.ids, m.visits, m.patients = append(m.ids, id), append(m.visits, visit), append(m.patients, patient)
			m.channels, m.references = append(m.channels, string(channel)), append(m.references, reminder.Reference(id))
			m.places, m.scheduled, m.expires = append(m.places, place), append(m.scheduled, r.Scheduled), append(m.expires, r.Start)
			var due *time.Time
			if place == 0 {
				due = &r.Scheduled
			}
			m.due = append(m.due, due)
		}
	}
	if _, err := c.pool.Exec(ctx, `
		INSERT INTO appointments (organization_id, id, version, status, provider_id, location_id, visit_kind_id, patient_id, modality, starts_at, ends_at, local_start,
			time_zone, tzdb_version, created_at, created_by, updated_at)
		SELECT $1, id, 1, 'BOOKED', $2, $3, $4, patient, 'IN_PERSON', starts, starts + interval '30 minutes', starts AT TIME ZONE 'America/New_York', 'America/New_York', '2026a',
			$8, $1, $8 FROM unnest($5::uuid[], $6::uuid[], $7::timestamptz[]) v(id, patient, starts)`,
		c.Organization, c.Provider, c.Location, c.VisitKind, v.ids, v.patients, v.starts, now); err != nil {
		return err
	}
	_, err := c.pool.Exec(ctx, `
		INSERT INTO messages (organization_id, id, appointment_id, patient_id, version, kind, rule, channel, place, scheduled_for, expires_at, due_at, state, reference, planned_at)
		SELECT $1, id, visit, patient, 1, 'REMINDER', '2h', channel, place, scheduled, expires, due, 'SCHEDULED', reference, $11
		FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::int[], $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::text[])
			m(id, visit, patient, channel, place, scheduled, expires, due, reference)`,
		c.Organization, m.ids, m.visits, m.patients, m.channels, m.places, m.scheduled, m.expires, m.due, m.references, now)
	return err
}
