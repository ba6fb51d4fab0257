// Package sample is a test's world: a small clinic with what a booking needs.
package sample

import (
	"context"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/seal"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
)

// Clinic is an organisation in New York with one location and one kind of visit of 30 minutes, in person.
type Clinic struct {
	t    testing.TB
	pool *pgxpool.Pool

	Organization uuid.UUID
	Location     uuid.UUID
	VisitKind    uuid.UUID
}

// Zone is where the clinic is, Monday a Monday there without a clock change near it, and Dawn an instant before it opens.
const Zone = "America/New_York"

// Monday is 8 June 2026.
var (
	Monday = time.Date(2026, 6, 8, 0, 0, 0, 0, time.UTC)
	Dawn   = time.Date(2026, 6, 8, 10, 0, 0, 0, time.UTC) // 06:00 in New York
)

// NewClinic makes a clinic in a fresh database.
func NewClinic(t testing.TB, pool *pgxpool.Pool) *Clinic {
	c := &Clinic{t: t, pool: pool, Organization: NewID(), Location: NewID(), VisitKind: NewID()}
	c.exec(`INSERT INTO organizations (id, name, created_at) VALUES ($1, 'Clinic', now())`, c.Organization)
	c.exec(`INSERT INTO locations (organization_id, id, identifier_system, identifier_value, name, time_zone, address_lines)
		VALUES ($1, $2::uuid, 'https://clinic.example/sites', ($2::uuid)::text, 'Main Street', $3, '{}')`, c.Organization, c.Location, Zone)
	c.exec(`INSERT INTO visit_kinds (organization_id, id, key, name, duration, buffer_before, buffer_after, slot_step, grid_anchor,
		requires_approval, modalities, free_cancellation_before, minimum_notice, maximum_advance, hold_duration)
		VALUES ($1, $2::uuid, ($2::uuid)::text, 'Check-up', 1800, 0, 0, 1800, 'DAY', false, '{IN_PERSON}', 0, 0, 31536000, 300)`,
		c.Organization, c.VisitKind)
	return c
}

// NewID makes an id.
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func (c *Clinic) exec(sql string, args ...any) {
	c.t.Helper()
	if _, err := c.pool.Exec(context.Background(), sql, args...); err != nil {
		c.t.Fatalf("%s: %v", sql, err)
	}
}

// Set runs a statement with the organisation as its first argument.
func (c *Clinic) Set(sql string, args ...any) {
	c.t.Helper()
	c.exec(sql, append([]any{c.Organization}, args...)...)
}

// Provider adds a provider who is in from 09:00 to 17:00 every day with a capacity.
func (c *Clinic) Provider(capacity int) clinic.Ref {
	id := NewID()
	c.exec(`INSERT INTO providers (organization_id, id, identifier_system, identifier_value, name, languages)
		VALUES ($1, $2::uuid, 'https://clinic.example/staff', ($2::uuid)::text, 'Dr Ada', '{en}')`, c.Organization, id)
	c.exec(`INSERT INTO provider_visit_kinds VALUES ($1, $2, $3)`, c.Organization, id, c.VisitKind)
	c.exec(`INSERT INTO schedules (organization_id, id, provider_id, location_id, effective_from, weekly)
		SELECT $1, $2, $3, $4, '2020-01-01', jsonb_agg(jsonb_build_object('weekday', d, 'from', 540, 'to', 1020, 'capacity', $5::int))
		FROM generate_series(1, 7) d`, c.Organization, NewID(), id, c.Location, capacity)
	return clinic.Ref{Organization: c.Organization, ID: id}
}

// Place adds a location at a point, degrees of WGS 84.
func (c *Clinic) Place(latitude, longitude float64) uuid.UUID {
	id := NewID()
	c.Set(`INSERT INTO locations (organization_id, id, identifier_system, identifier_value, name, time_zone, address_lines, latitude, longitude)
		VALUES ($1, $2::uuid, 'https://clinic.example/sites', ($2::uuid)::text, 'Elsewhere', $3, '{}', $4, $5)`, id, Zone, latitude, longitude)
	return id
}

// At has a provider in at a location, too, from 09:00 to 17:00 every day, for a visit at a time.
func (c *Clinic) At(location uuid.UUID, provider clinic.Ref) {
	c.Set(`INSERT INTO schedules (organization_id, id, provider_id, location_id, effective_from, weekly)
		SELECT $1, $2, $3, $4, '2020-01-01', jsonb_agg(jsonb_build_object('weekday', d, 'from', 540, 'to', 1020, 'capacity', 1)) FROM generate_series(1, 7) d`,
		NewID(), provider.ID, location)
}

// Kind adds a kind of visit of half an hour that a provider offers.
func (c *Clinic) Kind(provider clinic.Ref) uuid.UUID {
	id := NewID()
	c.Set(`INSERT INTO visit_kinds (organization_id, id, key, name, duration, buffer_before, buffer_after, slot_step, grid_anchor,
		requires_approval, modalities, free_cancellation_before, minimum_notice, maximum_advance, hold_duration)
		VALUES ($1, $2::uuid, ($2::uuid)::text, 'Lab', 1800, 0, 0, 1800, 'DAY', false, '{IN_PERSON}', 0, 0, 31536000, 300)`, id)
	c.Set(`INSERT INTO provider_visit_kinds VALUES ($1, $2, $3)`, provider.ID, id)
	return id
}

// Requiring changes what the clinic's first kind of visit asks for, by a statement's assignments, whose arguments begin with $3.
func (c *Clinic) Requiring(set string, args ...any) { c.RequiringOf(c.VisitKind, set, args...) }

// RequiringOf changes what a kind of visit asks for.
func (c *Clinic) RequiringOf(kind uuid.UUID, set string, args ...any) {
	c.t.Helper()
	c.Set(`UPDATE visit_kinds SET `+set+` WHERE organization_id = $1 AND id = $2`, append([]any{kind}, args...)...)
}

// Room adds a room to a pool at the clinic's first location.
func (c *Clinic) Room(pool string) uuid.UUID {
	id := NewID()
	c.Set(`INSERT INTO resources (organization_id, id, location_id, identifier_system, identifier_value, kind, pool, name)
		VALUES ($1, $2::uuid, $3, 'https://clinic.example/rooms', ($2::uuid)::text, 'ROOM', $4, 'Room')`, id, c.Location, pool)
	return id
}

// Linked has an account act for a patient, as SELF or CAREGIVER.
func (c *Clinic) Linked(account, patient uuid.UUID, relation string) {
	c.Set(`INSERT INTO account_links (organization_id, id, account_id, patient_id, relation, invitation_id, linked_at)
		VALUES ($1, $2, $3, $4, $5, $6, '2026-01-01')`, NewID(), account, patient, relation, NewID())
}

// Patient adds a patient and answers the patient as a caller.
func (c *Clinic) Patient() access.Actor {
	id := NewID()
	c.exec(`INSERT INTO patients (organization_id, id, identifier_system, identifier_token, identifier, given_name, family_name)
		VALUES ($1, $2::uuid, 'https://clinic.example/mrn', uuid_send($2::uuid), $3, $4, $5)`, c.Organization, id,
		c.seal(id, "identifier", "1"), c.seal(id, "given_name", "A"), c.seal(id, "family_name", "B"))
	return access.Actor{
		Kind: access.Patient, ID: NewID(), Client: "test", Organization: c.Organization, Role: access.PatientRole,
		Scopes: access.ScopesOf(access.PatientRole), PatientID: id, RequestID: "test",
	}
}

// Reachable gives a patient a number and an e-mail address; an empty one is none.
func (c *Clinic) Reachable(patient uuid.UUID, phone, email access.Private) {
	c.t.Helper()
	for column, text := range map[string]access.Private{"phone": phone, "email": email} {
		var value []byte
		if text != "" {
			value = c.seal(patient, column, text)
		}
		c.Set(`UPDATE patients SET `+column+` = $3 WHERE organization_id = $1 AND id = $2`, patient, value)
	}
}

// Born gives a patient a birth date.
func (c *Clinic) Born(patient uuid.UUID, on civil.Date) {
	c.t.Helper()
	c.Set(`UPDATE patients SET birth_date = $3 WHERE organization_id = $1 AND id = $2`, patient, c.seal(patient, "birth_date", access.Private(on.String())))
}

// seal makes the value of a patient's column.
func (c *Clinic) seal(patient uuid.UUID, column string, text access.Private) []byte {
	c.t.Helper()
	about := seal.Subject{Organization: c.Organization, ID: patient}
	keys, err := keytest.Of(c.t, c.pool).Current(context.Background(), []seal.Subject{about})
	if err != nil {
		c.t.Fatal(err)
	}
	return seal.Seal(keys[about], about, seal.Place{Table: "patients", Column: column, Organization: c.Organization, Row: patient}, text)
}

// FrontDesk answers a caller who works at the front desk.
func (c *Clinic) FrontDesk() access.Actor {
	return access.Actor{
		Kind: access.Staff, ID: NewID(), Client: "test", Organization: c.Organization, Role: access.FrontDesk,
		Scopes: access.ScopesOf(access.FrontDesk), RequestID: "test",
	}
}

// Slot names the provider's slot at an hour and minute of Monday, wall clock of New York.
func (c *Clinic) Slot(provider clinic.Ref, hour, minute int) availability.SlotID {
	return availability.SlotID{
		Organization: c.Organization, Provider: provider.ID, Location: c.Location, VisitKind: c.VisitKind,
		Modality: clinic.InPerson, Start: Monday.Add(time.Duration(hour+4)*time.Hour + time.Duration(minute)*time.Minute),
	}
}
