package postgres

import (
	"context"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/intake/load"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/seal"
)

// copied are rows of a table, in the order of its columns.
type copied struct {
	table   string
	columns []string
	rows    [][]any
}

func (c *copied) add(values ...any) { c.rows = append(c.rows, values) }

// copiesOf are a batch's rows, what is referred to before what refers to it.
func (s *LoadStore) copiesOf(ctx context.Context, b load.Batch) ([]*copied, error) {
	key, err := s.db.lookUp(ctx, b.Organization)
	if err != nil {
		return nil, err
	}
	pens, err := s.db.pens(ctx, subjectsOf(b)...)
	if err != nil {
		return nil, err
	}
	all := copies{key: key, pens: pens, events: &copied{table: "event_log", columns: []string{"organization_id", "at", "topic", "provider_id", "appointment_id", "payload"}}}
	for _, s := range b.Staff {
		all.staff(b.Organization, s)
	}
	for _, p := range b.People {
		all.person(p)
	}
	all.counts(b)
	for _, v := range b.Visits {
		all.visit(v)
	}
	for _, s := range b.Steps {
		all.step(s, b.Visits[s.Visit])
	}
	return append(all.list, all.events), nil
}

// subjectsOf are whom a batch says something private about.
func subjectsOf(b load.Batch) []seal.Subject {
	list := []seal.Subject{{Organization: b.Organization, ID: b.Organization}}
	for _, p := range b.People {
		list = append(list, seal.Subject{Organization: p.OrganizationID, ID: p.ID})
	}
	for _, v := range b.Visits {
		list = append(list, seal.Subject{Organization: v.OrganizationID, ID: v.PatientID})
	}
	return list
}

// copies hold a batch's rows by table, in the order in which tables were named first, but for events.
type copies struct {
	list   []*copied
	events *copied
	key    lookUp
	pens   map[seal.Subject]pen
}

func (c *copies) to(table string, columns ...string) *copied {
	for _, t := range c.list {
		if t.table == table {
			return t
		}
	}
	t := &copied{table: table, columns: columns}
	c.list = append(c.list, t)
	return t
}

func (c *copies) staff(org uuid.UUID, s load.Staff) {
	c.to("providers", "organization_id", "id", "identifier_system", "identifier_value", "name", "languages", "max_daily_appointments", "schedule_revision").
		add(org, s.ID, s.Identifier.System, s.Identifier.Value, s.Name, s.Languages, s.MaxDailyAppointments, s.Revision())
	for _, k := range s.VisitKindIDs {
		c.to("provider_visit_kinds", "organization_id", "provider_id", "visit_kind_id").add(org, s.ID, k)
	}
	for i, x := range s.Specialties {
		c.to("provider_specialties", "organization_id", "provider_id", "ordinal", "system", "code", "display").add(org, s.ID, i, x.System, x.Code, x.Display)
	}
	for _, p := range s.Plans {
		c.to("provider_plans", "organization_id", "provider_id", "plan_id").add(org, s.ID, p)
	}
	c.audit(note(s.Put, org, "provider.put", "Provider", s.ID))
	for _, d := range s.Desks {
		c.to("schedules", "organization_id", "provider_id", "location_id", "id", "effective_from", "effective_until", "weekly").
			add(org, s.ID, d.Location, d.ID, midnight(d.EffectiveFrom), maybeMidnight(d.EffectiveUntil), weeklyToJSON(d.Weekly))
		c.audit(note(d.Set, org, "schedule.set", "Provider", s.ID))
		c.hours(org, s.ID, d.Set, d.Location, d.Schedule.Days())
	}
	for _, e := range s.Exceptions {
		c.to("schedule_exceptions", "organization_id", "id", "provider_id", "location_id", "local_from", "local_to", "effect", "capacity", "max_appointments",
			"reason").add(exceptionValues(c.pens[seal.Subject{Organization: org, ID: org}], e.Exception)...)
		c.audit(note(e.Added, org, "exception.add", "ScheduleException", e.ID))
		c.hours(org, s.ID, e.Added, e.LocationID, e.Days())
	}
}

func (c *copies) person(p load.Person) {
	c.to("patients", "organization_id", "id", "identifier_token", "identifier_system", "identifier", "given_name", "family_name", "birth_date", "phone",
		"email", "language", "time_zone").add(patientValues(c.pens[seal.Subject{Organization: p.OrganizationID, ID: p.ID}], p.Patient, c.key.digest(p.IdentifierHandle()))...)
	for _, token := range c.key.digests(p.Handles()) {
		c.to("patient_tokens", "organization_id", "patient_id", "token").add(p.OrganizationID, p.ID, token)
	}
	n := note(p.Registered, p.OrganizationID, "patient.register", patient.Kind, p.ID)
	n.Patient, n.Fields = p.ID, patientFields
	c.audit(n)
}

func (c *copies) counts(b load.Batch) {
	for _, d := range b.Days {
		c.to("party_days", "organization_id", "party_id", "day", "revision", "booked").add(b.Organization, d.Party, midnight(d.Date), d.Revision, d.Booked)
	}
	for _, w := range b.Windows {
		c.to("window_counts", "organization_id", "exception_id", "provider_id", "booked").add(b.Organization, w.Exception, w.Provider, w.Booked)
	}
}

func (c *copies) visit(v load.Visit) {
	var reason, by *string
	var at *time.Time
	if x := v.Cancellation; x != nil {
		reason, by, at = nonEmpty(string(x.Reason)), nonEmpty(string(x.By)), &x.At
	}
	pen := c.pens[seal.Subject{Organization: v.OrganizationID, ID: v.PatientID}]
	c.to("appointments", "organization_id", "id", "version", "status", "provider_id", "location_id", "visit_kind_id", "patient_id", "modality", "starts_at",
		"ends_at", "local_start", "time_zone", "tzdb_version", "reason", "created_at", "created_by", "updated_at", "confirmed_at", "cancel_reason",
		"cancelled_at", "cancelled_by", "last_action", "prior_status", "prior_confirmed_at").
		add(v.OrganizationID, v.ID, v.Version, string(v.Status), v.ProviderID, v.LocationID, v.VisitKindID, v.PatientID, string(v.Modality), v.Start,
			v.End, wall(v.LocalStart), v.TimeZone, v.TZDB, pen.sealed(pen.in("appointments", "reason", v.ID), v.Reason), v.CreatedAt, v.CreatedBy, v.UpdatedAt, v.ConfirmedAt, reason,
			at, by, nonEmpty(string(v.LastAction)), nonEmpty(string(v.PriorStatus)), v.PriorConfirmedAt)
	claims := c.to("claims", "organization_id", "id", "party_kind", "party_id", "lane", "starts_at", "ends_at", "state", "appointment_id", "days",
		"counted_day", "counted_windows")
	claims.add(v.OrganizationID, v.Claim, "PROVIDER", v.ProviderID, v.Lane, v.Plan.Occupied.Start, v.Plan.Occupied.End, v.ClaimState, v.ID,
		midnights(v.Plan.Days), midnight(v.Plan.Day), windowIDs(v))
	claims.add(v.OrganizationID, v.PatientClaim, "PATIENT", v.PatientID, 0, v.Start, v.End, v.ClaimState, v.ID,
		midnights(datesOf(v.Start, v.End)), nil, []uuid.UUID{})
}

func windowIDs(v load.Visit) []uuid.UUID {
	ids := make([]uuid.UUID, len(v.Plan.Windows))
	for i, w := range v.Plan.Windows {
		ids[i] = w.ID
	}
	return ids
}

// step is what the booking functions leave behind: an audit row, and an event as log_claims tells it.
func (c *copies) step(s load.Step, v load.Visit) {
	topic, action, fields := "appointment.changed", "appointment."+string(s.Action), []string{"status", "confirmedAt"}
	payload := claimsJSON{Freed: []uuid.UUID{}, Taken: []takenJSON{}, Days: map[civil.Date]dayJSON{}, Windows: s.Windows}
	for date, d := range s.Days {
		payload.Days[date] = dayJSON{d.Revision, d.Booked}
	}
	switch s.Action {
	case "":
		topic, action, fields = "appointment.booked", "appointment.book", append([]string{"status", "patient"}, seatFields...)
		payload.Taken = append(payload.Taken, takenJSON{ID: v.Claim, Lane: v.Lane, From: v.Plan.Occupied.Start, To: v.Plan.Occupied.End, Appointment: v.ID})
	case appointment.Cancel:
		topic, action, fields = "appointment.cancelled", "appointment.cancel", []string{"status", "cancellation"}
		payload.Freed = append(payload.Freed, v.Claim)
	}
	n := note(s.Stamp, v.OrganizationID, action, "Appointment", v.ID)
	n.Patient, n.Fields = v.PatientID, fields
	c.audit(n)
	if s.Days == nil {
		c.event(v.OrganizationID, s.At, topic, v.ProviderID, &v.ID, struct{}{})
		return
	}
	c.event(v.OrganizationID, s.At, topic, v.ProviderID, &v.ID, payload)
}

// claimsJSON is the payload of an event that tells of claims; see log_claims in the migrations.
type claimsJSON struct {
	Freed   []uuid.UUID            `json:"freed"`
	Taken   []takenJSON            `json:"taken"`
	Days    map[civil.Date]dayJSON `json:"days"`
	Windows map[uuid.UUID]int      `json:"windows"`
}

type takenJSON struct {
	ID          uuid.UUID  `json:"id"`
	Lane        int        `json:"lane"`
	From        time.Time  `json:"from"`
	To          time.Time  `json:"to"`
	Appointment uuid.UUID  `json:"appointment"`
	Hold        *uuid.UUID `json:"hold"`
	ExpiresAt   *time.Time `json:"expiresAt"`
}

type dayJSON struct {
	Revision int64 `json:"revision"`
	Booked   int   `json:"booked"`
}

// hours is the event of changed hours, as recordFor tells it.
func (c *copies) hours(org, of uuid.UUID, by clinic.Stamp, location uuid.UUID, days provider.Days) {
	c.event(org, by.At, scheduleTopic, of, nil, scheduleSpan{Location: maybe(location), From: days.From, Until: days.Until})
}

func (c *copies) event(org uuid.UUID, at time.Time, topic string, of uuid.UUID, about *uuid.UUID, payload any) {
	c.events.add(org, at, topic, of, about, payload)
}

func (c *copies) audit(n change) {
	c.to("audit_events", "organization_id", "id", "at", "actor_kind", "actor_id", "client", "action", "entity_kind", "entity_id", "request_id",
		"patient_id", "purpose", "fields").
		add(n.Organization, n.AuditID, n.At, string(n.Actor.Kind), n.Actor.ID, n.Actor.Client, n.Action, n.EntityKind, n.EntityID, n.Actor.RequestID,
			idOf(n.Patient), string(n.Actor.Purpose()), emptied(n.Fields))
}
