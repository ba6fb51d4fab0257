package resolvers

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/relay"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
)

func appointmentsBy(o appointment.Order) order[appointment.Appointment] {
	return order[appointment.Appointment]{"AppointmentConnection", func(ap appointment.Appointment) []string { return appointment.Key(ap, o) }}
}

// ordered is the order asked for. A null is no order, and takes the default as if it were left out.
func ordered(asked *appointment.Order) appointment.Order {
	if asked == nil {
		return appointment.StartAscending
	}
	return *asked
}

func (r *Resolver) appointments(
	ctx context.Context, f appointment.Filter, o appointment.Order, args pageArgs,
) (*relay.Connection[appointment.Appointment], error) {
	return follow(args, appointmentsBy(o), func(w paging.Window) (paging.Page[appointment.Appointment], string, error) {
		page, cursor, err := r.Services.Appointment.List(ctx, viewer.Actor(ctx), f, o, w)
		loader.From(ctx).OfAppointments(page.Items)
		return page, cursor, err
	}, func(ctx context.Context) (int, error) {
		return r.Services.Appointment.Count(ctx, viewer.Actor(ctx), f)
	})
}

// agenda pages the appointments with one provider, read with those of all providers that the same field is asked of.
func (r *Resolver) agenda(
	ctx context.Context, provider clinic.Ref, q appointment.Agenda, args pageArgs,
) (*relay.Connection[appointment.Appointment], error) {
	all, field := loader.From(ctx), graphql.GetFieldContext(ctx).Field.Field
	asked := func() appointment.Agenda {
		q.Continued, q.Brief = selects(ctx, "AppointmentConnection", "streamCursor"), asksOnly(ctx, briefVisit, "Appointment")
		return q
	}
	return follow(args, appointmentsBy(q.Order), func(w paging.Window) (paging.Page[appointment.Appointment], string, error) {
		q.Window = w
		found, err := all.Agenda(ctx, field, provider, asked)
		read := orZero(found)
		return read.Page, read.StreamCursor, err
	}, func(ctx context.Context) (int, error) {
		n, err := all.CountAgenda(ctx, field, provider, asked)
		return orZero(n), err
	})
}

// selects says whether a field is among those that are asked of the connection at hand.
func selects(ctx context.Context, connection, name string) bool {
	return slices.ContainsFunc(graphql.CollectFieldsCtx(ctx, []string{connection}), func(f graphql.CollectedField) bool { return f.Name == name })
}

// briefVisit are the fields of an appointment for which it needn't be read whole.
var briefVisit = []string{
	"__typename", "id", "version", "status", "start", "end", "localStart", "timeZone", "modality", "provider", "location", "visitKind", "patient",
}

// asksOnly says whether the connection at hand is asked for nothing of its nodes but these fields.
func asksOnly(ctx context.Context, fields []string, node string) bool {
	of := graphql.GetOperationContext(ctx)
	for _, edges := range graphql.CollectFieldsCtx(ctx, []string{node + "Connection"}) {
		for _, nodes := range graphql.CollectFields(of, edges.Selections, []string{node + "Edge"}) {
			for _, field := range graphql.CollectFields(of, nodes.Selections, []string{node, "Node", "Versioned"}) {
				if !slices.Contains(fields, field.Name) {
					return false
				}
			}
		}
	}
	return true
}

// outsideHours pages the visits that a change of hours left outside them, or none when the change was refused. They are found
// by looking at each, so nobody counts them.
func (r *Resolver) outsideHours(
	ctx context.Context, c appointment.Clash, args pageArgs,
) (*relay.Connection[appointment.Appointment], error) {
	if c.None() {
		return nil, nil
	}
	return follow(args, appointmentsBy(appointment.StartAscending), func(w paging.Window) (page paging.Page[appointment.Appointment], cursor string, err error) {
		if cursor, err = r.Services.Appointment.StreamCursor(ctx); err == nil {
			page, err = r.Services.Appointment.OutsideHours(ctx, viewer.Actor(ctx), c, w)
			loader.From(ctx).OfAppointments(page.Items)
		}
		return page, cursor, err
	}, nil)
}
