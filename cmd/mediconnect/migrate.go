package main

import (
	"context"
	"io"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/mediconnect/mediconnect/internal/app"
)

func migrateCommand() *cli.Command {
	return &cli.Command{
		Name:        "migrate",
		Usage:       "bring the database's schema to this program's version",
		Description: "Configured by environment variables (name, default, meaning):\n\n" + app.Describe[app.MigrateSettings](),
		Commands: []*cli.Command{
			migration("up", "apply all pending steps", app.MigrateUp),
			migration("down", "take the newest step back", app.MigrateDown),
			migration("status", "list the steps and which are applied", app.MigrateStatus),
		},
	}
}

func migration(name, usage string, run func(context.Context, []string, io.Writer) error) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usage,
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return run(ctx, os.Environ(), os.Stdout)
		},
	}
}
