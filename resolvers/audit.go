package resolvers

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/graph/relay"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/audit"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

var auditEvents = order[audit.Event]{"AuditEventConnection", audit.KeyOf}

func (r *Resolver) events(ctx context.Context, f audit.Filter, args pageArgs) (*relay.Connection[audit.Event], error) {
	return list(args, auditEvents, func(w paging.Window) (paging.Page[audit.Event], error) {
		page, err := r.Services.Audit.Events(ctx, viewer.Actor(ctx), f, w)
		loader.From(ctx).OfNodes(namesOf(page.Items))
		return page, err
	}, func(ctx context.Context) (int, error) {
		return r.Services.Audit.Count(ctx, viewer.Actor(ctx), f)
	})
}

func (r *Resolver) history(ctx context.Context, of *appointment.Appointment, args pageArgs) (*relay.Connection[audit.Event], error) {
	return list(args, auditEvents, func(w paging.Window) (paging.Page[audit.Event], error) {
		page, err := r.Services.Audit.History(ctx, viewer.Actor(ctx), of.Ref(), w)
		loader.From(ctx).OfNodes(namesOf(page.Items))
		return page, err
	}, func(ctx context.Context) (int, error) {
		return r.Services.Audit.CountHistory(ctx, viewer.Actor(ctx), of.Ref())
	})
}

// auditFilter reads a filter. The ids in it may name one organisation only, which is then the one searched.
func auditFilter(in *model.AuditFilterInput) (audit.Filter, error) {
	var f audit.Filter
	if in == nil {
		return f, nil
	}
	narrow := func(id globalid.ID, err error, field string) (uuid.UUID, error) {
		switch {
		case err != nil:
			return uuid.Nil, errs.At(err, "where", field)
		case f.Organization != uuid.Nil && f.Organization != id.Ref.Organization:
			return uuid.Nil, errs.Missing("thing in that organisation", "where", field)
		}
		f.Organization = id.Ref.Organization
		return id.Ref.ID, nil
	}
	var err error
	if in.EntityID != nil {
		id, fault := globalid.Parse(*in.EntityID)
		if f.Entity, err = narrow(id, fault, "entityId"); err != nil {
			return f, err
		}
	}
	if in.PatientID != nil {
		id, fault := globalid.ParseAs(globalid.Patient, *in.PatientID)
		if f.Patient, err = narrow(id, fault, "patientId"); err != nil {
			return f, err
		}
	}
	f.Action, f.Outcome, f.From, f.To = orZero(in.Action), orZero(in.Outcome), orZero(in.From), orZero(in.To)
	return f, nil
}

// recorded are the types of ids by what their things are called in the record.
var recorded = map[string]globalid.Type{
	"Appointment": globalid.Appointment, "AppointmentSeries": globalid.Series, "BreakGlassGrant": globalid.BreakGlassGrant, "LegalHold": globalid.LegalHold,
	"Location": globalid.Location, "Organization": globalid.Organization, "Patient": globalid.Patient,
	"Provider": globalid.Provider, "Resource": globalid.Resource, "ScheduleException": globalid.ScheduleException, "Closure": globalid.Closure, reminder.TrailKind: globalid.Reminder, "SlotHold": globalid.Hold, "VisitKind": globalid.VisitKind,
}

// entityOf names what an event is about, as far as the contract has a name for it.
func entityOf(e audit.Event) (globalid.ID, bool) {
	t, known := recorded[e.EntityKind]
	return globalid.ID{Type: t, Ref: e.EntityRef()}, known && e.Entity != uuid.Nil
}

// namesOf are all things that a page of events is about.
func namesOf(list []audit.Event) []globalid.ID {
	var ids []globalid.ID
	for _, e := range list {
		if id, ok := entityOf(e); ok {
			ids = append(ids, id)
		}
		if e.Patient != uuid.Nil {
			ids = append(ids, globalid.ID{Type: globalid.Patient, Ref: patientOf(e)})
		}
	}
	return ids
}

func patientOf(e audit.Event) clinic.Ref {
	return clinic.Ref{Organization: e.Organization, ID: e.Patient}
}

// actorOf is an opaque reference: who it was can be found out while the account exists, and that it was the same one after that.
func actorOf(e audit.Event) string {
	if e.Actor == uuid.Nil {
		return string(e.ActorKind)
	}
	return string(e.ActorKind) + "/" + e.Actor.String()
}
