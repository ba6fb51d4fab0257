package postgres

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/audit"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// AuditStore keeps audit events and their chains.
type AuditStore struct{ db *DB }

var (
	_ audit.Recording = (*AuditStore)(nil)
	_ audit.Reading   = (*AuditStore)(nil)
	_ audit.Chains    = (*AuditStore)(nil)
)

// NewAuditStore puts the store over a database.
func NewAuditStore(db *DB) *AuditStore { return &AuditStore{db} }

const insertAudits = `
INSERT INTO audit_events (organization_id, id, at, actor_kind, actor_id, client, action, entity_kind, entity_id, request_id,
    effect, outcome, patient_id, purpose, grant_id, fields, flags, times)
SELECT $1, id, at, actor_kind, actor, client, action, kind, entity, request, effect, outcome,
    NULLIF(patient, '00000000-0000-0000-0000-000000000000'), purpose, NULLIF(grounds, '00000000-0000-0000-0000-000000000000'),
    string_to_array(fields, ','), flags::jsonb, times
FROM unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::text[],
    $11::text[], $12::text[], $13::uuid[], $14::text[], $15::uuid[], $16::text[], $17::text[], $18::integer[])
    e(id, at, actor_kind, actor, client, action, kind, entity, request, effect, outcome, patient, purpose, grounds, fields, flags, times)`

// Record implements audit.Recording. It is one statement, whatever the number of events.
func (s *AuditStore) Record(ctx context.Context, organization uuid.UUID, events []audit.Event) error {
	args := auditColumns(organization, events)
	return broken(s.db.again(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		batch := &pgx.Batch{}
		batch.Queue(setTenant, organization.String())
		batch.Queue(insertAudits, args...)
		return conn.SendBatch(ctx, batch).Close()
	}))
}

func auditColumns(organization uuid.UUID, events []audit.Event) []any {
	return []any{
		organization,
		column(events, func(e audit.Event) uuid.UUID { return e.ID }),
		column(events, func(e audit.Event) time.Time { return e.At }),
		column(events, func(e audit.Event) string { return string(e.ActorKind) }),
		column(events, func(e audit.Event) uuid.UUID { return e.Actor }),
		column(events, func(e audit.Event) string { return e.Client }),
		column(events, func(e audit.Event) string { return e.Action }),
		column(events, func(e audit.Event) string { return e.EntityKind }),
		column(events, func(e audit.Event) uuid.UUID { return e.Entity }),
		column(events, func(e audit.Event) string { return e.Request }),
		column(events, func(e audit.Event) string { return string(e.Effect) }),
		column(events, func(e audit.Event) string { return string(e.Outcome) }),
		column(events, func(e audit.Event) uuid.UUID { return e.Patient }),
		column(events, func(e audit.Event) string { return string(e.Purpose) }),
		column(events, func(e audit.Event) uuid.UUID { return e.Grant }),
		column(events, func(e audit.Event) string { return strings.Join(e.Fields, ",") }),
		column(events, func(e audit.Event) string { return e.Flags }),
		column(events, func(e audit.Event) int32 { return int32(min(e.Times, 1<<30)) }),
	}
}

func column[T, V any](rows []T, of func(T) V) []V {
	values := make([]V, len(rows))
	for i, r := range rows {
		values[i] = of(r)
	}
	return values
}

// auditRow is a row of the table.
type auditRow struct {
	OrganizationID, ID         uuid.UUID
	Position                   int64
	At                         time.Time
	ActorKind                  string
	ActorID                    uuid.UUID
	Client, Action, EntityKind string
	EntityID                   uuid.UUID
	RequestID, Effect, Outcome string
	PatientID                  *uuid.UUID
	Purpose                    string
	GrantID                    *uuid.UUID
	Fields                     []string
	Flags                      string
	Times                      int
}

const selectAudits = `SELECT organization_id, id, position, at, actor_kind, actor_id, client, action, entity_kind, entity_id, request_id,
    effect, outcome, patient_id, purpose, grant_id, fields, flags::text AS flags, times FROM audit_events WHERE organization_id = $1`

func (r auditRow) event() audit.Event {
	return audit.Event{
		Organization: r.OrganizationID, ID: r.ID, Position: r.Position, At: r.At.UTC(), ActorKind: access.Kind(r.ActorKind), Actor: r.ActorID,
		Client: r.Client, Action: r.Action, EntityKind: r.EntityKind, Entity: r.EntityID, Request: r.RequestID,
		Effect: audit.Effect(r.Effect), Outcome: audit.Outcome(r.Outcome), Patient: or(r.PatientID), Purpose: access.Purpose(r.Purpose),
		Grant: or(r.GrantID), Fields: r.Fields, Flags: r.Flags, Times: r.Times,
	}
}

func auditEvents(rows []auditRow) []audit.Event {
	return column(rows, auditRow.event)
}

// List implements audit.Reading.
func (s *AuditStore) List(ctx context.Context, f audit.Filter, w paging.Window) (paging.Page[audit.Event], error) {
	where, args := auditFilter(f)
	direction := " DESC"
	for _, bound := range []struct {
		sign, field string
		key         []string
	}{{"<", "after", w.After}, {">", "before", w.Before}} {
		if len(bound.key) == 0 {
			continue
		}
		position, err := audit.Position(bound.key, bound.field)
		if err != nil {
			return paging.Page[audit.Event]{}, err
		}
		args = append(args, position)
		where += " AND position " + bound.sign + " $" + strconv.Itoa(len(args))
	}
	if w.Backward {
		direction = " ASC"
	}
	rows, err := list[auditRow](ctx, s.db.tenant(f.Organization), selectAudits+where+" ORDER BY position"+direction+" LIMIT "+strconv.Itoa(w.Size+1), args...)
	if err != nil {
		return paging.Page[audit.Event]{}, err
	}
	return mapPage(paging.Cut(rows, w), auditRow.event), nil
}

// Count implements audit.Reading.
func (s *AuditStore) Count(ctx context.Context, f audit.Filter) (int, error) {
	where, args := auditFilter(f)
	return count(ctx, s.db.tenant(f.Organization), kept, "SELECT FROM audit_events WHERE organization_id = $1"+where, args...)
}

// auditFilter is what a filter adds to a query whose $1 is the organisation.
func auditFilter(f audit.Filter) (where string, args []any) {
	args = []any{f.Organization}
	for _, part := range []struct {
		narrows bool
		sql     string
		value   any
	}{
		{f.Entity != uuid.Nil, "entity_id = ", f.Entity},
		{f.Patient != uuid.Nil, "patient_id = ", f.Patient},
		{f.Action != "", "action = ", f.Action},
		{f.Effect != "", "effect = ", string(f.Effect)},
		{f.Outcome != "", "outcome = ", string(f.Outcome)},
		{!f.From.IsZero(), "at >= ", f.From},
		{!f.To.IsZero(), "at < ", f.To},
	} {
		if part.narrows {
			args = append(args, part.value)
			where += " AND " + part.sql + "$" + strconv.Itoa(len(args))
		}
	}
	return where, args
}

// Find implements audit.Reading.
func (s *AuditStore) Find(ctx context.Context, organization uuid.UUID, wanted []uuid.UUID) ([]audit.Event, error) {
	rows, err := list[auditRow](ctx, s.db.tenant(organization), selectAudits+" AND id = ANY ($2)", organization, wanted)
	return auditEvents(rows), err
}
