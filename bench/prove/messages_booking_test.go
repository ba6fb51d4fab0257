package prove_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/bench/rig"
)

// chance draws the same every time.
var chance = rand.New(rand.NewPCG(1, 2))

// bookings are made all the time, over HTTP, and cancelled again.
type bookings struct {
	mu   sync.Mutex
	made []booked
}

type booked struct {
	at   time.Time
	took time.Duration
}

// book has somebody book so many times a second for as long as the test runs, in the same database.
func (p *post) book(perSecond int) *bookings {
	p.t.Helper()
	town, err := world.rig.NewClinic(p.t.Context(), p.server, &rig.Client{HTTP: rig.NewHTTP(100)})
	p.check(err)
	patients, err := town.Patients(p.t.Context(), 10*perSecond)
	p.check(err)
	provider, err := town.Provider(p.t.Context(), len(patients), 0)
	p.check(err)
	slots, err := town.Openings(p.t.Context(), provider, 3)
	p.check(err)
	b := &bookings{}
	ctx, stop := context.WithCancel(p.t.Context())
	var all sync.WaitGroup
	p.t.Cleanup(func() { stop(); all.Wait() })
	turns := make(chan rig.Patient, len(patients)) // who has nothing booked
	for _, one := range patients {
		turns <- one
	}
	all.Go(func() {
		beat(ctx, &all, perSecond, func() {
			one := <-turns
			p.comeAndGo(ctx, b, one, slots[rand.IntN(len(slots))].ID)
			turns <- one
		})
	})
	return b
}

func (p *post) comeAndGo(ctx context.Context, b *bookings, one rig.Patient, slot string) {
	began := time.Now()
	answer, err := one.Book(ctx, slot, uuid.NewString())
	took := time.Since(began)
	if ctx.Err() != nil {
		return
	}
	if err != nil || answer.Visit == nil {
		p.t.Errorf("a booking was answered %+v: %v", answer, err)
		return
	}
	b.mu.Lock()
	b.made = append(b.made, booked{began, took})
	b.mu.Unlock()
	key := uuid.NewString()
	gone, _, err := rig.Insist(ctx, func(ctx context.Context) (rig.Answer, error) { return one.Cancel(ctx, answer.Visit.ID, key) })
	if ctx.Err() == nil && (err != nil || gone.Visit == nil) {
		p.t.Errorf("a cancellation was answered %+v: %v", gone, err)
	}
}

// p95 is within how many milliseconds 95 of 100 bookings of a time were answered.
func (b *bookings) p95(from, to time.Time) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	var took []time.Duration
	for _, one := range b.made {
		if !one.at.Before(from) && one.at.Before(to) {
			took = append(took, one.took)
		}
	}
	return float64(within95(took).Microseconds()) / 1000
}
