package main

import (
	"context"
	"errors"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/mediconnect/mediconnect/internal/app"
)

const deadLettersHelp = `Messages to patients that were given up, for good or for a while: lists them, shows one, and sends them again. It shows ids, times, causes and
traces, and nothing of whom they are about. Configured by environment variables (name, default, meaning):

`

func deadLettersCommand() *cli.Command {
	return &cli.Command{
		Name: "dead-letters", Usage: "look at messages that were given up, and send them again", Description: deadLettersHelp + app.Describe[app.WorkSettings](),
		Commands: []*cli.Command{deadLettersList(), deadLettersShow(), deadLettersReplay()},
	}
}

// which are the flags that say which letters.
func which(w *app.DeadLetterWish, limit int) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "organization", Usage: "only of this one, by its `ID`", Destination: &w.Organization},
		&cli.StringFlag{Name: "channel", Usage: "only of `CHANNEL`, such as SMS", Destination: &w.Channel},
		&cli.StringFlag{Name: "kind", Usage: "only of `KIND`, such as REMINDER", Destination: &w.Kind},
		&cli.StringFlag{Name: "cause", Usage: "only for `CAUSE`, such as VENDOR_UNAVAILABLE", Destination: &w.Cause},
		&cli.StringFlag{Name: "since", Usage: "given up at or after `TIME`: an instant (RFC 3339), or how long ago, such as 24h", Destination: &w.Since},
		&cli.StringFlag{Name: "until", Usage: "given up before `TIME`", Destination: &w.Until},
		&cli.IntFlag{Name: "limit", Value: limit, Usage: "`NUMBER` of letters at most; 0: all", Destination: &w.Limit},
		&cli.BoolFlag{Name: "json", Usage: "write JSON, a line each", Destination: &w.JSON},
	}
}

func deadLettersList() *cli.Command {
	var w app.DeadLetterWish
	return &cli.Command{
		Name: "list", Usage: "list those that wait, the longest dead first",
		Flags: append(which(&w, 100),
			&cli.BoolFlag{Name: "replayed", Usage: "those that were replayed instead", Destination: &w.Replayed},
			&cli.BoolFlag{Name: "all", Usage: "both", Destination: &w.All}),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return app.ListDeadLetters(ctx, os.Environ(), w, os.Stdout, os.Stderr)
		},
	}
}

func deadLettersShow() *cli.Command {
	var w app.DeadLetterWish
	return &cli.Command{
		Name: "show", Usage: "show one, how its message stands, and each attempt at it", ArgsUsage: "LETTER",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "write JSON", Destination: &w.JSON}},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Args().Len() != 1 {
				return errors.New("name one dead letter by its id, as `mediconnect dead-letters list` shows it")
			}
			return app.ShowDeadLetter(ctx, os.Environ(), w, cmd.Args().First(), os.Stdout, os.Stderr)
		},
	}
}

func deadLettersReplay() *cli.Command {
	var w app.DeadLetterWish
	return &cli.Command{
		Name: "replay", Usage: "send those that wait again, if they still make sense. Run again, it goes on where it was stopped",
		Flags: append(which(&w, 0),
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would come of it, and do nothing", Destination: &w.DryRun},
			&cli.IntFlag{Name: "rate", Value: app.UsualReplayRate, Usage: "`NUMBER` of letters a second, at most 1000", Destination: &w.Rate}),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return app.ReplayDeadLetters(ctx, os.Environ(), w, os.Stdout, os.Stderr)
		},
	}
}
