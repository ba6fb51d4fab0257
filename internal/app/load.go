package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/intake"
	"github.com/mediconnect/mediconnect/internal/intake/demo"
	"github.com/mediconnect/mediconnect/internal/intake/load"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// LoadOptions are the arguments of `mediconnect demo load`.
type LoadOptions struct {
	Organization     string // id, as the API gives it, or UUID
	OrganizationName string // of the one to find or create; empty: LoadName
	Seed             int
	Providers        int
	Appointments     int
	Days             int    // how many ahead appointments reach
	Today            string // date, empty: today, or the first day of what was begun before
}

// LoadName is what a load's organisation is called unless an option says otherwise.
const LoadName = "US pharmacies (load)"

// DefaultLoad are the options that `mediconnect demo load` has without any.
func DefaultLoad() LoadOptions {
	return LoadOptions{Seed: 1, Providers: 1705, Appointments: 100_000, Days: 60}
}

// LoadDemo is `mediconnect demo load`, on the database that environ names: the report on out, progress and logs on logs.
func LoadDemo(ctx context.Context, environ []string, opts LoadOptions, out, logs io.Writer) (load.Report, error) {
	settings, settingsErr := Load[WorkSettings](environ)
	order, optionsErr := opts.order()
	if err := errors.Join(settingsErr, optionsErr); err != nil {
		return load.Report{}, err
	}
	var err error
	if order.Sites, err = demo.Sites(); err != nil {
		return load.Report{}, err
	}
	a, err := enter(ctx, Frame{Database: settings.Database.config(), Keys: settings.Keys.Folder, Clock: clock.System{}, Log: settings.Log.Logger(logs)})
	if err != nil {
		return load.Report{}, err
	}
	defer a.Close()
	if order.Organization == uuid.Nil {
		if order.Organization, err = a.loadOrganization(ctx, cmp.Or(strings.TrimSpace(opts.OrganizationName), LoadName)); err != nil {
			return load.Report{}, err
		}
	}
	fmt.Fprintf(out, "Organization  %s\n", globalid.OfOrganization(order.Organization))
	return a.loadOrder(ctx, order, out, logs)
}

func (a *App) loadOrder(ctx context.Context, order load.Order, out, logs io.Writer) (load.Report, error) {
	show, began := showProgress(logs), a.frame.Clock.Now()
	order.Now, order.Actor = began, importer
	order.Actor.Client = "mediconnect demo load"
	order.Progress = func(done, total int) { show(intake.Progress{Step: "appointments", Done: done, Total: total}) }
	report, err := load.Load(ctx, a.db.Directory(), postgres.NewLoadStore(a.db), order)
	report.Took = a.frame.Clock.Now().Sub(began)
	if isTerminal(logs) {
		fmt.Fprintln(logs)
	}
	if report.Locations == 0 {
		return report, err // nothing was set up
	}
	fmt.Fprint(out, report)
	if err != nil {
		return report, fmt.Errorf("%w; the same command goes on from here", err)
	}
	_, err = fmt.Fprint(out, whatNext)
	return report, err
}

const whatNext = `
Try it with a platform administrator's token (mediconnect dev prints one):
  { locations(organizationId: "…", first: 5) { totalCount edges { node { id name timeZone } } } }
  { providers(first: 5) { edges { node { id name languages visitKinds { id name } } } } }
  then slots of a provider, as in the README's first booking. The same command again changes nothing.
`

// loadOrganization finds the organisation of a name, or creates it under an id that follows from the name.
func (a *App) loadOrganization(ctx context.Context, name string) (uuid.UUID, error) {
	found, err := a.db.Directory().OrganizationsNamed(ctx, name)
	if err == nil && len(found) == 0 {
		id := uuid.NewSHA1(demoOrganization, []byte(name))
		return id, a.ensureOrganization(ctx, id, name)
	}
	if err != nil {
		return uuid.Nil, err
	}
	return a.organizationNamed(ctx, name)
}

func (o LoadOptions) order() (load.Order, error) {
	order := load.Order{Seed: o.Seed, Providers: o.Providers, Appointments: o.Appointments, Days: o.Days}
	var faults []error
	within := func(flag string, value, least, most int) {
		if value < least || value > most {
			faults = append(faults, fmt.Errorf("--%s must be from %d to %d", flag, least, most))
		}
	}
	if o.Organization != "" && o.OrganizationName != "" {
		faults = append(faults, errors.New("give either --organization or --organization-name"))
	}
	if o.Organization != "" {
		id, err := organizationID(o.Organization)
		if order.Organization = id; err != nil {
			faults = append(faults, err)
		}
	}
	within("providers", o.Providers, 1, load.MaxProviders)
	within("appointments", o.Appointments, 0, load.MaxAppointments)
	within("days", o.Days, 1, load.MaxDays)
	if most := o.Providers * (o.Days + load.Behind) * load.Densest; len(faults) == 0 && o.Appointments > most {
		faults = append(faults, fmt.Errorf("--appointments must be at most %d for so many providers and days", most))
	}
	if o.Today != "" {
		date, err := civil.ParseDate(o.Today)
		if order.Today = date; err != nil || date.Year < 2000 || date.Year > 2100 {
			faults = append(faults, errors.New("--today must be a date such as 2027-03-01"))
		}
	}
	return order, errors.Join(faults...)
}
