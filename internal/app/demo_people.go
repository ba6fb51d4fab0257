package app

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/intake/demo"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// ensureDemoPatient registers the patient whom the patient's token names, unless it exists: it may have been changed.
func (a *App) ensureDemoPatient(ctx context.Context) error {
	ref := clinic.Ref{Organization: demoOrganization, ID: demoPatient}
	found, err := a.patient.Patients(ctx, registrar(), []clinic.Ref{ref})
	if _, exists := found[ref]; exists || err != nil {
		return err
	}
	source := clinic.Source{Clock: a.frame.Clock, NewID: firstThenFresh(demoPatient)}
	_, err = patient.NewService(a.db.Directory(), source).Register(ctx, registrar(), demo.People(demoOrganization)[0])
	return err
}

// registerDemoPeople registers the demo's other patients.
func (a *App) registerDemoPeople(ctx context.Context) error {
	for _, p := range demo.People(demoOrganization)[1:] {
		if _, err := a.patient.Register(ctx, registrar(), p); err != nil {
			return err
		}
	}
	return nil
}

// registrar sets up the demo clinic's patients: whoever runs the platform has nothing to do with those.
func registrar() access.Actor {
	who := importer
	who.Role, who.Organization, who.Scopes = access.Integrator, demoOrganization, access.ScopesOf(access.Integrator)
	return who
}
