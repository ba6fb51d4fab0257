package postgres

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// where collects the conditions of a list: only those that narrow, so that each shape has a plan of its own.
type where struct {
	conditions []string
	args       []any
}

// and adds a condition with %d where its argument's number goes.
func (w *where) and(condition string, arg any) {
	w.args = append(w.args, arg)
	w.conditions = append(w.conditions, fmt.Sprintf(condition, len(w.args)))
}

func (w *where) String() string { return strings.Join(w.conditions, " AND ") }

// further are the conditions after others.
func (w *where) further() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " AND " + w.String()
}

func (s *AppointmentStore) filtered(ctx context.Context, f appointment.Filter) (*where, error) {
	w := &where{}
	w.and("a.organization_id = $%d", f.Organization)
	return w, s.narrow(ctx, w, f.Organization, f)
}

// narrow adds what a filter asks for within an organisation.
func (s *AppointmentStore) narrow(ctx context.Context, w *where, organization uuid.UUID, f appointment.Filter) error {
	for _, id := range []struct {
		condition string
		value     uuid.UUID
	}{
		{"a.patient_id = $%d", f.Patient}, {"a.provider_id = $%d", f.Provider}, {"a.location_id = $%d", f.Location},
	} {
		if id.value != uuid.Nil {
			w.and(id.condition, id.value)
		}
	}
	if f.Among != nil {
		w.among("a", *f.Among)
	}
	if len(f.Statuses) > 0 {
		w.and("a.status = ANY ($%d)", f.Statuses)
	}
	if f.Awaits() {
		w.conditions = append(w.conditions, "a.approval_due_at IS NOT NULL") // by which there is an index
	}
	if f.Series != uuid.Nil {
		w.and("a.series_id = $%d", f.Series)
	}
	w.meets(f.Meets)
	if f.Unequipped {
		w.conditions = append(w.conditions, lacking)
	}
	if !f.From.IsZero() {
		w.and("a.starts_at >= $%d", f.From)
	}
	if !f.To.IsZero() {
		w.and("a.starts_at < $%d", f.To)
	}
	if f.Identifier == nil {
		return nil
	}
	key, err := s.db.lookUp(ctx, organization)
	if err != nil {
		return err
	}
	w.and(`a.id IN (SELECT i.appointment_id FROM appointment_identifiers i
		WHERE i.organization_id = a.organization_id AND i.token = $%d)`, key.identifier(*f.Identifier))
	return nil
}

// order is how a list runs: by a column, then id.
type order struct {
	column     string
	of         func(appointment.Appointment) time.Time
	descending bool
}

func start(a appointment.Appointment) time.Time   { return a.Start }
func updated(a appointment.Appointment) time.Time { return a.UpdatedAt }
func due(a appointment.Appointment) time.Time     { return or(a.ApprovalDueAt) }

var orders = map[appointment.Order]order{
	appointment.ApprovalDue:       {"a.approval_due_at", due, false},
	appointment.StartAscending:    {"a.starts_at", start, false},
	appointment.StartDescending:   {"a.starts_at", start, true},
	appointment.UpdatedDescending: {"a.updated_at", updated, true},
}

// compare is the order in the direction of a window, of what is read already.
func (o order) compare(w paging.Window) func(a, b appointment.Appointment) int {
	return func(a, b appointment.Appointment) int {
		earlier := cmp.Or(o.of(a).Compare(o.of(b)), compareIDs(a.ID, b.ID))
		if o.descending != w.Backward {
			return -earlier
		}
		return earlier
	}
}

// clause is the order in the direction of a window.
func (o order) clause(w paging.Window) string {
	direction := " ASC"
	if o.descending != w.Backward {
		direction = " DESC"
	}
	return o.column + direction + ", a.id" + direction
}

// List implements appointment.Store.
func (s *AppointmentStore) List(ctx context.Context, f appointment.Filter, o appointment.Order, w paging.Window) (paging.Page[appointment.Appointment], error) {
	by := orders[o]
	cond, err := s.filtered(ctx, f)
	if err != nil {
		return paging.Page[appointment.Appointment]{}, err
	}
	if err := cond.keyset(by, w); err != nil {
		return paging.Page[appointment.Appointment]{}, err
	}
	sql := fmt.Sprintf("SELECT %s FROM appointments a WHERE %s ORDER BY %s LIMIT %d", appointmentColumns, cond, by.clause(w), w.Size+1)
	var visits visitRows
	err = s.db.tenant(f.Organization).snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql, cond.args...)
		if err != nil {
			return err
		}
		if err := visits.read(rows); err != nil || len(visits.list) > 0 {
			return err
		}
		return known(ctx, tx, f)
	})
	if err != nil {
		return paging.Page[appointment.Appointment]{}, err
	}
	list, err := visits.open(ctx, s.db)
	return paging.Cut(list, w), err
}

const selectKnown = `
SELECT EXISTS (SELECT FROM patients WHERE organization_id = $1 AND id = $2) AS patient,
    EXISTS (SELECT FROM providers WHERE organization_id = $1 AND id = $3) AS provider,
    EXISTS (SELECT FROM locations WHERE organization_id = $1 AND id = $4) AS location`

// known fails at the first thing that a filter names and that doesn't exist. Whatever has an appointment exists.
func known(ctx context.Context, tx pgx.Tx, f appointment.Filter) error {
	if f.Patient == uuid.Nil && f.Provider == uuid.Nil && f.Location == uuid.Nil {
		return nil
	}
	row, _, err := one[struct{ Patient, Provider, Location bool }](ctx, tx, selectKnown, f.Organization, f.Patient, f.Provider, f.Location)
	switch {
	case err != nil:
		return err
	case f.Patient != uuid.Nil && !row.Patient:
		return errs.Missing("patient", "patientId")
	case f.Provider != uuid.Nil && !row.Provider:
		return errs.Missing("provider", "providerId")
	case f.Location != uuid.Nil && !row.Location:
		return errs.Missing("location", "locationId")
	}
	return nil
}

// Known implements appointment.Store.
func (s *AppointmentStore) Known(ctx context.Context, f appointment.Filter) error {
	return s.db.tenant(f.Organization).snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error { return known(ctx, tx, f) })
}

func (w *where) keyset(by order, window paging.Window) error {
	for _, bound := range []struct {
		key   []string
		later bool
		name  string
	}{{window.After, true, "after"}, {window.Before, false, "before"}} {
		if bound.key == nil {
			continue
		}
		micros, err := strconv.ParseInt(bound.key[0], 10, 64)
		at := time.UnixMicro(micros).UTC()
		id, invalid := uuid.Parse(bound.key[1])
		if err != nil || invalid != nil || at.Year() < 1 || at.Year() > 9999 { // beyond is no time to PostgreSQL
			return errs.Invalid("This is not a cursor of this list.", bound.name)
		}
		sign := "<"
		if bound.later != by.descending {
			sign = ">"
		}
		w.and("("+by.column+", a.id) "+sign+" ($%d", at)
		w.args = append(w.args, id)
		w.conditions[len(w.conditions)-1] += fmt.Sprintf(", $%d)", len(w.args))
	}
	return nil
}

// Count implements appointment.Store.
func (s *AppointmentStore) Count(ctx context.Context, f appointment.Filter) (int, error) {
	cond, err := s.filtered(ctx, f)
	if err != nil {
		return 0, err
	}
	sql := fmt.Sprintf("SELECT count(*) FROM (SELECT FROM appointments a WHERE %s LIMIT %d) c", cond, paging.MaxCount)
	var n int
	err = s.db.tenant(f.Organization).snapshot(ctx, func(ctx context.Context, tx pgx.Tx) error { return tx.QueryRow(ctx, sql, cond.args...).Scan(&n) })
	return n, err
}

// Upcoming implements appointment.Store.
func (s *AppointmentStore) Upcoming(ctx context.Context, c appointment.Clash, now time.Time, after []string, limit int) ([]appointment.Appointment, error) {
	f := appointment.Filter{
		Organization: c.Organization, Provider: c.Provider, Location: c.Location, From: c.From, To: c.To,
		Statuses: []appointment.Status{appointment.Booked, appointment.Pending, appointment.Arrived, appointment.CheckedIn},
	}
	cond, err := s.filtered(ctx, f)
	if err != nil {
		return nil, err
	}
	cond.and("a.ends_at > $%d", now)
	cond.startsIn(c.Spans)
	by := orders[appointment.StartAscending]
	if err := cond.keyset(by, paging.Window{After: after}); err != nil {
		return nil, err
	}
	sql := fmt.Sprintf("SELECT %s FROM appointments a WHERE %s ORDER BY a.starts_at, a.id LIMIT %d", appointmentColumns, cond, limit)
	var visits visitRows
	if err := s.db.tenant(f.Organization).ask(ctx, visits.read, sql, cond.args...); err != nil {
		return nil, err
	}
	return visits.open(ctx, s.db)
}
