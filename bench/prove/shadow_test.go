package prove_test

import (
	"context"
	"flag"
	"fmt"
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

// detecting is a bootstrap file whose flag has one variant.
const detecting = `{"version": 2, "features": [{"name": "booking.conflict-detection", "enabled": true, "strategies": [{"name": "flexibleRollout",
	"parameters": {"rollout": "100", "stickiness": "default", "groupId": "g"}, "variants": [{"name": "%s", "weight": 1000, "weightType": "variable", "stickiness": "default"}]}]}]}`

// changeover is the beginning of a window that isn't timed: what the other server still does beside falls into it.
const changeover = 200 * time.Millisecond

// Two servers over one database take turns under the same load: one judges each booking in the shadow, too.
func TestAShadowSlowsNoBookingDown(t *testing.T) {
	const hands, shifts = 8, 5 // an account's keys are limited
	pairs, window := *shadowed, 500*time.Millisecond
	if pairs == 0 {
		pairs, window = 1, changeover
	}
	p := newProof(t, hands*shifts)
	if _, err := p.pool.Exec(t.Context(), `UPDATE visit_kinds SET repeat_after = 1800 WHERE organization_id = $1`, p.patients[0].Actor.Organization); err != nil {
		t.Fatal(err)
	}
	openings := make([][]rig.Slot, hands)
	for i, provider := range p.providers(hands, func(ctx context.Context) (string, error) { return p.Provider(ctx, 1, 0) }) {
		openings[i] = p.openings(provider, 14)
	}
	off, shadow := p.detectingServer("off"), p.detectingServer("shadow")
	var ratios []float64
	took := map[*rig.Server][]float64{}
	for pair := range pairs {
		order := []*rig.Server{shadow, off}
		if pair%2 == 1 { // so that neither gains by what drifts
			slices.Reverse(order)
		}
		middles := map[*rig.Server]float64{}
		for _, server := range order {
			shift := pair % shifts * hands
			bookings := p.window(server, p.patients[shift:shift+hands], openings, window)
			took[server], middles[server] = append(took[server], bookings...), middle(bookings)
		}
		ratios = append(ratios, middles[shadow]/middles[off])
	}
	t.Logf("%d bookings in the shadow, median %v; %d without, median %v", len(took[shadow]), middleTime(took[shadow]), len(took[off]), middleTime(took[off]))
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

// detectingServer is another server over the proof's database, whose flag says one thing for everybody.
func (p *proof) detectingServer(mode string) *rig.Server {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "flags.json")
	if err := os.WriteFile(file, fmt.Appendf(nil, detecting, mode), 0o600); err != nil {
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

// window has each of some patients book and cancel, one after the other, at a server, and answers how long bookings took, in seconds.
func (p *proof) window(at *rig.Server, patients []rig.Patient, openings [][]rig.Slot, lasting time.Duration) (took []float64) {
	p.t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	settled := time.Now().Add(changeover)
	until := settled.Add(lasting)
	for i, patient := range patients {
		patient.Server = at
		all.Go(func() {
			for n, timed := 0, 0; timed == 0 || time.Now().Before(until); n++ {
				began := time.Now()
				booked, err := patient.Book(p.t.Context(), openings[i][n%len(openings[i])].ID, uuid.NewString())
				spent := time.Since(began).Seconds()
				if err != nil || booked.Code() != "DONE" {
					p.t.Errorf("a booking: %v %v", booked.Code(), err)
					return
				}
				if began.After(settled) {
					timed++
					mu.Lock()
					took = append(took, spent)
					mu.Unlock()
				}
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
