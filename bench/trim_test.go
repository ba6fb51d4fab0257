package bench_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// Two days old, of the size that a booking's entry has, and each in its place among those of a thousand providers.
const writeLog = `
INSERT INTO event_log (organization_id, at, topic, provider_id, appointment_id, payload)
SELECT $1, now() - interval '2 days' + n * interval '1 millisecond', 'appointment.booked', md5((n % 1000)::text)::uuid, gen_random_uuid(),
    jsonb_build_object('filler', repeat('x', 500)) FROM generate_series(1, $2::int) n`

// trimmed writes so many entries and has them trimmed, as many at once as the background work does, and answers how long the whole and the
// longest step took.
func trimmed(t testing.TB, entries, atOnce int) (all, longest time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	w := newTown(t, 0, 0, 4)
	ref, err := w.Ref(w.Organization)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.pool.Exec(ctx, writeLog, ref.Organization, entries); err != nil {
		t.Fatal(err)
	}
	login, err := pgxpool.New(ctx, w.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(login.Close)
	trimmer := live.Trimmer{Log: postgres.NewLog(postgres.New(login, nil)), Clock: clock.System{}, Keep: live.Keep{For: 24 * time.Hour, Positions: 5_000_000}}
	began := time.Now()
	for left := entries; left > 0; {
		step := time.Now()
		n, err := trimmer.Trim(ctx, atOnce)
		if err != nil || n == 0 {
			t.Fatalf("%d trimmed with %d left: %v", n, left, err)
		}
		left -= n
		longest = max(longest, time.Since(step))
	}
	return time.Since(began), longest
}

const trimmedAtOnce = 10_000

func TestTrimmingIsMeasured(t *testing.T) {
	if all, longest := trimmed(t, 25, 10); all <= 0 || longest > all {
		t.Errorf("%v, a step %v", all, longest)
	}
}

// How fast old entries of the event log are dropped, who come as fast as 500 a second when a service is as busy as the other benchmarks.
func BenchmarkTrimming100000Entries(b *testing.B) {
	const entries = 100_000
	all, longest := trimmed(b, entries, trimmedAtOnce)
	rate := entries / all.Seconds()
	keep(b, fmt.Sprintf("%d entries of the event log trimmed in %s, %.0f a second; the longest step of %d took %s",
		entries, all.Round(time.Millisecond), rate, trimmedAtOnce, longest.Round(time.Millisecond)))
	b.ReportMetric(rate, "entries/s")
}
