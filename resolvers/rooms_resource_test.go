package resolvers_test

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
)

func (r *rooms) resource() clinic.Resource {
	return clinic.Resource{
		ID: id(0x30), OrganizationID: r.organization.ID, Location: r.location.ID, Kind: clinic.Room, Pool: "exam", Name: "Room 1",
		Identifier: clinic.Identifier{System: "https://example.org/rooms", Value: "1"},
	}
}

func (r *rooms) travel() clinic.TravelRules {
	t := clinic.DefaultTravel(r.organization.ID)
	t.Routes = []clinic.Route{{From: r.location.ID, To: r.location.ID, Takes: 20 * time.Minute}}
	return t
}

func (r clinicRoom) PutResource(_ context.Context, _ access.Actor, in clinic.PutResource) (clinic.Resource, error) {
	r.note("PutResource", in)
	return r.resource(), r.fail
}

func (r clinicRoom) ListResources(_ context.Context, _ access.Actor, f clinic.ResourceFilter, _ paging.Window) (paging.Page[clinic.Resource], error) {
	r.note("ListResources", f)
	return pageOf(r.resource()), r.fail
}

func (r clinicRoom) CountResources(context.Context, access.Actor, clinic.ResourceFilter) (int, error) {
	r.note("CountResources", nil)
	return 1, r.fail
}

func (r clinicRoom) Resources(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref]clinic.Resource, error) {
	r.note("Resources", refs)
	return only(refs, r.resource().Ref(), r.resource()), nil
}

func (r clinicRoom) ResourcesOf(_ context.Context, _ access.Actor, visits []clinic.Ref) (map[clinic.Ref][]clinic.Resource, error) {
	r.note("ResourcesOf", visits)
	return only(visits, r.visit.Ref(), []clinic.Resource{r.resource()}), nil
}

func (r clinicRoom) SetTravelRules(_ context.Context, _ access.Actor, in clinic.SetTravelRules) (clinic.TravelRules, error) {
	r.note("SetTravelRules", in)
	return r.travel(), r.fail
}

func (r clinicRoom) TravelRules(_ context.Context, _ access.Actor, organizations []uuid.UUID) (map[uuid.UUID]clinic.TravelRules, error) {
	r.note("TravelRules", organizations)
	return only(organizations, r.organization.ID, r.travel()), nil
}

func (r appointmentRoom) Unequipped(_ context.Context, _ access.Actor, at *clinic.Ref, _ paging.Window) (paging.Page[appointment.Appointment], string, error) {
	r.note("Unequipped", at)
	return pageOf(r.visit), "cursor", r.fail
}

func (r appointmentRoom) CountUnequipped(context.Context, access.Actor, *clinic.Ref) (int, error) {
	r.note("CountUnequipped", nil)
	return 1, r.fail
}
