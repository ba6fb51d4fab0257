package main

import (
	"context"
	"os"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/mediconnect/mediconnect/internal/app"
)

const flagsHelp = `Flags switch what is being rolled out; see docs/flags.md. Configured by environment variables (name, default, meaning):

`

func flagsCommand() *cli.Command {
	return &cli.Command{
		Name:        "flags",
		Usage:       "look at the switches of what is being rolled out, and sign testers' overrides",
		Description: flagsHelp + app.Describe[app.SwitchSettings](),
		Commands:    []*cli.Command{flagsList(), flagsCheck(), flagsOverride()},
	}
}

func flagsList() *cli.Command {
	return &cli.Command{
		Name: "list", Usage: "show every switch, and what Unleash says of it now",
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return app.ListFlags(ctx, os.Environ(), os.Stdout)
		},
	}
}

func flagsCheck() *cli.Command {
	return &cli.Command{
		Name: "check", Usage: "fail if a switch has expired; for releases",
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return app.CheckFlags(os.Stdout)
		},
	}
}

func flagsOverride() *cli.Command {
	var opts app.OverrideOptions
	return &cli.Command{
		Name: "override", ArgsUsage: "KEY=VALUE...", Usage: "sign a tester's override of flags",
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "for", Value: 2 * time.Hour, Usage: "it holds for `TIME`, at most 24h", Destination: &opts.For},
			&cli.StringFlag{Name: "organization", Usage: "only for callers of this one, by its `ID`", Destination: &opts.Organization},
		},
		Action: func(_ context.Context, cmd *cli.Command) error {
			opts.Flags = cmd.Args().Slice()
			return app.OverrideFlags(os.Environ(), opts, os.Stdout, os.Stderr)
		},
	}
}
