package postgres

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Each provider is looked up by itself in appointments_by_provider, and no further than its page reaches.
const (
	selectAgendas = `
SELECT v.* FROM unnest($1::uuid[], $2::uuid[]) p(organization, provider) CROSS JOIN LATERAL (
	SELECT %s FROM appointments a WHERE a.organization_id = p.organization AND a.provider_id = p.provider%s ORDER BY %s LIMIT %d) v`
	countAgendas = `
SELECT p.organization, p.provider, v.visits FROM unnest($1::uuid[], $2::uuid[]) p(organization, provider) CROSS JOIN LATERAL (
	SELECT count(*) AS visits FROM (
		SELECT FROM appointments a WHERE a.organization_id = p.organization AND a.provider_id = p.provider%s LIMIT %d) c) v`
)

// Agendas implements appointment.Store. One statement is one snapshot.
func (s *AppointmentStore) Agendas(ctx context.Context, providers []clinic.Ref, q appointment.Agenda) (map[clinic.Ref]paging.Page[appointment.Appointment], error) {
	found := make(map[clinic.Ref]paging.Page[appointment.Appointment], len(providers))
	for organization, own := range byTenant(providers) {
		pages, err := s.agendas(ctx, organization, own, q)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, pages)
	}
	return found, nil
}

func (s *AppointmentStore) agendas(ctx context.Context, organization uuid.UUID, providers []clinic.Ref, q appointment.Agenda) (map[clinic.Ref]paging.Page[appointment.Appointment], error) {
	by, w, wanted := orders[q.Order], q.Window, slices.SortedFunc(slices.Values(providers), compareRefs)
	cond := &where{args: columnsOf(wanted)}
	if err := s.narrow(ctx, cond, organization, q.Filter); err != nil {
		return nil, err
	}
	if err := cond.keyset(by, w); err != nil {
		return nil, err
	}
	columns := appointmentColumns
	if q.Brief {
		columns = briefColumns
	}
	sql := fmt.Sprintf(selectAgendas, columns, cond.further(), by.clause(w), w.Size+1)
	rows := visitRows{list: make([]appointment.Appointment, 0, min(len(wanted)*(w.Size+1), manyVisits))}
	if err := s.db.tenant(organization).ask(ctx, rows.read, sql, cond.args...); err != nil {
		return nil, err
	}
	visits, err := rows.open(ctx, s.db)
	return by.agendas(visits, wanted, w), err
}

// manyVisits is how many there is room for before any is read.
const manyVisits = 500

// agendas parts what was read by whom it is with. It comes in that order already, which SQL doesn't promise.
func (o order) agendas(visits []appointment.Appointment, providers []clinic.Ref, w paging.Window) map[clinic.Ref]paging.Page[appointment.Appointment] {
	compare := o.compare(w)
	slices.SortFunc(visits, func(a, b appointment.Appointment) int { return cmp.Or(compareRefs(with(a), with(b)), compare(a, b)) })
	pages := make(map[clinic.Ref]paging.Page[appointment.Appointment], len(providers))
	for _, p := range providers {
		n := 0
		for n < len(visits) && with(visits[n]) == p {
			n++
		}
		pages[p] = paging.Cut(visits[:n:n], w)
		visits = visits[n:]
	}
	return pages
}

func with(a appointment.Appointment) clinic.Ref {
	return clinic.Ref{Organization: a.OrganizationID, ID: a.ProviderID}
}

func compareRefs(a, b clinic.Ref) int {
	return cmp.Or(compareIDs(a.Organization, b.Organization), compareIDs(a.ID, b.ID))
}

// CountAgendas implements appointment.Store.
func (s *AppointmentStore) CountAgendas(ctx context.Context, providers []clinic.Ref, f appointment.Filter) (map[clinic.Ref]int, error) {
	type row struct {
		Organization, Provider uuid.UUID
		Visits                 int
	}
	counts := make(map[clinic.Ref]int, len(providers))
	for organization, own := range byTenant(providers) {
		cond := &where{args: columnsOf(own)}
		if err := s.narrow(ctx, cond, organization, f); err != nil {
			return nil, err
		}
		rows, err := list[row](ctx, s.db.tenant(organization), fmt.Sprintf(countAgendas, cond.further(), paging.MaxCount), cond.args...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			counts[clinic.Ref{Organization: r.Organization, ID: r.Provider}] = r.Visits
		}
	}
	return counts, nil
}
