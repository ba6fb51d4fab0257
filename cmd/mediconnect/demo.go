package main

import (
	"context"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/mediconnect/mediconnect/internal/app"
)

const loadHelp = `Fills a database for load tests: real pharmacy sites of the United States, and invented providers, patients and appointments,
a third of them over and two thirds to come. The same seed, numbers and first day make the same data, ids and all. What is
there already stays: after an interruption the same command goes on where it stopped. Configured by environment variables
(name, default, meaning):

`

func demoCommand() *cli.Command {
	return &cli.Command{
		Name:        "demo",
		Usage:       "make data to try things on",
		Description: loadHelp + app.Describe[app.WorkSettings](),
		Commands:    []*cli.Command{demoLoad()},
	}
}

func demoLoad() *cli.Command {
	opts := app.DefaultLoad()
	return &cli.Command{
		Name:        "load",
		Usage:       "load a large invented crowd at real sites, for load tests",
		Description: loadHelp + app.Describe[app.WorkSettings](),
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "providers", Usage: "make `N` providers", Value: opts.Providers, Destination: &opts.Providers},
			&cli.IntFlag{Name: "appointments", Usage: "make `M` appointments", Value: opts.Appointments, Destination: &opts.Appointments},
			&cli.IntFlag{Name: "days", Usage: "appointments reach `D` days ahead", Value: opts.Days, Destination: &opts.Days},
			&cli.IntFlag{Name: "seed", Usage: "another `N` makes other data", Value: opts.Seed, Destination: &opts.Seed},
			&cli.StringFlag{Name: "today", Usage: "the first `DATE` to come (default: today, or that of what was begun before)", Destination: &opts.Today},
			&cli.StringFlag{Name: "organization", Usage: "the `ID` of the organisation to load into", Destination: &opts.Organization},
			&cli.StringFlag{Name: "organization-name", Usage: "the `NAME` of the organisation; it is created if there is none (default: \"" + app.LoadName + "\")", Destination: &opts.OrganizationName},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			_, err := app.LoadDemo(ctx, os.Environ(), opts, os.Stdout, os.Stderr)
			return err
		},
	}
}
