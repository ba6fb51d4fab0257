package migrate_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// No step is edited once it was released, but before that a database may have been made by what it said then.
func TestADatabaseOfOtherStepsIsRefused(t *testing.T) {
	for name, change := range map[string]string{
		"the first step said something else":       `regexp_replace(%, '^1:[^ ]+', '1:0000000000000000')`,
		"the last step said something else":        `regexp_replace(%, '[^ :]+$', '0000000000000000')`,
		"it was made before steps were signed":     `NULL`,
		"fewer steps were signed than are applied": `split_part(%, ' ', 1)`,
	} {
		t.Run(name, func(t *testing.T) {
			url := pgtest.OwnerURL(t, pgtest.NewURL(t))
			resign(t, url, change)
			runner := open(t, url)
			_, up := runner.Up(t.Context())
			_, status := runner.Status(t.Context())
			_, _, down := runner.Down(t.Context())
			for what, err := range map[string]error{"up": up, "status": status, "down": down} {
				if !errors.Is(err, migrate.ErrOtherSteps) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s said %v", what, err)
				}
			}
		})
	}
}

func TestAStepThatIsNotAppliedYetMayDiffer(t *testing.T) {
	url := pgtest.OwnerURL(t, pgtest.NewURL(t))
	if _, ok, err := open(t, url).Down(t.Context()); err != nil || !ok {
		t.Fatal(err)
	}
	resign(t, url, `regexp_replace(%, '[^ :]+$', '0000000000000000')`)
	if applied, err := open(t, url).Up(t.Context()); err != nil || len(applied) != 1 {
		t.Errorf("applied %v (%v)", applied, err)
	}
	if _, err := open(t, url).Status(t.Context()); err != nil {
		t.Error(err)
	}
}

// resign writes another signature, an expression of the present one.
func resign(t *testing.T, url, expression string) {
	t.Helper()
	pgtest.Execute(t, url, `DO $$ BEGIN EXECUTE format('COMMENT ON TABLE goose_db_version IS %L', `+
		strings.ReplaceAll(expression, "%", "obj_description('goose_db_version'::regclass)")+`); END $$`)
}

func TestAServerThatSaysNothingIsGivenUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
		}
	}()
	runner := open(t, "postgres://nobody@"+l.Addr().String()+"/none?sslmode=disable")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := runner.Up(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("up said %v", err)
	}
}
