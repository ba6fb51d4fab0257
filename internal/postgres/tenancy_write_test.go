package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"cloud.google.com/go/civil"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// otherRows is what the other tenant has, table by table.
func (w *twins) otherRows() string {
	w.t.Helper()
	var sums []string
	for _, t := range w.tables() {
		var sum string
		query := fmt.Sprintf(`SELECT coalesce(md5(string_agg(x::text, '' ORDER BY x::text)), '') FROM %s x WHERE organization_id = $1`, t.Relname)
		if err := w.pool.QueryRow(w.t.Context(), query, w.other).Scan(&sum); err != nil {
			w.t.Fatal(err)
		}
		sums = append(sums, t.Relname+" "+sum)
	}
	return strings.Join(sums, "\n")
}

// changes makes one of each change, in a round of its own so that none repeats another.
func (w *twins) changes(db *postgres.DB, round int) error {
	ctx, source := w.t.Context(), clinic.Source{Clock: w.clock, NewID: sample.NewID}
	openings := availability.NewService(postgres.NewAvailabilityStore(db), w.clock)
	visits := appointment.NewService(postgres.NewAppointmentStore(db), openings, db.Directory(), appointment.DefaultLimits(), source)
	rooms := clinic.NewService(db.Directory(), source)
	staff := provider.NewService(db.Directory(), rooms, source)
	people := patient.NewService(db.Directory(), source)
	admin := clinictest.Actor(access.Admin, w.Organization)
	at := func(hour int) availability.SlotID {
		slot := w.Slot(w.provider, hour, 0)
		slot.Start = slot.Start.AddDate(0, 0, round+1)
		return slot
	}
	day := civil.DateOf(at(9).Start)
	location := clinic.Ref{Organization: w.Organization, ID: w.Location}
	var held appointment.Hold
	var visit appointment.Booking
	for i, step := range []func() error{
		func() error { _, err := people.Register(ctx, admin, registration(round)); return err },
		func() error {
			again := registration(round)
			again.FamilyName = "Renamed"
			_, err := people.Register(ctx, admin, again)
			return err
		},
		func() error { _, err := rooms.PutLocation(ctx, admin, clinictest.Location(round)); return err },
		func() error { _, err := rooms.PutVisitKind(ctx, admin, clinictest.VisitKind(round)); return err },
		func() error {
			_, err := staff.SetDateHours(ctx, admin, provider.SetDateHours{Provider: w.provider, Location: location, Date: day, Hours: []provider.Opening{
				{From: provider.At(9, 0), To: provider.At(17, 0), Capacity: 3},
			}})
			return err
		},
		func() error {
			_, err := staff.AddException(ctx, admin, provider.AddException{
				Provider: &w.provider, Location: &location, Effect: provider.Open, MaxAppointments: new(9), Key: key(),
				From: civil.DateTime{Date: day, Time: civil.Time{Hour: 9}}, To: civil.DateTime{Date: day, Time: civil.Time{Hour: 15}},
			})
			if err != nil {
				return err
			}
			_, err = staff.AddException(ctx, admin, provider.AddException{
				Provider: &w.provider, Location: &location, Effect: provider.Closed, Key: key(),
				From: civil.DateTime{Date: day, Time: civil.Time{Hour: 16}}, To: civil.DateTime{Date: day, Time: civil.Time{Hour: 17}},
			})
			return err
		},
		func() (err error) {
			held, err = visits.Hold(ctx, w.caller, appointment.PlaceHold{Slot: at(10), Patient: &w.patient, Key: key()})
			return err
		},
		func() error {
			_, err := visits.Extend(ctx, w.caller, clinic.Ref{Organization: w.Organization, ID: held.ID})
			return err
		},
		func() (err error) {
			ref := clinic.Ref{Organization: w.Organization, ID: held.ID}
			visit, err = visits.Book(ctx, w.caller, appointment.BookVisit{
				Target: appointment.Target{Hold: &ref}, Patient: &w.patient, Key: key(), Reason: new(access.Private("Cough")),
			})
			return err
		},
		func() (err error) {
			held, err = visits.Hold(ctx, w.caller, appointment.PlaceHold{Slot: at(11), Patient: &w.patient, Key: key()})
			return err
		},
		func() error {
			_, err := visits.Release(ctx, w.caller, clinic.Ref{Organization: w.Organization, ID: held.ID})
			return err
		},
		func() (err error) {
			slot := at(12)
			visit, err = visits.Move(ctx, w.caller, appointment.MoveVisit{Appointment: visit.Appointment.Ref(), Target: appointment.Target{Slot: &slot}, Key: key()})
			return err
		},
		func() (err error) {
			visit.Appointment, err = visits.Change(ctx, w.caller, appointment.ChangeState{Appointment: visit.Appointment.Ref(), Action: appointment.Confirm})
			return err
		},
		func() error {
			_, err := visits.Cancel(ctx, w.caller, appointment.CancelVisit{Appointment: visit.Appointment.Ref(), Reason: appointment.Other})
			return err
		},
	} {
		if err := step(); err != nil {
			return fmt.Errorf("step %d on %s: %w", i+1, day, err)
		}
	}
	return nil
}

func TestAChangeThatForgetsTheTenantTouchesNothingOfAnother(t *testing.T) {
	w := newTwins(t)
	before, round := w.otherRows(), 1
	db := w.proxy.without(sent{})
	if err := w.changes(db, round); err != nil {
		t.Fatal(err)
	}
	db.Close()
	forgetting := map[sent]func() (restore string){}
	for _, statement := range w.proxy.filtered() {
		if statement.ofTenant() {
			forgetting[statement] = func() string { return "" }
		}
	}
	for name, definition := range w.functions() {
		forgetting[sent{statement: "function " + name}] = func() string {
			w.alter(forgetful(definition))
			return definition
		}
	}
	if len(forgetting) < 30 {
		t.Fatalf("%d statements and functions name their tenant", len(forgetting))
	}
	for what, forget := range forgetting {
		round++
		err := w.forgets(what, forget, round)
		if err != nil {
			t.Errorf("forgetting the tenant in %s ends changes with %v", what.statement, err)
		}
		if after := w.otherRows(); after != before {
			t.Fatalf("forgetting the tenant in %s changes another's rows:\n%s", what.statement, difference(before, after))
		}
	}
	w.unguard()
	for what, forget := range forgetting {
		round++
		if err := w.forgets(what, forget, round); err != nil || w.otherRows() != before {
			return // without row-level security it is noticed
		}
	}
	t.Error("without row-level security nothing is noticed")
}

// forgets makes a round of changes while something forgets its tenant.
func (w *twins) forgets(what sent, forget func() (restore string), round int) error {
	definition := forget()
	db := w.proxy.without(what)
	defer db.Close()
	err := w.changes(db, round)
	if definition != "" {
		w.alter(definition)
	}
	return err
}

// unguard takes row-level security away.
func (w *twins) unguard() {
	for _, table := range w.tables() {
		if _, err := w.pool.Exec(w.t.Context(), "ALTER TABLE "+table.Relname+" DISABLE ROW LEVEL SECURITY"); err != nil {
			w.t.Fatal(err)
		}
	}
}

// functions are the definitions of those that name their tenant.
func (w *twins) functions() map[string]string {
	rows, _ := w.pool.Query(w.t.Context(), `SELECT proname, pg_get_functiondef(oid) FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e')`)
	type function struct{ Name, Definition string }
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[function])
	if err != nil {
		w.t.Fatal(err)
	}
	found := map[string]string{}
	for _, f := range list {
		if tenantFilter.MatchString(f.Definition) {
			found[f.Name] = f.Definition
		}
	}
	return found
}

func (w *twins) alter(definition string) {
	w.t.Helper()
	if _, err := w.pool.Exec(w.t.Context(), definition); err != nil {
		w.t.Fatalf("%v\n%s", err, definition)
	}
}

func difference(before, after string) string {
	var lines []string
	was := strings.Split(before, "\n")
	for i, line := range strings.Split(after, "\n") {
		if line != was[i] {
			lines = append(lines, was[i]+" is now "+line)
		}
	}
	return strings.Join(lines, "\n")
}

const visitsThere = `SELECT DISTINCT organization_id FROM appointments`

// One connection serves two tenants in turn, and nobody in between.
func TestAConnectionThatServedOneTenantKnowsNothingOfItForTheNext(t *testing.T) {
	w := newTwins(t)
	config := w.pool.Config()
	config.MaxConns = 2 // one of them for tenants
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	db := postgres.New(pool, keytest.Of(t, pool))
	defer db.Close()
	store := postgres.NewAppointmentStore(db)
	for range 3 {
		for _, tenant := range []clinic.Ref{{Organization: w.Organization}, {Organization: w.other}, {Organization: sample.NewID()}} {
			page, err := store.List(t.Context(), appointment.Filter{Organization: tenant.Organization}, appointment.StartAscending, everything)
			if err != nil {
				t.Fatal(err)
			}
			for _, visit := range page.Items {
				if visit.OrganizationID != tenant.Organization {
					t.Errorf("a visit of %s was shown to %s", visit.OrganizationID, tenant.Organization)
				}
			}
		}
	}
}

// What a session may see by itself, as each role, without a tenant's name and with one that an ended transaction had.
func TestWithoutATenantNoRowShowsAndNoneIsWritten(t *testing.T) {
	w := newTwins(t)
	conn, err := pgx.ConnectConfig(t.Context(), w.pool.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	run := func(sql string) (int64, error) {
		tag, err := conn.Exec(t.Context(), sql)
		return tag.RowsAffected(), err
	}
	set := func(sql string) {
		if _, err := run(sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, setting := range []string{"", "SELECT set_config('mediconnect.organization', '" + w.other.String() + "', true)"} {
		for _, table := range w.tables() {
			set("SET ROLE mediconnect_app")
			if setting != "" {
				set(setting) // a transaction of its own, and so over
			}
			if n, err := run("SELECT FROM " + table.Relname); n != 0 || err != nil && code(err) != "42501" { // some tables are other roles' alone
				t.Errorf("%s shows %d rows to nobody's program, %v", table.Relname, n, err)
			}
			n, err := run("DELETE FROM " + table.Relname)
			if refused := code(err) == "42501"; n != 0 || err != nil && !refused {
				t.Errorf("%s lost %d rows to nobody's program, %v", table.Relname, n, err)
			}
		}
	}
	for _, role := range []string{"mediconnect_server", "mediconnect"} {
		set("SET ROLE " + role)
		if n, err := run(visitsThere); n != 0 || err != nil && code(err) != "42501" {
			t.Errorf("%s sees %d tenants by itself, %v", role, n, err)
		}
	}
	_, err = run("SET ROLE mediconnect_app; SET mediconnect.organization = '" + w.other.String() + "'; UPDATE patients SET organization_id = '" + w.Organization.String() + "'")
	if code(err) != "42501" {
		t.Errorf("a row was moved to another tenant: %v", err)
	}
}

func code(err error) string {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refused.Code
	}
	return ""
}
