package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
)

// MigrateUp is `mediconnect migrate up`: it applies what is pending and tells each step on out.
func MigrateUp(ctx context.Context, environ []string, out io.Writer) error {
	return withRunner(environ, func(runner *migrate.Runner) error {
		applied, err := runner.Up(ctx)
		for _, step := range applied {
			fmt.Fprintf(out, "applied %s in %s\n", step.File, step.Took.Round(time.Millisecond))
		}
		if err == nil {
			fmt.Fprintf(out, "the schema is at version %d\n", migrate.Latest())
		}
		return err
	})
}

// MigrateDown is `mediconnect migrate down`: it takes the newest step back.
func MigrateDown(ctx context.Context, environ []string, out io.Writer) error {
	return withRunner(environ, func(runner *migrate.Runner) error {
		step, ok, err := runner.Down(ctx)
		switch {
		case err != nil:
			return err
		case ok:
			fmt.Fprintf(out, "took %s back in %s\n", step.File, step.Took.Round(time.Millisecond))
		default:
			fmt.Fprintln(out, "there is nothing to take back")
		}
		return nil
	})
}

// MigrateStatus is `mediconnect migrate status`: a line for each step.
func MigrateStatus(ctx context.Context, environ []string, out io.Writer) error {
	return withRunner(environ, func(runner *migrate.Runner) error {
		steps, err := runner.Status(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(table, "STEP\tAPPLIED\tROLLBACK OF THE PROGRAM")
		for _, step := range steps {
			applied := "pending"
			if !step.AppliedAt.IsZero() {
				applied = step.AppliedAt.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\n", step.File, applied, step.Rollback)
		}
		return table.Flush()
	})
}

func withRunner(environ []string, use func(*migrate.Runner) error) error {
	settings, err := Load[MigrateSettings](environ)
	if err != nil {
		return err
	}
	runner, err := migrate.Open(settings.URL.Reveal())
	if err != nil {
		return err
	}
	defer runner.Close()
	return ownersOnly(inOneSentence(use(runner)))
}

// ownersOnly tells whoever has signed in with another login who may migrate.
func ownersOnly(err error) error {
	const notPermitted = "42501"
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok && refusal.Code == notPermitted {
		return &toldShort{"the database's login may not do this (" + refusal.Message + "): sign in as the tables' owner, who may create roles (CREATEROLE)", err}
	}
	return err
}

// inOneSentence is a database's error for the command line: a driver says each attempt on a line of its own, and what it says
// may be told again by whoever met it.
func inOneSentence(err error) error {
	var connecting *pgconn.ConnectError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return &toldShort{"the database doesn't answer", err}
	case errors.As(err, &connecting):
		lines := strings.Split(strings.TrimSpace(connecting.Error()), "\n")
		return &toldShort{"the database can't be reached: " + strings.TrimSpace(lines[len(lines)-1]), err}
	}
	return &toldShort{strings.Join(strings.Fields(err.Error()), " "), err}
}

// toldShort is an error in other words.
type toldShort struct {
	words string
	cause error
}

func (e *toldShort) Error() string { return e.words }

func (e *toldShort) Unwrap() error { return e.cause }
