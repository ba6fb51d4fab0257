// Command mediconnect is the front gate: one program, one file a subcommand.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// patience passes before a second signal ends the program at once: some senders (timeout, a terminal's shell) send the
// first one twice.
const patience = 2 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, func() { time.AfterFunc(patience, stop) })
	if err := gate().Run(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "mediconnect:", err)
		os.Exit(1)
	}
}
