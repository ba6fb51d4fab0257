package main

import (
	"context"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/mediconnect/mediconnect/internal/app"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:        "serve",
		Usage:       "serve the API",
		Description: "Configured by environment variables (name, default, meaning):\n\n" + app.Describe[app.ServeSettings](),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return app.Serve(ctx, os.Environ(), os.Stderr)
		},
	}
}
