package resolvers

import (
	"context"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/graph/relay"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/paging"
)

func putResource(read *ids, in model.PutResourceInput) clinic.PutResource {
	return clinic.PutResource{
		Organization: read.organization(in.OrganizationID, "organizationId"),
		Identifier:   identifier(*in.Identifier),
		Location:     read.ref(globalid.Location, in.LocationID, "locationId"),
		Kind:         in.Kind,
		Pool:         in.Pool,
		Name:         in.Name,
		Retired:      orZero(in.Retired),
	}
}

func setTravelRules(read *ids, in model.SetTravelRulesInput) clinic.SetTravelRules {
	command := clinic.SetTravelRules{
		Organization: read.organization(in.OrganizationID, "organizationId"),
		Patients:     in.Patients,
		Providers:    in.Providers,
		Speed:        in.SpeedKilometresPerHour,
		Margin:       in.Margin,
	}
	for i, r := range in.Routes {
		command.Routes = append(command.Routes, clinic.SetRoute{
			From:  read.ref(globalid.Location, r.FromLocationID, form.At([]string{"routes"}, i, "fromLocationId")...),
			To:    read.ref(globalid.Location, r.ToLocationID, form.At([]string{"routes"}, i, "toLocationId")...),
			Takes: r.Takes,
		})
	}
	return command
}

func (r *Resolver) resources(ctx context.Context, f clinic.ResourceFilter, args pageArgs) (*relay.Connection[clinic.Resource], error) {
	return list(args, resources, func(w paging.Window) (paging.Page[clinic.Resource], error) {
		page, err := r.Services.Clinic.ListResources(ctx, viewer.Actor(ctx), f, w)
		loader.From(ctx).OfResources(page.Items)
		return page, err
	}, func(ctx context.Context) (int, error) {
		return r.Services.Clinic.CountResources(ctx, viewer.Actor(ctx), f)
	})
}

// unequipped pages visits that lack a room or equipment. What isn't there is the location that was asked for.
func (r *Resolver) unequipped(ctx context.Context, at *clinic.Ref, args pageArgs) (*relay.Connection[appointment.Appointment], error) {
	return follow(args, appointmentsBy(appointment.StartAscending), func(w paging.Window) (paging.Page[appointment.Appointment], string, error) {
		page, cursor, err := r.Services.Appointment.Unequipped(ctx, viewer.Actor(ctx), at, w)
		loader.From(ctx).OfAppointments(page.Items)
		if errs.Of(err) == errs.NotFound {
			err = errs.Rename(err, "locationId")
		}
		return page, cursor, err
	}, func(ctx context.Context) (int, error) {
		return r.Services.Appointment.CountUnequipped(ctx, viewer.Actor(ctx), at)
	})
}

func prerequisitesOf(k *clinic.VisitKind) []*model.Prerequisite {
	list := make([]*model.Prerequisite, len(k.Requires.Prerequisites))
	for i, p := range k.Requires.Prerequisites {
		list[i] = &model.Prerequisite{VisitKindRef: clinic.Ref{Organization: k.OrganizationID, ID: p.VisitKind}, Within: p.Within}
	}
	return list
}

func routesOf(t *clinic.TravelRules) []*model.TravelRoute {
	list := make([]*model.TravelRoute, len(t.Routes))
	for i, r := range t.Routes {
		list[i] = &model.TravelRoute{
			FromRef: clinic.Ref{Organization: t.Organization, ID: r.From}, ToRef: clinic.Ref{Organization: t.Organization, ID: r.To}, Takes: r.Takes,
		}
	}
	return list
}
