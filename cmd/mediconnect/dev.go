package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/mediconnect/mediconnect/internal/app"
)

const devHelp = `Runs the API and the background work over a PostgreSQL and a Redis of its own in a data folder, everything on loopback.
What is missing is installed with apt-get where there is one. The first start imports the demo data. When it is ready
the addresses and tokens are printed, and written for scripts to dev.json in the data folder, which goes at the stop.`

func devCommand() *cli.Command {
	var opts app.DevOptions
	return &cli.Command{
		Name:        "dev",
		Usage:       "run everything on this machine, to try MediConnect or to work on it",
		Description: devHelp,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "port", Usage: "port of the API (default: 8080 if it is free, else any)", Destination: &opts.Port, HideDefault: true},
			&cli.StringFlag{Name: "data", Value: ".mediconnect", Usage: "keep the data in `DIR`", Destination: &opts.Dir},
			&cli.BoolFlag{Name: "no-demo", Usage: "don't import the demo data"},
			&cli.BoolFlag{Name: "fresh", Usage: "delete all data of the folder first", Destination: &opts.Fresh},
			&cli.TimestampFlag{
				Name: "clock", Usage: "start the product's clock at `INSTANT`, e.g. 2027-03-01T09:00:00Z; it runs on from there",
				Destination: &opts.Clock, Config: cli.TimestampConfig{Layouts: []string{time.RFC3339}},
			},
			&cli.BoolFlag{Name: "clock-frozen", Usage: "let the product's clock stand still", Destination: &opts.Frozen},
			&cli.StringFlag{Name: "telemetry", Usage: "serve /metrics and /debug/pprof at `HOST:PORT`", Destination: &opts.Telemetry},
			&cli.IntFlag{Name: "rate-limit", Value: 6000, Usage: "allow each caller `N` root fields a minute; 0: no limit", Destination: &opts.RateLimit},
		},
		Commands: []*cli.Command{{
			Name: "install", Usage: "install PostgreSQL's and Redis's programs if they are missing, and nothing else",
			Flags: []cli.Flag{&cli.BoolFlag{Name: "tests", Usage: "also Node.js and npm, which only the tests need"}},
			Action: func(ctx context.Context, cmd *cli.Command) error {
				return app.DevInstall(ctx, os.Stderr, cmd.Bool("tests"))
			},
		}},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			if opts.Port < 0 || opts.Port > 65535 || opts.RateLimit < 0 {
				return fmt.Errorf("--port must be 1 to 65535 and --rate-limit at least 0")
			}
			opts.Demo = !cmd.Bool("no-demo")
			opts.Out, opts.Logs, opts.Environ = os.Stdout, os.Stderr, os.Environ()
			return app.Dev(ctx, opts)
		},
	}
}
