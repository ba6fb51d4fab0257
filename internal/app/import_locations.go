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

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/intake"
)

// ImportLocationsOptions are the arguments of `mediconnect import locations`.
type ImportLocationsOptions struct {
	From             string // a CSV file
	Organization     string // id, as the API gives it, or UUID
	OrganizationName string // of the one to find or create
	System           string // of the sites' identifiers; empty: intake.SiteSystem
	Hours            string // weekly; empty: intake.DefaultHours
	Capacity         int    // 0: 1
	VisitMinutes     int    // 0: as the organisation's kind of visit says, else 15
	EffectiveFrom    string // date, empty: today
	Specialty        string // SYSTEM|CODE or SYSTEM|CODE|DISPLAY, empty: none
}

// ImportLocations is `mediconnect import locations`, on the database that environ names: the report on out, progress and logs
// on logs.
func ImportLocations(ctx context.Context, environ []string, opts ImportLocationsOptions, out, logs io.Writer) error {
	settings, settingsErr := Load[WorkSettings](environ)
	order, optionsErr := opts.order()
	if err := errors.Join(settingsErr, optionsErr); err != nil {
		return err
	}
	file, err := os.Open(opts.From)
	if err != nil {
		return fmt.Errorf("no list there: %w", err)
	}
	defer file.Close()
	order.Name, order.List = filepath.Base(opts.From), file
	a, err := enter(ctx, Frame{Database: settings.Database.config(), Keys: settings.Keys.Folder, Clock: clock.System{}, Log: settings.Log.Logger(logs)})
	if err != nil {
		return err
	}
	defer a.Close()
	order.Owner = func(ctx context.Context) (uuid.UUID, error) {
		return a.owner(ctx, strings.TrimSpace(opts.OrganizationName), out)
	}
	order.Clock, order.Progress = a.frame.Clock, showProgress(logs)
	report, err := intake.ImportLocations(ctx, a.directory(), importer, order)
	return tellReport(report, report.Locations.All > 0, err, out, logs)
}

func (o ImportLocationsOptions) order() (intake.LocationsOrder, error) {
	order := intake.LocationsOrder{System: o.System}
	var faults argumentFaults
	order.Organization = faults.needed(o.Organization, o.OrganizationName)
	order.Visit = faults.visit(o.VisitMinutes)
	order.From = faults.date("--from", o.EffectiveFrom)
	order.Specialty = faults.coding("--specialty", o.Specialty)
	hours, err := intake.ParseHours(cmp.Or(o.Hours, intake.DefaultHours), cmp.Or(o.Capacity, 1))
	if order.Hours = hours; err != nil {
		faults.add(fmt.Errorf("--hours and --capacity: %w", err))
	}
	var check form.Check
	if check.System(cmp.Or(o.System, intake.SiteSystem)); check.Err() != nil {
		faults.add(errors.New("--system must be an absolute http, https or urn URL"))
	}
	return order, errors.Join(faults...)
}

// coding is nil for no text.
func (f *argumentFaults) coding(flag, text string) *clinic.Coding {
	if text == "" {
		return nil
	}
	parts := strings.SplitN(text, "|", 3)
	parts = append(parts, "", "")
	c := clinic.Coding{System: parts[0], Code: parts[1]}
	if parts[2] != "" {
		c.Display = &parts[2]
	}
	var check form.Check
	c = c.Checked(&check)
	if check.Err() != nil {
		f.add(fmt.Errorf("%s must be SYSTEM|CODE or SYSTEM|CODE|DISPLAY, where SYSTEM is an absolute URL", flag))
	}
	return &c
}
