package main

import (
	"context"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/mediconnect/mediconnect/internal/app"
)

func workCommand() *cli.Command {
	return &cli.Command{
		Name:        "work",
		Usage:       "do the background work; any number of these may run",
		Description: "Configured by environment variables (name, default, meaning):\n\n" + app.Describe[app.WorkerSettings](),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return app.Work(ctx, os.Environ(), os.Stderr)
		},
	}
}
