package main

import (
	"context"
	"fmt"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/mediconnect/mediconnect/internal/app"
)

const importHelp = `What cannot be read is refused with its line, the rest goes on, and a report at the end says so. The same import again changes
nothing. Configured by environment variables (name, default, meaning):

`

func importCommand() *cli.Command {
	return &cli.Command{
		Name:        "import",
		Usage:       "bring in what others published",
		Description: importHelp + app.Describe[app.WorkSettings](),
		Commands:    []*cli.Command{importSmartScheduling(), importLocations(), importFHIR()},
	}
}

func importSmartScheduling() *cli.Command {
	var opts app.ImportOptions
	return &cli.Command{
		Name:      "smart-scheduling",
		Usage:     "import a SMART Scheduling Links publication",
		ArgsUsage: "DIR|URL",
		Description: "Reads a SMART Scheduling Links publication from a folder or a web address: a site becomes a location with a provider,\n" +
			"a slot of capacity n becomes open hours for n visits.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "organization", Usage: "the `ID` of the organisation to import into", Destination: &opts.Organization},
			&cli.StringFlag{Name: "organization-name", Usage: "the `NAME` of the organisation; it is created if there is none (default: the publisher's host)", Destination: &opts.OrganizationName},
			&cli.IntFlag{Name: "visit-minutes", Usage: "a visit takes `N` minutes (default: as the organisation's kind of visit says, else 15)", HideDefault: true, Destination: &opts.VisitMinutes},
			&cli.StringFlag{Name: "shift-to", Usage: "move the publication so that it begins on this `DATE` (2027-03-01)", Destination: &opts.ShiftTo},
			&cli.BoolFlag{Name: "weekly-hours", Usage: "derive weekly hours for the time after the publication", Destination: &opts.WeeklyHours},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Args().Len() != 1 {
				return fmt.Errorf("name one folder or web address; see mediconnect import smart-scheduling --help")
			}
			opts.From = cmd.Args().First()
			return app.Import(ctx, os.Environ(), opts, os.Stdout, os.Stderr)
		},
	}
}
