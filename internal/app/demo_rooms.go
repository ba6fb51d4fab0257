package app

import (
	"context"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/intake/demo"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// furnishDemo gives the demo's first site, by name, rooms and a practitioner whose visits ask for more than a time.
func (a *App) furnishDemo(ctx context.Context, who access.Actor, today civil.Date) error {
	sites, err := a.clinic.ListLocations(ctx, who, clinic.LocationFilter{Organization: demoOrganization}, paging.Window{Size: 1})
	if err != nil || len(sites.Items) == 0 {
		return err
	}
	ref := func(id [16]byte) clinic.Ref { return clinic.Ref{Organization: demoOrganization, ID: id} }
	at := ref(sites.Items[0].ID)
	for _, room := range demo.Rooms(at) {
		if _, err := a.clinic.PutResource(ctx, who, room); err != nil {
			return err
		}
	}
	check, err := a.clinic.PutVisitKind(ctx, who, demo.HealthCheck(at))
	if err != nil {
		return err
	}
	vaccination, err := a.clinic.PutVisitKind(ctx, who, demo.TravelVaccination(ref(check.ID)))
	if err != nil {
		return err
	}
	practitioner, err := a.provider.PutProvider(ctx, who, demo.Practitioner(ref(check.ID), ref(vaccination.ID)))
	if err != nil {
		return err
	}
	_, err = a.provider.SetSchedule(ctx, who, demo.Hours(ref(practitioner.ID), at, today))
	return err
}
