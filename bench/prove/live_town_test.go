package prove_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/bench/rig"
)

// town is two instances of the API, background work and a Redis over one database, and a clinic with two locations, two kinds of visit of
// different length and whatever else is hard for those who follow its openings.
type town struct {
	*rig.Clinic
	t       *testing.T
	url     string
	pool    *pgxpool.Pool // sees everything
	servers []*rig.Server
	worker  *rig.Server
	redis   *rig.Redis

	size        size
	east        string   // the second location
	short, long string   // kinds of visit
	doctors     []string // see open
	roomy       []string // providers who have room for everybody
	bell        string   // a provider at both locations, whose openings are in everybody's view
	patients    []rig.Patient
}

// The providers, by what is special about them.
const (
	single  = iota // one lane
	shifted        // three lanes, hours that change
	limited        // a daily cap
	windows        // capped windows and no weekly hours
	eastern        // at the other location
	rover          // sometimes at the other location as well
	manyDoctors
)

// room is how many a provider who has room takes at a time.
const room = 30

// The clinic's patients, by their numbers: the one who rings the bell, those who follow, and all others, who do things.
const (
	ringer    = 0
	followers = 15
)

// newTown sets up a town of its own database. Its processes end with the test.
func newTown(t *testing.T, s size) *town {
	t.Helper()
	world.once.Do(func() { world.err = build() })
	if world.err != nil {
		t.Fatal(world.err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	w := &town{t: t, size: s}
	w.start(ctx)
	var err error
	w.Clinic, err = world.rig.NewClinic(ctx, w.servers[0], &rig.Client{HTTP: rig.NewHTTP(s.patients + bookAtOnce + 40)})
	w.must(err)
	w.furnish(ctx)
	w.patients, err = w.Patients(ctx, 1+followers+s.patients+s.bookers)
	w.must(err)
	return w
}

func (w *town) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) start(ctx context.Context) {
	var err error
	r := world.rig
	w.url, err = r.NewDatabase(ctx)
	w.must(err)
	w.pool, err = r.Open(ctx, w.url, 4)
	w.must(err)
	w.t.Cleanup(w.pool.Close)
	w.redis, err = r.StartRedis(ctx)
	w.must(err)
	w.t.Cleanup(func() { _ = w.redis.Kill() })
	kept := r.Environ
	r.Environ = append([]string{"MEDICONNECT_REDIS_URL=" + w.redis.URL(), "MEDICONNECT_DRAIN_TIMEOUT=" + w.size.drain, "MEDICONNECT_STREAMS_PER_ADDRESS=200"}, kept...)
	defer func() { r.Environ = kept }()
	for range 2 {
		s, err := r.Serve(ctx, w.url, connections)
		w.must(err)
		w.t.Cleanup(func() { _ = s.Kill() })
		w.servers = append(w.servers, s)
	}
	w.worker, err = r.Work(ctx, w.url)
	w.must(err)
	w.t.Cleanup(func() { _ = w.worker.Kill() })
}

// any is one of the instances, as a load balancer picks it.
func (w *town) any() *rig.Server { return w.servers[rand.IntN(len(w.servers))] }

// holdsLast is how long holds of the town last. The API takes no time so short: nobody could fill in a form.
const holdsLast = `UPDATE visit_kinds SET hold_duration = $1`

func (w *town) furnish(ctx context.Context) {
	var err error
	month := map[string]any{"maximumAdvance": "P30D"}
	w.short, err = w.Kind(ctx, "check-up", "PT30M", month)
	w.must(err)
	w.long, err = w.Kind(ctx, "consultation", "PT1H", map[string]any{"maximumAdvance": "P30D", "slotStep": "PT30M", "bufferAfter": "PT10M"})
	w.must(err)
	_, err = w.pool.Exec(ctx, holdsLast, w.size.hold)
	w.must(err)
	w.east, err = w.Place(ctx, "East")
	w.must(err)
	for n := range manyDoctors {
		daily := 0
		if n == limited {
			daily = 7
		}
		id, err := w.Doctor(ctx, daily, w.short, w.long)
		w.must(err)
		w.doctors = append(w.doctors, id)
	}
	w.bell, err = w.Doctor(ctx, 0, w.short, w.long)
	w.must(err)
	day := rig.Hours{From: "09:00", To: "17:00", Capacity: 1}
	w.must(w.Weekly(ctx, w.doctors[single], w.Location, day))
	w.must(w.Weekly(ctx, w.doctors[rover], w.Location, day))
	w.must(w.Weekly(ctx, w.bell, w.Location, day))
	w.must(w.Weekly(ctx, w.bell, w.east, day))
	day.Capacity = 2
	w.must(w.Weekly(ctx, w.doctors[limited], w.Location, day))
	w.must(w.Weekly(ctx, w.doctors[eastern], w.east, day))
	day.Capacity = 3
	w.must(w.Weekly(ctx, w.doctors[shifted], w.Location, day))
	day.Capacity = room
	for n := range w.size.roomy {
		id, err := w.Doctor(ctx, 0, w.short, w.long)
		w.must(err)
		w.must(w.Weekly(ctx, id, []string{w.Location, w.east}[n%2], day))
		w.roomy = append(w.roomy, id)
	}
	for d := range w.size.days {
		p := rig.Period{Provider: w.doctors[windows], Location: w.Location, Day: d, From: "09:00", To: "13:00"}
		_, err = w.Open(ctx, p, 2, 5, uuid.NewString())
		w.must(err)
	}
}

// until is the end of the period that the town's people look at.
func (w *town) until() time.Time { return w.Day.AddDate(0, 0, w.size.days) }

// everybody is all providers, the one with the bell too.
func (w *town) everybody() []string { return slices.Concat([]string{w.bell}, w.doctors, w.roomy) }
