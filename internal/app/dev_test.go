package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
)

func TestAFullDiskIsToldInOneSentenceWhicheverStepMeetsIt(t *testing.T) {
	extend := &pgconn.PgError{Code: "53100", Message: "could not extend file", Detail: "two\nlines"}
	for name, failure := range map[string]error{
		"in the import":      fmt.Errorf("import the demo data: %w", errors.Join(errs.Bug("save hours", extend), nil)),
		"in a file":          &os.PathError{Op: "write", Path: "token.key", Err: syscall.ENOSPC},
		"told already":       fmt.Errorf("first: %w", devstack.DiskFull("/data", extend)),
		"while migrating":    fmt.Errorf("migration 00001_core.sql: %w", extend),
		"when asked again":   errs.TryAgain(extend),
		"beside other words": errors.Join(io.ErrShortWrite, extend),
	} {
		t.Run(name, func(t *testing.T) {
			d := &dev{opts: DevOptions{Dir: "/data"}}
			fine := func(context.Context) error { return nil }
			err := d.climb(t.Context(), fine, func(context.Context) error { return failure }, fine)
			var problem *devstack.Problem
			if !errors.As(err, &problem) || !strings.Contains(err.Error(), "the disk of /data is full") || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestOtherFailuresOfAStepStayAsTheyAre(t *testing.T) {
	d := &dev{}
	refused := &pgconn.PgError{Code: "23505"}
	if err := d.climb(t.Context(), func(context.Context) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
}

func TestDataOfAnotherBuildAreToldInOneSentence(t *testing.T) {
	d := &dev{place: &devstack.Place{Dir: "/data"}}
	err := d.migrationProblem(fmt.Errorf("%w: its step 00002_booking.sql differs", migrate.ErrOtherSteps))
	for _, words := range []string{"/data", "another build", "--fresh"} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("%v doesn't say %s", err, words)
		}
	}
}

func TestADatabaseErrorIsOneSentence(t *testing.T) {
	err := inOneSentence(errors.New("schema version: failed:\n\tone\n\ttwo"))
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("got %q", err)
	}
	if err := inOneSentence(fmt.Errorf("x: %w", context.DeadlineExceeded)); err.Error() != "the database doesn't answer" {
		t.Errorf("got %q", err)
	}
}
