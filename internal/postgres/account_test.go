package postgres_test

import (
	"bytes"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

func newAccount(organization uuid.UUID, role access.Role, email access.Private) identity.Account {
	return identity.Account{
		OrganizationID: organization, ID: sample.NewID(), Version: 1, Role: role, Email: email, Locale: "en", CreatedAt: sample.Dawn,
	}
}

func stamp() clinic.Stamp {
	return clinic.Stamp{Actor: access.Actor{Kind: access.System, RequestID: "test"}, At: sample.Dawn, AuditID: sample.NewID()}
}

func TestAnAddressHasOneAccountInEachOrganization(t *testing.T) {
	pool := pgtest.New(t)
	db := postgres.New(pool, keytest.Of(t, pool))
	t.Cleanup(db.Close)
	store := postgres.NewAccounts(db)
	here, there := sample.NewClinic(t, pool).Organization, sample.NewClinic(t, pool).Organization
	for _, c := range []struct {
		account identity.Account
		added   bool
	}{
		{newAccount(here, access.PatientRole, "Ann@example.org"), true},
		{newAccount(here, access.FrontDesk, "ann@EXAMPLE.org"), false},
		{newAccount(there, access.PatientRole, "ann@example.org"), true},
		{newAccount(uuid.Nil, access.PlatformAdmin, "ann@example.org"), true},
		{newAccount(uuid.Nil, access.PlatformAdmin, "ann@example.org"), false},
	} {
		added, err := store.Create(t.Context(), stamp(), c.account, "")
		if err != nil || added != c.added {
			t.Errorf("%s in %s: added %v, %v", c.account.Role, c.account.OrganizationID, added, err)
		}
	}
	var kept int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM audit_events WHERE action = 'account.create'`).Scan(&kept); err != nil || kept != 3 {
		t.Errorf("%d are told of, %v", kept, err)
	}
	if _, err := store.Create(t.Context(), stamp(), newAccount(here, access.PlatformAdmin, "other@example.org"), ""); err == nil {
		t.Error("an organisation has an administrator of the platform")
	}
}

func TestAnAddressIsKeptSealed(t *testing.T) {
	pool := pgtest.New(t)
	db := postgres.New(pool, keytest.Of(t, pool))
	t.Cleanup(db.Close)
	organization := sample.NewClinic(t, pool).Organization
	if _, err := postgres.NewAccounts(db).Create(t.Context(), stamp(), newAccount(organization, access.PatientRole, "ann@example.org"), "hash"); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"accounts", "audit_events"} {
		for _, row := range rowsOf(t, pool, table) {
			if bytes.Contains(bytes.ToLower(row), []byte("ann@")) || bytes.Contains(row, []byte("\\x616e6e40")) {
				t.Errorf("%s holds the address: %s", table, row)
			}
		}
	}
}

// rowsOf are a table's rows as text.
func rowsOf(t *testing.T, pool *pgxpool.Pool, table string) (rows [][]byte) {
	t.Helper()
	err := pool.QueryRow(t.Context(), "SELECT array_agg(convert_to(t::text, 'UTF8')) FROM "+table+" t").Scan(&rows)
	if err != nil || len(rows) == 0 {
		t.Fatalf("%s has no rows: %v", table, err)
	}
	return rows
}

func TestWhatProvesWhoSomebodyIsShowsToWhoeverSignsInAlone(t *testing.T) {
	pool := pgtest.New(t)
	for role, want := range map[string]bool{"mediconnect_app": false, "mediconnect_public": false, "mediconnect_sweeper": false, "mediconnect_signin": true} {
		for _, column := range []string{"password_hash", "totp_last_step"} {
			var may bool
			err := pool.QueryRow(t.Context(), `SELECT has_column_privilege($1, 'accounts', $2, 'SELECT')`, role, column).Scan(&may)
			if err != nil || may != want {
				t.Errorf("%s reads %s: %v, %v", role, column, may, err)
			}
		}
	}
}
