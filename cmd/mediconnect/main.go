// Command mediconnect is the front gate: one program, one file a subcommand.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v3"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second Ctrl-C doesn't wait
	if err := gate().Run(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "mediconnect:", err)
		os.Exit(1)
	}
}

func gate() *cli.Command {
	return &cli.Command{
		Name:            "mediconnect",
		Usage:           "GraphQL scheduling for healthcare",
		Commands:        []*cli.Command{devCommand(), serveCommand(), workCommand(), migrateCommand(), importCommand(), schemaCommand()},
		HideHelpCommand: true,
		ExitErrHandler:  func(context.Context, *cli.Command, error) {}, // main tells errors
		OnUsageError:    func(_ context.Context, _ *cli.Command, err error, _ bool) error { return err },
	}
}
