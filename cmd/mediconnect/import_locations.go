package main

import (
	"context"
	"fmt"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/mediconnect/mediconnect/internal/app"
)

func importLocations() *cli.Command {
	var opts app.ImportLocationsOptions
	return &cli.Command{
		Name:      "locations",
		Usage:     "import a list of sites",
		ArgsUsage: "FILE.csv",
		Description: "Reads a CSV file with a header: each site becomes a location with a provider of its own on weekly hours. It needs the columns\n" +
			"site_id, brand, and latitude and longitude or timezone; line1, city, region, postal_code, country and phone are read, too.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "organization", Usage: "the `ID` of the organisation to import into", Destination: &opts.Organization},
			&cli.StringFlag{Name: "organization-name", Usage: "the `NAME` of the organisation; it is created if there is none", Destination: &opts.OrganizationName},
			&cli.StringFlag{Name: "hours", Usage: "weekly `HOURS` such as \"Mon-Fri 09:00-17:00,Sat 10:00-14:00\" (default: a pharmacy's)", Destination: &opts.Hours},
			&cli.IntFlag{Name: "capacity", Usage: "`N` visits at the same time (default: 1)", HideDefault: true, Destination: &opts.Capacity},
			&cli.StringFlag{Name: "from", Usage: "the first `DATE` of the hours, 2027-03-01 (default: today)", Destination: &opts.EffectiveFrom},
			&cli.IntFlag{Name: "visit-minutes", Usage: "a visit takes `N` minutes (default: as the organisation's kind of visit says, else 15)", HideDefault: true, Destination: &opts.VisitMinutes},
			&cli.StringFlag{Name: "specialty", Usage: "every site's specialty, as `SYSTEM|CODE|DISPLAY`", Destination: &opts.Specialty},
			&cli.StringFlag{Name: "system", Usage: "the `URL` under which site_id identifies a site", Destination: &opts.System},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Args().Len() != 1 {
				return fmt.Errorf("name one CSV file; see mediconnect import locations --help")
			}
			opts.From = cmd.Args().First()
			return app.ImportLocations(ctx, os.Environ(), opts, os.Stdout, os.Stderr)
		},
	}
}
