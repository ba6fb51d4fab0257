// Package migrate is the cellar's staircase: it brings a database's schema to the version this program was built for,
// one step back, or tells where it stands.
package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/mediconnect/mediconnect/migrations"
)

const (
	// lockTimeout bounds how long a step waits for a table: behind it, all other requests for that table would queue.
	lockTimeout    = "5000"
	connectTimeout = 5 * time.Second
	// patience bounds a look at where a database stands.
	patience = 10 * time.Second
	// turnLimit is how many seconds a run waits for another one to finish.
	turnLimit = 120
)

// ErrNewerSchema says that the database was migrated by a newer program than this one.
var ErrNewerSchema = errors.New("the database's schema is newer than this program")

// ErrOtherSteps says that the database was made by a program with other texts of the same steps.
var ErrOtherSteps = errors.New("the database was made by another build of this program")

// Runner migrates one database, one run at a time across all processes (an advisory lock).
type Runner struct {
	goose *goose.Provider
	db    *sql.DB
}

// Step is a migration: its file, when it was applied (zero: it is pending) and how long it just took.
type Step struct {
	Version   int64
	File      string
	AppliedAt time.Time
	Took      time.Duration
	Rollback  string // "safe", or "blocked(reason)" when the release before can't run on it
}

// Open prepares to migrate the database behind url; it doesn't connect yet.
func Open(url string) (*Runner, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	config.ConnectTimeout = connectTimeout
	config.RuntimeParams["application_name"] = "mediconnect migrate"
	config.RuntimeParams["lock_timeout"] = lockTimeout
	config.RuntimeParams["statement_timeout"] = "0" // an index takes as long as it takes
	turn, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, turnLimit))
	if err != nil {
		return nil, fmt.Errorf("migration lock: %w", err)
	}
	db := stdlib.OpenDB(*config)
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.FS,
		goose.WithSessionLocker(turn), goose.WithSlog(slog.New(slog.DiscardHandler)), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return &Runner{goose: provider, db: db}, nil
}

// Close ends the runner's connections.
func (r *Runner) Close() error { return r.goose.Close() }

// Up applies what is pending and returns it. It fails with ErrNewerSchema on a database of a newer program, and with
// ErrOtherSteps on one of another build.
func (r *Runner) Up(ctx context.Context) ([]Step, error) {
	if _, err := r.Version(ctx); err != nil {
		return nil, err
	}
	if err := r.sign(ctx); err != nil {
		return nil, err
	}
	results, err := r.goose.Up(ctx)
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		return steps(partial.Applied), fmt.Errorf("migration %s: %w", partial.Failed.Source.Path, partial.Err)
	}
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	return steps(results), nil
}

// Down takes the newest applied migration back. There is nothing to do when ok is false.
func (r *Runner) Down(ctx context.Context) (step Step, ok bool, err error) {
	version, err := r.Version(ctx)
	if err != nil || version == 0 {
		return Step{}, false, err
	}
	result, err := r.goose.Down(ctx)
	if err != nil {
		return Step{}, false, fmt.Errorf("migrate down from %d: %w", version, err)
	}
	return steps([]*goose.MigrationResult{result})[0], true, nil
}

// Status lists all migrations this program knows, oldest first.
func (r *Runner) Status(ctx context.Context) ([]Step, error) {
	if _, err := r.Version(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := inTurn(ctx)
	defer cancel()
	states, err := r.goose.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("migration status: %w", err)
	}
	list := make([]Step, len(states))
	for i, state := range states {
		list[i] = step(state.Source)
		list[i].AppliedAt = state.AppliedAt
	}
	return list, nil
}

// Version is the database's schema version, 0 for an empty one; ErrNewerSchema when this program knows less, ErrOtherSteps
// when it knows it otherwise.
func (r *Runner) Version(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	version, err := scanVersion(r.db.QueryRowContext(ctx, currentVersion))
	if err != nil {
		return 0, err
	}
	if version > Latest() {
		return version, fmt.Errorf("%w: it has version %d, this program knows %d", ErrNewerSchema, version, Latest())
	}
	return version, r.compare(ctx, version)
}

// inTurn bounds a look that waits for other runs to finish.
func inTurn(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, turnLimit*time.Second+patience)
}

func steps(results []*goose.MigrationResult) []Step {
	list := make([]Step, len(results))
	for i, result := range results {
		list[i] = step(result.Source)
		list[i].Took = result.Duration
	}
	return list
}

func step(source *goose.Source) Step {
	return Step{Version: source.Version, File: source.Path, Rollback: migrations.Rollback(source.Path)}
}
