package app

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/intake"
)

// ImportFHIROptions are the arguments of `mediconnect import fhir`.
type ImportFHIROptions struct {
	From             string // a folder or a file
	Organization     string // id, as the API gives it, or UUID
	OrganizationName string // of the one to find or create
	Base             string // address of the server; empty: intake.DefaultBase
	VisitMinutes     int    // 0: as the organisation's kinds of visit say, else 30
	EffectiveFrom    string // date, empty: today
}

// ImportFHIR is `mediconnect import fhir`, on the database that environ names: the report on out, progress and logs on logs.
func ImportFHIR(ctx context.Context, environ []string, opts ImportFHIROptions, out, logs io.Writer) error {
	settings, settingsErr := Load[WorkSettings](environ)
	order, optionsErr := opts.order()
	if err := errors.Join(settingsErr, optionsErr); err != nil {
		return err
	}
	resources, closed, err := intake.LocateResources(opts.From)
	if err != nil {
		return err
	}
	defer closed()
	order.Resources = resources
	a, err := enter(ctx, Frame{Database: settings.Database.config(), Keys: settings.Keys.Folder, Clock: clock.System{}, Log: settings.Log.Logger(logs)})
	if err != nil {
		return err
	}
	defer a.Close()
	order.Owner = func(ctx context.Context) (uuid.UUID, error) {
		return a.owner(ctx, strings.TrimSpace(opts.OrganizationName), out)
	}
	order.Clock, order.Progress = a.frame.Clock, showProgress(logs)
	report, err := intake.ImportFHIR(ctx, a.directory(), importer, order)
	return tellReport(report, report.Locations.All > 0, err, out, logs)
}

func (o ImportFHIROptions) order() (intake.FHIROrder, error) {
	order := intake.FHIROrder{Base: o.Base}
	var faults argumentFaults
	order.Organization = faults.needed(o.Organization, o.OrganizationName)
	order.Visit = faults.visit(o.VisitMinutes)
	order.From = faults.date("--from", o.EffectiveFrom)
	if strings.HasPrefix(o.Base, "http") && !strings.HasSuffix(o.Base, "/") {
		order.Base += "/"
	}
	var check form.Check
	if check.System(cmp.Or(order.Base, intake.DefaultBase) + "PractitionerRole"); check.Err() != nil {
		faults.add(errors.New("--base must be an absolute http or https URL"))
	}
	return order, errors.Join(faults...)
}
