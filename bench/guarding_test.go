package bench_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/graph"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/audit"
	"github.com/mediconnect/mediconnect/internal/keyring"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/seal"
	"github.com/mediconnect/mediconnect/workers"
)

// whole is the API over a database of its own, in this process, for the patients of a town.
type whole struct {
	*town
	url     string
	pool    *pgxpool.Pool // the superuser's
	clients []rig.Patient
	sealer  *audit.Sealer // nil: nothing is chained
	next    int
}

// freely knows one key for everything, without a look at any store, and records nothing. What AES itself takes, about a
// microsecond a text, can't be left out of a sealed column.
type freely struct{ *keyring.Ring }

func (freely) key() seal.Key { return seal.Key{Generation: 1} }

func (f freely) Current(_ context.Context, about []seal.Subject) (map[seal.Subject]seal.Key, error) {
	keys := make(map[seal.Subject]seal.Key, len(about))
	for _, s := range about {
		keys[s] = f.key()
	}
	return keys, nil
}

func (f freely) Keys(_ context.Context, ids []seal.KeyID) (map[seal.KeyID]seal.Key, error) {
	keys := make(map[seal.KeyID]seal.Key, len(ids))
	for _, id := range ids {
		keys[id] = f.key()
	}
	return keys, nil
}

func (freely) LookUpKey(context.Context, uuid.UUID) ([]byte, error) { return make([]byte, 32), nil }

func (freely) Keep(context.Context, access.Actor, map[string][]string) error { return nil }

const recordNothing = `
CREATE OR REPLACE FUNCTION audit(org uuid, at timestamptz, a jsonb, entity_kind text, entity uuid) RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$`

// wholes are the API with everything that guards patients' data, and without, over databases that begin alike.
func (w *town) wholes(t testing.TB, connections int) (on, off *whole) {
	t.Helper()
	if err := w.server.Kill(); err != nil {
		t.Fatal(err)
	}
	w.pool.Close()
	ring, err := keyring.Open(w.Keys)
	if err != nil {
		t.Fatal(err)
	}
	off = &whole{town: w, url: w.clone(t, w.url)}
	off.serve(t, connections, freely{ring}, freely{ring}, nil)
	if _, err := off.pool.Exec(t.Context(), recordNothing); err != nil {
		t.Fatal(err)
	}
	on = &whole{town: w, url: w.clone(t, w.url)}
	on.serve(t, connections, ring, nil, ring)
	return on, off
}

// serve has clients for every patient. Without records of their own, requests are recorded as the program records them.
func (w *whole) serve(t testing.TB, connections int, keys seal.Keys, records graph.Records, chains *keyring.Ring) {
	t.Helper()
	w.pool = w.look(t, w.url)
	config := postgres.Defaults(w.url)
	config.MaxConns, config.Keys = int32(2*connections), keys
	db, err := postgres.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	server := httptest.NewUnstartedServer(nil)
	public := &url.URL{Scheme: "http", Host: server.Listener.Addr().String()}
	server.Config.Handler, w.sealer = w.api(db, public, records, chains, filepath.Join(t.TempDir(), "anchors"))
	server.Start()
	t.Cleanup(server.Close)
	shared := rig.NewHTTP(connections)
	for _, p := range w.patients {
		p.Client = rig.Client{Server: &rig.Server{URL: server.URL}, Token: p.Token, HTTP: shared}
		w.clients = append(w.clients, p)
	}
}

// book books the next openings over so many connections, while what was recorded is chained; what is left of that when the last
// is booked is waited for, since it is work that they made.
func (w *whole) book(connections int) measure {
	return func(t testing.TB, bookings int) float64 {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		before := w.booked(t, w.pool)
		began := time.Now()
		stop := w.chain(ctx)
		turns := make(chan int)
		var all sync.WaitGroup
		for range connections {
			all.Go(func() {
				for n := range turns {
					slot, patient := (side{w.town, w.providers, w.clients}).slot(n)
					answer, err := patient.BookBecause(ctx, slotID(slot), "An earache since Tuesday, worse at night", uuid.NewString())
					if err != nil || answer.Visit == nil {
						t.Errorf("%v: %+v: %v", slot.Start, answer, err)
					}
				}
			})
		}
		for range bookings {
			turns <- w.next
			w.next++
		}
		close(turns)
		all.Wait()
		stop()
		took := time.Since(began)
		if n := w.booked(t, w.pool) - before; n != bookings {
			t.Fatalf("%d requests booked %d visits", bookings, n)
		}
		return float64(bookings) / took.Seconds()
	}
}

// chain chains until it is told to stop.
func (w *whole) chain(ctx context.Context) (stop func()) {
	if w.sealer == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var job sync.WaitGroup
	job.Go(func() {
		workers.Seal(ctx, w.sealer, workers.Sealing{AnchorEvery: time.Minute, Keep: 10 * 365 * 24 * time.Hour}, slog.New(slog.DiscardHandler))
	})
	return func() { cancel(); job.Wait() }
}

// guarding measures bookings with everything that guards patients' data against bookings without.
func guarding(t testing.TB, p plan, connections, providers, patients int) (r ratio, with, without float64) {
	t.Helper()
	on, off := newTown(t, providers, patients, connections).wholes(t, connections)
	as, bs := p.versus(t, on.book(connections), off.book(connections))
	for _, c := range []struct {
		of   *whole
		want bool
	}{{on, true}, {off, false}} {
		if n := c.of.kept(t); n > 0 != c.want {
			t.Errorf("%d bookings were recorded", n)
		}
	}
	if n := on.links(t); n == 0 {
		t.Error("nothing was chained")
	}
	return ratioOf(as, bs), median(as), median(bs)
}

const (
	recorded = `SELECT count(*) FROM audit_events WHERE entity_kind = 'Appointment'`
	chained  = `SELECT count(*) FROM audit_chain`
)

func (w *whole) kept(t testing.TB) int  { return w.number(t, recorded) }
func (w *whole) links(t testing.TB) int { return w.number(t, chained) }

func (w *whole) number(t testing.TB, query string) (n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.pool.QueryRow(ctx, query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestBookingsWithEverythingGuardedAreMeasured(t *testing.T) {
	if r, _, _ := guarding(t, plan{pairs: 1, window: 40, warm: 1}, 4, 10, 20); r.median <= 0 {
		t.Errorf("got %v", r)
	}
}

const leastKept = 0.85 // of the bookings a second

// Bookings a second with the audit trail, its chain and a key per patient against the same program without, each with a reason.
func BenchmarkBookingWithAuditAndEncryptionAgainstWithout16Connections(b *testing.B) {
	const connections = 16
	p := plan{pairs: 16, window: 1600, warm: 2}
	r, with, without := guarding(b, p, connections, 100, 1000)
	report(b, r, fmt.Sprintf("bookings/s with %d connections, medians of %d windows of %d bookings in turn: %.0f with audit trail, chain and keys, %.0f without; ratio %v",
		connections, p.pairs, p.window, with, without, r))
	if r.high < leastKept {
		b.Errorf("%v of the bookings are left", r)
	}
}
