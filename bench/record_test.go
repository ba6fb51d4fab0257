package bench_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/keyring"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// recorder stands before book(jsonb) for whoever has it first in the search path: it keeps the argument and books nothing. So
// pgbench calls the real statement with what the real program would have sent.
const recorder = `
CREATE SCHEMA recorder;
CREATE TABLE recorder.calls (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, p jsonb NOT NULL);
CREATE SEQUENCE recorder.turn;
CREATE FUNCTION recorder.book(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO recorder.calls (p) VALUES (book.p);
	RETURN '{"outcome": "DONE"}';
END $$;
GRANT USAGE ON SCHEMA recorder TO mediconnect_app;
GRANT SELECT, INSERT ON recorder.calls TO mediconnect_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA recorder TO mediconnect_app`

// record has the program's own services decide n bookings, and keeps the statements' arguments.
func (w side) record(t testing.TB, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	if _, err := w.pool.Exec(ctx, recorder); err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.New(ctx, w.url+"&pool_max_conns=8&search_path=recorder,public&synchronous_commit=off")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	keys, err := keyring.Open(w.Keys)
	if err != nil {
		t.Fatal(err)
	}
	db := postgres.New(pool, keys)
	defer db.Close()
	openings := availability.NewService(postgres.NewAvailabilityStore(db), clock.System{})
	source := clinic.Source{Clock: clock.System{}, NewID: func() uuid.UUID { return uuid.Must(uuid.NewV7()) }}
	service := appointment.NewService(postgres.NewAppointmentStore(db), openings, db.Directory(), unreached, source)
	next := make(chan int)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range next {
				slot, patient := w.slot(i)
				if _, err := service.Book(ctx, patient.Actor, appointment.BookVisit{
					Target: appointment.Target{Slot: &slot}, Key: uuid.NewString(),
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
	if _, err := w.pool.Exec(ctx, `ANALYZE recorder.calls`); err != nil {
		t.Fatal(err)
	}
}

// script books with the next recorded call: one statement a booking, sent together with the tenant's name, as the program does it.
const script = `\startpipeline
SELECT set_config('mediconnect.organization', '%s', true);
SELECT public.book(p) FROM recorder.calls WHERE n = (SELECT nextval('recorder.turn'));
\endpipeline
`

// asTheProgram has a client of PostgreSQL's work under the role that the program works under for a tenant, with a setting or none.
func asTheProgram(setting string) []string {
	options := "PGOPTIONS=-c role=mediconnect_app"
	if setting != "" {
		options += " -c " + setting
	}
	return append(os.Environ(), options)
}

var rate = regexp.MustCompile(`(?m)^tps = ([0-9.]+) \(without initial connection time\)`)
var done = regexp.MustCompile(`(?m)^number of transactions actually processed: (\d+)/`)

// pgbench makes the recorded calls on so many connections, with a setting or none. Every transaction must have booked.
func (w *town) pgbench(url string, pool *pgxpool.Pool, connections int, setting string) measure {
	return func(t testing.TB, bookings int) float64 {
		t.Helper()
		path, err := w.Pgbench()
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "book.sql")
		location, _ := w.Ref(w.Location)
		if err := os.WriteFile(file, fmt.Appendf(nil, script, location.Organization), 0o600); err != nil {
			t.Fatal(err)
		}
		before := w.booked(t, pool)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, path, "--no-vacuum", "--protocol=prepared", "--client="+strconv.Itoa(connections), "--jobs=2",
			"--transactions="+strconv.Itoa(bookings/connections), "--file="+file, url)
		cmd.Env = asTheProgram(setting)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("pgbench: %v: %s", err, out)
		}
		tps, n := rate.FindSubmatch(out), done.FindSubmatch(out)
		if tps == nil || n == nil {
			t.Fatalf("pgbench said %s", out)
		}
		processed, _ := strconv.Atoi(string(n[1]))
		if booked := w.booked(t, pool) - before; booked != processed {
			t.Fatalf("pgbench ran %d transactions, and %d visits were booked", processed, booked)
		}
		r, _ := strconv.ParseFloat(string(tps[1]), 64)
		return r
	}
}
