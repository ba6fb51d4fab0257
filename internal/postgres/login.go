package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNoRoles says that the roles which the program works as don't exist: the database was never migrated.
var ErrNoRoles = errors.New("the database isn't migrated: run `mediconnect migrate up` as its owner first")

// LoginError says that the program may not work as a role with the login that it was given.
type LoginError struct{ Login, Role, Grant string }

func (e *LoginError) Error() string {
	return fmt.Sprintf("the database's login %s may not work as %s: sign in as %s, which `mediconnect migrate up` makes, or as a member of it; what is missing is %s",
		e.Login, e.Role, serverRole, e.Grant)
}

// serverRole can become each of the others.
const serverRole = "mediconnect_server"

// admission bounds how long a start waits for a database that may be away.
const admission = 3 * time.Second

const signedInAs = `SELECT quote_ident(session_user), EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND pg_has_role(session_user, oid, 'MEMBER'))`

// Admit says whether the login may become the roles that the program works as. It fails with ErrNoRoles and a LoginError. About a
// database that can't be reached there is nothing to say: it may come back.
func (db *DB) Admit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, admission)
	defer cancel()
	config := db.probing.Config().ConnConfig.Copy()
	delete(config.RuntimeParams, "role")
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil
	}
	defer conn.Close(ctx)
	for _, role := range []string{appRole, publicRole, sweeperRole, relayRole, signInRole, chainerRole, archivistRole} {
		_, err := conn.Exec(ctx, "SET ROLE "+role)
		switch code(err) {
		case noSuchRole:
			return ErrNoRoles
		case notPermitted:
			return refusedLogin(ctx, conn, role)
		}
	}
	return nil
}

// refusedLogin finds the grant that is missing: one to the login, or one that somebody took from the role that it is a member of.
func refusedLogin(ctx context.Context, conn *pgx.Conn, role string) error {
	e := &LoginError{Role: role}
	var member bool
	if err := conn.QueryRow(ctx, signedInAs, serverRole).Scan(&e.Login, &member); err != nil {
		return fmt.Errorf("look at the database's login: %w", err)
	}
	e.Grant = "GRANT " + serverRole + " TO " + e.Login
	if member {
		e.Grant = "GRANT " + role + " TO " + serverRole
	}
	return e
}
