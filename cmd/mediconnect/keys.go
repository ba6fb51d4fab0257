package main

import (
	"context"
	"os"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/mediconnect/mediconnect/internal/app"
)

const keysHelp = `Patients' data are sealed with keys that are kept in a folder outside the database; see docs/keys.md. Configured by environment
variables (name, default, meaning); rotate --data asks for those of work, too:

`

func keysCommand() *cli.Command {
	return &cli.Command{
		Name:        "keys",
		Usage:       "keep the keys that patients' data are sealed with",
		Description: keysHelp + app.Describe[app.KeySettings](),
		Commands:    []*cli.Command{keysCreate(), keysRotate(), keysStatus()},
	}
}

func keysCreate() *cli.Command {
	var remember time.Duration
	return &cli.Command{
		Name: "create", Usage: "make the folder of keys, with a first root key",
		Flags: []cli.Flag{&cli.DurationFlag{
			Name: "remember", Value: app.RememberKeys, Destination: &remember,
			Usage: "processes remember a key for `TIME`, at most 1m: so long does one that was destroyed still work",
		}},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return app.CreateKeys(os.Environ(), remember, os.Stdout)
		},
	}
}

func keysRotate() *cli.Command {
	var data bool
	return &cli.Command{
		Name: "rotate", Usage: "replace the root key, and with --data every patient's key, while everything runs",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "data", Usage: "seal all data anew with new keys, too", Destination: &data}},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return app.RotateKeys(ctx, os.Environ(), data, os.Stdout)
		},
	}
}

func keysStatus() *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "count the keys, and tell what wraps them",
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return app.KeysStatus(ctx, os.Environ(), os.Stdout)
		},
	}
}
