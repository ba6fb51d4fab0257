package main

import (
	"context"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/mediconnect/mediconnect/internal/app"
)

const zonesHelp = `A release may bring other time zone data than the visits were booked under. This lists the upcoming visits that it puts
at another time: a visit on site keeps its wall clock, a remote one its instant. A visit whose new time is taken is a clash and
stays as it was until somebody moves it. Configured by environment variables (name, default, meaning):

`

func zonesCommand() *cli.Command {
	var apply bool
	return &cli.Command{
		Name:        "zones",
		Usage:       "list visits that a change of time zone rules affects",
		Description: zonesHelp + app.Describe[app.WorkSettings](),
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "apply", Usage: "bring them up to date", Destination: &apply}},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return app.Zones(ctx, os.Environ(), apply, os.Stdout, os.Stderr)
		},
	}
}
