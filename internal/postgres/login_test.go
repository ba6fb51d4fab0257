package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestTheProgramsLoginAndAMemberOfItAreAdmitted(t *testing.T) {
	url := pgtest.NewURL(t)
	if err := openAt(t, url).Admit(t.Context()); err != nil {
		t.Error(err)
	}
	login(t, url, "member_of_it", "mediconnect_server")
	if err := openAt(t, strings.Replace(url, "mediconnect_server", "member_of_it", 1)).Admit(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestALoginThatMayNotBecomeTheRolesIsToldWhichGrantIsMissing(t *testing.T) {
	url := pgtest.NewURL(t)
	err := openAt(t, pgtest.OwnerURL(t, url)).Admit(t.Context())
	if e, ok := errors.AsType[*postgres.LoginError](err); !ok || e.Login != "mediconnect" || e.Grant != "GRANT mediconnect_server TO mediconnect" {
		t.Errorf("the owner was told %v", err)
	}
	login(t, url, "half_of_it", "mediconnect_app, mediconnect_public")
	err = openAt(t, strings.Replace(url, "mediconnect_server", "half_of_it", 1)).Admit(t.Context())
	if e, ok := errors.AsType[*postgres.LoginError](err); !ok || e.Role != "mediconnect_sweeper" || e.Grant != "GRANT mediconnect_server TO half_of_it" {
		t.Errorf("a member of some was told %v", err)
	}
}

// A start doesn't end because of a database that may come back.
func TestADatabaseThatIsAwayIsNoReasonToRefuseALogin(t *testing.T) {
	if err := openAt(t, "postgres://mediconnect_server@127.0.0.1:1/none?sslmode=disable").Admit(t.Context()); err != nil {
		t.Error(err)
	}
}

// The roles of another database of the cluster may be there already, without any right in this one.
func TestProbeTellsASchemaFromBeforeTheRolesAsOld(t *testing.T) {
	url := pgtest.NewURL(t)
	runner, err := migrate.Open(pgtest.OwnerURL(t, url))
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	for version := migrate.Latest(); version >= 4; version-- {
		if _, _, err := runner.Down(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if state, err := openAt(t, url).Probe(t.Context()); err != nil || state.Schema >= migrate.Latest() {
		t.Errorf("it was told as %d (%v)", state.Schema, err)
	}
}

// login makes a member of roles for as long as the test runs.
func login(t *testing.T, url, name, of string) {
	t.Helper()
	pool := pgtest.Pool(t, pgtest.AdminURL(t, url))
	run := func(statement string) {
		if _, err := pool.Exec(context.WithoutCancel(t.Context()), statement); err != nil {
			t.Error(err)
		}
	}
	run("CREATE ROLE " + name + " LOGIN IN ROLE " + of)
	t.Cleanup(func() { run("DROP ROLE " + name) })
}
