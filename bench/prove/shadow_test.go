package prove_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/bench/rig"
)

var shadowed = flag.Int("shadow", 0, "pairs of windows in which bookings with a shadow are timed against such without; 0: one short pair, and no speed is asked for")

const inShadow = `{"version": 2, "features": [{"name": "booking.conflict-detection", "enabled": true, "strategies": [{"name": "flexibleRollout",
	"parameters": {"rollout": "100", "stickiness": "default", "groupId": "g"}, "variants": [{"name": "shadow", "weight": 1000, "weightType": "variable", "stickiness": "default"}]}]}]}`

// Two servers over one database take turns under the same load: one judges each booking in the shadow, too.
func TestAShadowSlowsNoBookingDown(t *testing.T) {
	const hands = 8
	pairs, window := *shadowed, 5*time.Second
	if pairs == 0 {
		pairs, window = 1, 200*time.Millisecond
	}
	p := newProof(t, hands)
	if _, err := p.pool.Exec(t.Context(), `UPDATE visit_kinds SET repeat_after = 1800 WHERE organization_id = $1`, p.patients[0].Actor.Organization); err != nil {
		t.Fatal(err)
	}
	openings := make([][]rig.Slot, hands)
	for i, provider := range p.providers(hands, func(ctx context.Context) (string, error) { return p.Provider(ctx, 1, 0) }) {
		openings[i] = p.openings(provider, 14)
	}
	off, shadow := world.server, p.shadowServer()
	var ratios []float64
	for range pairs {
		slow, plain := p.window(shadow, openings, window), p.window(off, openings, window)
		ratios = append(ratios, middle(slow)/middle(plain))
		t.Logf("%d bookings in the shadow, median %v; %d without, median %v", len(slow), middleTime(slow), len(plain), middleTime(plain))
	}
	if err := shadow.Kill(); err != nil { // it keeps what it counted every second; the last is lost
		t.Log(err)
	}
	p.judgedInTheShadow()
	if *shadowed == 0 {
		return
	}
	ratio := medianOf(ratios)
	t.Logf("latency of bookings with a shadow against such without: %s", ratio)
	if ratio.high >= 1.1 {
		t.Errorf("a shadow slows bookings down: %s", ratio)
	}
}

// shadowServer is another server over the proof's database, whose flag says shadow for everybody.
func (p *proof) shadowServer() *rig.Server {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "flags.json")
	if err := os.WriteFile(file, []byte(inShadow), 0o600); err != nil {
		p.t.Fatal(err)
	}
	before := world.rig.Environ
	world.rig.Environ = append(slices.Clone(before), "MEDICONNECT_UNLEASH_BOOTSTRAP="+file)
	defer func() { world.rig.Environ = before }()
	server, err := world.rig.Serve(p.t.Context(), world.url, connections)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = server.Kill() })
	return server
}

// window has each patient book and cancel, one after the other, at a server, and answers how long bookings took, in seconds.
func (p *proof) window(at *rig.Server, openings [][]rig.Slot, lasting time.Duration) (took []float64) {
	p.t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	until := time.Now().Add(lasting)
	for i, patient := range p.patients {
		patient.Server = at
		all.Go(func() {
			for n := 0; n == 0 || time.Now().Before(until); n++ {
				began := time.Now()
				booked, err := patient.Book(p.t.Context(), openings[i][n%len(openings[i])].ID, uuid.NewString())
				spent := time.Since(began).Seconds()
				if err != nil || booked.Code() != "DONE" {
					p.t.Errorf("a booking: %v %v", booked.Code(), err)
					return
				}
				mu.Lock()
				took = append(took, spent)
				mu.Unlock()
				if gone, err := patient.Cancel(p.t.Context(), booked.Visit.ID, uuid.NewString()); err != nil || gone.Code() != "DONE" {
					p.t.Errorf("a cancellation: %v %v", gone.Code(), err)
					return
				}
			}
		})
	}
	all.Wait()
	return took
}

func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func middleTime(values []float64) time.Duration {
	return time.Duration(middle(values) * float64(time.Second)).Round(10 * time.Microsecond)
}

// judgedInTheShadow logs how the shadow's cases went, and says if none was judged or the guard switched it off.
func (p *proof) judgedInTheShadow() {
	p.t.Helper()
	rows, err := p.pool.Query(p.t.Context(), `SELECT key, sum(n)::bigint FROM conflict_counts WHERE organization_id = $1 AND what = 'VERDICT' GROUP BY 1`, p.patients[0].Actor.Organization)
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	counts := map[string]int64{}
	for rows.Next() {
		var verdict string
		var n int64
		if err := rows.Scan(&verdict, &n); err != nil {
			p.t.Fatal(err)
		}
		counts[verdict] = n
	}
	var fallbacks int
	if err := p.pool.QueryRow(p.t.Context(), `SELECT count(*) FROM conflict_fallbacks`).Scan(&fallbacks); err != nil || fallbacks > 0 {
		p.t.Errorf("%d fallbacks, %v", fallbacks, err)
	}
	p.t.Logf("in the shadow: %v", counts)
	if *shadowed > 0 && counts["AGREED_ALLOWED"] == 0 {
		p.t.Error("nothing was judged in the shadow")
	}
}
