package main

import (
	"context"
	"fmt"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/mediconnect/mediconnect/internal/app"
)

func importFHIR() *cli.Command {
	var opts app.ImportFHIROptions
	return &cli.Command{
		Name:      "fhir",
		Usage:     "import a directory in FHIR R4",
		ArgsUsage: "DIR|FILE",
		Description: "Reads FHIR R4 bundles (.json) and resources in lines (.ndjson): Location, Practitioner, PractitionerRole, HealthcareService and\n" +
			"Schedule become locations, providers, kinds of visit and weekly hours. Of a folder, all such files are read.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "organization", Usage: "the `ID` of the organisation to import into", Destination: &opts.Organization},
			&cli.StringFlag{Name: "organization-name", Usage: "the `NAME` of the organisation; it is created if there is none", Destination: &opts.OrganizationName},
			&cli.StringFlag{Name: "base", Usage: "the server's `URL`, under which ids are kept of what has no other identifier", Destination: &opts.Base},
			&cli.StringFlag{Name: "from", Usage: "the first `DATE` of the hours, 2027-03-01 (default: today)", Destination: &opts.EffectiveFrom},
			&cli.IntFlag{Name: "visit-minutes", Usage: "a visit takes `N` minutes (default: as the organisation's kinds of visit say, else 30)", HideDefault: true, Destination: &opts.VisitMinutes},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Args().Len() != 1 {
				return fmt.Errorf("name one folder or file; see mediconnect import fhir --help")
			}
			opts.From = cmd.Args().First()
			return app.ImportFHIR(ctx, os.Environ(), opts, os.Stdout, os.Stderr)
		},
	}
}
