package migrate_test

import (
	"net/url"
	"testing"

	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// An owner's name may begin as the program's roles do: going down takes nothing from it.
func TestTheOwnerMayBeCalledLikeTheProgramsRoles(t *testing.T) {
	address, err := url.Parse(pgtest.NewEmptyURL(t))
	if err != nil {
		t.Fatal(err)
	}
	admin := pgtest.AdminURL(t, address.String())
	pgtest.Execute(t, admin, `CREATE ROLE mediconnect_owner LOGIN CREATEROLE`)
	name := address.Path[1:]
	pgtest.Execute(t, admin, `ALTER DATABASE `+name+` OWNER TO mediconnect_owner`)
	address.User = url.User("mediconnect_owner")
	runner := open(t, address.String())
	if _, err := runner.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	for down := true; down; {
		if _, down, err = runner.Down(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := runner.Up(t.Context()); err != nil {
		t.Error(err)
	}
}
