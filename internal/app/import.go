package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/intake"
)

// ImportOptions are the arguments of `mediconnect import smart-scheduling`.
type ImportOptions struct {
	From             string // a folder or a web address
	Organization     string // id, as the API gives it, or UUID
	OrganizationName string // of the one to find or create; empty: the publisher's
	VisitMinutes     int    // 0: as the organisation's kind of visit says, else 15
	ShiftTo          string // date, empty: as published
	WeeklyHours      bool   // derive weekly hours for the time after the publication
}

// Import is `mediconnect import smart-scheduling`, on the database that environ names: the report on out, progress and
// logs on logs.
func Import(ctx context.Context, environ []string, opts ImportOptions, out, logs io.Writer) error {
	settings, settingsErr := Load[WorkSettings](environ)
	order, optionsErr := opts.order()
	if err := errors.Join(settingsErr, optionsErr); err != nil {
		return err
	}
	from, closed, err := intake.Locate(opts.From)
	if err != nil {
		return err
	}
	defer closed()
	order.From = from
	a, err := enter(ctx, Frame{Database: settings.Database.config(), Keys: settings.Keys.Folder, Clock: clock.System{}, Log: settings.Log.Logger(logs)})
	if err != nil {
		return err
	}
	defer a.Close()
	order.Owner = func(ctx context.Context, publisher string) (uuid.UUID, error) {
		return a.owner(ctx, cmp.Or(strings.TrimSpace(opts.OrganizationName), publisher), out)
	}
	return a.importOrder(ctx, order, out, logs)
}

func (o ImportOptions) order() (intake.Order, error) {
	order := intake.Order{WeeklyHours: o.WeeklyHours}
	var faults argumentFaults
	order.Organization = faults.organization(o.Organization, o.OrganizationName)
	order.Visit = faults.visit(o.VisitMinutes)
	order.ShiftTo = faults.date("--shift-to", o.ShiftTo)
	return order, errors.Join(faults...)
}

// argumentFaults are told all at once.
type argumentFaults []error

func (f *argumentFaults) add(err error) { *f = append(*f, err) }

// organization reads an id unless a name is given instead.
func (f *argumentFaults) organization(id, name string) uuid.UUID {
	if id != "" && name != "" {
		f.add(errors.New("give either --organization or --organization-name"))
	}
	if id == "" {
		return uuid.Nil
	}
	known, err := organizationID(id)
	if err != nil {
		f.add(err)
	}
	return known
}

// needed is organization for an import that can't name one itself.
func (f *argumentFaults) needed(id, name string) uuid.UUID {
	if id == "" && strings.TrimSpace(name) == "" {
		f.add(errors.New("name the organisation by --organization or --organization-name"))
	}
	return f.organization(id, name)
}

const longestVisit = 24 * 60 // minutes

func (f *argumentFaults) visit(minutes int) time.Duration {
	if minutes < 0 || minutes > longestVisit {
		f.add(fmt.Errorf("--visit-minutes must be from 1 to %d", longestVisit))
	}
	return time.Duration(minutes) * time.Minute
}

func (f *argumentFaults) date(flag, text string) civil.Date {
	if text == "" {
		return civil.Date{}
	}
	date, err := civil.ParseDate(text)
	if err != nil {
		f.add(fmt.Errorf("%s must be a date such as 2027-03-01", flag))
	}
	return date
}

func organizationID(text string) (uuid.UUID, error) {
	if id, err := uuid.Parse(text); err == nil {
		return id, nil
	}
	id, err := globalid.ParseAs(globalid.Organization, text)
	if err != nil {
		return uuid.Nil, errors.New("--organization must be an organisation's id, as the API gives it, or its UUID")
	}
	return id.Ref.Organization, nil
}

// owner is the organisation of a name, and tells its id.
func (a *App) owner(ctx context.Context, name string, out io.Writer) (uuid.UUID, error) {
	id, err := a.organizationNamed(ctx, name)
	if err == nil {
		fmt.Fprintf(out, "Organization  %s (%s)\n", globalid.OfOrganization(id), name)
	}
	return id, err
}

// organizationNamed finds the organisation of a name, or creates it.
func (a *App) organizationNamed(ctx context.Context, name string) (uuid.UUID, error) {
	found, err := a.db.Directory().OrganizationsNamed(ctx, name)
	switch {
	case err != nil:
		return uuid.Nil, err
	case len(found) == 1:
		return found[0].ID, nil
	case len(found) > 1:
		return uuid.Nil, fmt.Errorf("several organisations are called %q; say which by --organization", name)
	}
	made, err := a.clinic.CreateOrganization(ctx, importer, clinic.CreateOrganization{
		Name: name, Key: uuid.NewSHA1(uuid.Nil, []byte(name)).String(),
	})
	return made.ID, err
}

// importOrder shows progress while it runs, and the report at its end, also when something stopped it.
func (a *App) importOrder(ctx context.Context, order intake.Order, out, progress io.Writer) error {
	order.Progress = showProgress(progress)
	report, err := intake.Import(ctx, a.directory(), importer, order)
	return tellReport(report, report.Locations > 0, err, out, progress)
}

// tellReport prints a report, also of an import that failed once it had set something up.
func tellReport(report fmt.Stringer, begun bool, err error, out, progress io.Writer) error {
	if isTerminal(progress) {
		fmt.Fprintln(progress)
	}
	if err != nil && !begun {
		return err
	}
	_, printErr := fmt.Fprint(out, report)
	return errors.Join(err, printErr)
}

// showProgress writes over one line on a terminal, and a line for each step elsewhere.
func showProgress(out io.Writer) func(intake.Progress) {
	last := ""
	overwrite := isTerminal(out)
	return func(p intake.Progress) {
		switch {
		case overwrite && p.Total > 0:
			fmt.Fprintf(out, "\r\033[K%s %d of %d", p.Step, p.Done, p.Total)
		case overwrite:
			fmt.Fprintf(out, "\r\033[K%s %d", p.Step, p.Done)
		case p.Step != last:
			fmt.Fprintln(out, p.Step)
		}
		last = p.Step
	}
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && filepath.Base(file.Name()) != "null"
}

// ensureOrganization creates the organisation under the id when it is missing.
func (a *App) ensureOrganization(ctx context.Context, id uuid.UUID, name string) error {
	found, err := a.clinic.Organizations(ctx, []uuid.UUID{id})
	if _, exists := found[id]; exists || err != nil {
		return err
	}
	source := clinic.Source{Clock: a.frame.Clock, NewID: firstThenFresh(id)}
	_, err = clinic.NewService(a.db.Directory(), source).CreateOrganization(ctx, importer, clinic.CreateOrganization{
		Name: name, Key: "organization-" + id.String(),
	})
	return err
}

// importer is who sets up what is imported: the operator of the installation.
var importer = access.Actor{
	Kind: access.System, ID: uuid.MustParse("01980000-0000-7000-8000-0000000000ff"), Client: "mediconnect import",
	Role: access.PlatformAdmin, Scopes: access.ScopesOf(access.PlatformAdmin),
}

// firstThenFresh gives first once and fresh ids from then on.
func firstThenFresh(first uuid.UUID) func() uuid.UUID {
	given := false
	return func() uuid.UUID {
		if given {
			return uuid.Must(uuid.NewV7())
		}
		given = true
		return first
	}
}
