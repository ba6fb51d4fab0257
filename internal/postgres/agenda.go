package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

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
func (s *AppointmentStore) Agendas(
	ctx context.Context, providers []clinic.Ref, f appointment.Filter, o appointment.Order, w paging.Window,
) (map[clinic.Ref]paging.Page[appointment.Appointment], error) {
	by := orders[o]
	cond := &where{args: columnsOf(providers)}
	cond.narrow(f)
	if err := cond.keyset(by, w); err != nil {
		return nil, err
	}
	sql := fmt.Sprintf(selectAgendas, appointmentColumns, cond.further(), by.clause(w), w.Size+1)
	pages := make(map[clinic.Ref]paging.Page[appointment.Appointment], len(providers))
	err := s.db.read(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		visits, err := appointments(ctx, conn, sql, cond.args...)
		with := eachProviders(visits)
		for _, provider := range providers {
			slices.SortFunc(with[provider], by.compare(w)) // they come so, which SQL doesn't promise
			pages[provider] = paging.Cut(with[provider], w)
		}
		return err
	})
	return pages, err
}

// eachProviders parts visits by whom they are with.
func eachProviders(visits []appointment.Appointment) map[clinic.Ref][]appointment.Appointment {
	parts := make(map[clinic.Ref][]appointment.Appointment)
	for _, v := range visits {
		provider := clinic.Ref{Organization: v.OrganizationID, ID: v.ProviderID}
		parts[provider] = append(parts[provider], v)
	}
	return parts
}

// CountAgendas implements appointment.Store.
func (s *AppointmentStore) CountAgendas(ctx context.Context, providers []clinic.Ref, f appointment.Filter) (map[clinic.Ref]int, error) {
	cond := &where{args: columnsOf(providers)}
	cond.narrow(f)
	type row struct {
		Organization, Provider uuid.UUID
		Visits                 int
	}
	rows, err := list[row](ctx, s.db, fmt.Sprintf(countAgendas, cond.further(), paging.MaxCount), cond.args...)
	counts := make(map[clinic.Ref]int, len(rows))
	for _, r := range rows {
		counts[clinic.Ref{Organization: r.Organization, ID: r.Provider}] = r.Visits
	}
	return counts, err
}
