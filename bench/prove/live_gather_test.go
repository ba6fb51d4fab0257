package prove_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/internal/access"
)

// audience is everybody who follows.
type audience struct {
	*town
	*bustle // what goes on; nil before it does
	screens []*screen
	bells   map[string]node // openings of the provider at the bell, by the patient whose they are
	rung    map[string]rig.Visit
	all     sync.WaitGroup
	next    int // patient who isn't anybody yet
}

// The people who follow slots, and how much they may see.
var people = []string{"anonymous", "a patient", "staff"}

const staff = 2

// gather has everybody follow who does: each scope by each kind of people over each transport, or one kind of people of each; and appointments.
func (w *town) gather(ctx context.Context) *audience {
	w.t.Helper()
	a := &audience{town: w, bells: map[string]node{}, rung: map[string]rig.Visit{}, next: ringer + 1}
	for n, transport := range transports {
		for who := range people {
			for m, shown := range w.views(n+who, who == staff) {
				if w.size.all || (n+m+who)%len(people) == 0 {
					a.seat(ctx, &screen{town: w, show: shown, dial: transport.dial, name: fmt.Sprintf("%s, %s by %s", people[who], scopes[m], transport.name)}, who)
				}
			}
		}
		crowded := "" // all of the clinic's, unless there are more than can be recorded, one by one, on this machine
		if w.size.all {
			crowded = w.roomy[n]
		}
		for _, shown := range []agenda{{w, 1, ""}, {w, staff, crowded}, {w, staff, w.doctors[n]}} {
			a.seat(ctx, &screen{town: w, show: shown, dial: transport.dial, name: fmt.Sprintf("%s, appointments by %s", people[shown.who], transport.name)}, shown.who)
		}
	}
	a.hang(ctx)
	return a
}

// seat gives a screen its caller and has it follow.
func (a *audience) seat(ctx context.Context, s *screen, who int) {
	s.moved, s.resets = sync.NewCond(&s.mu), map[string]int{}
	switch who {
	case 0:
		s.me = rig.Client{HTTP: a.Admin.HTTP}
	case 1:
		p := a.patients[a.next]
		if a.next++; a.next > 1+followers {
			a.t.Fatal("too few patients")
		}
		if s.me = p.Client; !s.slots() {
			s.patient = &p
		}
	default:
		var err error
		s.me, err = a.Staff([]access.Role{access.FrontDesk, access.Admin}[len(a.screens)%2])
		a.must(err)
	}
	a.screens = append(a.screens, s)
	a.all.Go(func() { s.run(ctx) })
}

// slots says whether it shows slots, rather than appointments.
func (s *screen) slots() bool {
	_, other := s.show.(agenda)
	return !other
}

const mostProviders = 20 // in a scope

var scopes = []string{"providers", "locations", "a search"}

// views are a scope of each sort, of three that differ. The provider at the bell is in each.
func (w *town) views(n int, all bool) []show {
	n %= 3
	half := len(w.roomy) / 2
	providers := [][]string{
		append([]string{w.doctors[single], w.doctors[shifted], w.doctors[windows], w.bell}, w.roomy[:half]...),
		append([]string{w.doctors[limited], w.doctors[rover], w.doctors[eastern], w.bell}, w.roomy[half:]...),
		w.everybody()[:min(mostProviders, len(w.everybody()))],
	}[n]
	locations := [][]string{{w.east}, {w.Location}, {w.Location, w.east}}[n]
	near := map[string]any{"locationIds": locations}
	where := []map[string]any{
		{"near": near}, {"near": near, "visitKindId": w.long}, {"visitKindId": w.short, "providerIds": providers},
	}[n]
	where["organizationId"], where["from"], where["to"] = w.Organization, w.Day, w.Day.AddDate(0, 0, 1)
	where["timesOfDay"] = []any{map[string]any{"from": "09:00", "to": "12:00"}}
	return []show{
		slots{town: w, scope: map[string]any{"providerIds": providers}, providers: providers, all: all},
		slots{town: w, scope: map[string]any{"locationIds": locations}, providers: w.everybody(), locations: locations, all: all},
		search{w, where},
	}
}

// hang gives everybody who rings the bell an opening: those who follow their own visits on a day on which they have no other. Whoever follows
// slots learns which of them are at the bell.
func (a *audience) hang(ctx context.Context) {
	var slots []node
	for _, kind := range []string{a.long, a.short} {
		list, err := a.free(ctx, a.bell, kind, 0)
		a.must(err)
		slots = append(slots, list...)
	}
	for _, n := range slots {
		if n.Start == slots[0].Start && n.Location.ID == a.Location {
			a.bells[a.patients[ringer].Actor.PatientID.String()] = n // the last is short
		}
	}
	later, err := a.free(ctx, a.bell, a.short, a.size.days+1)
	a.must(err)
	for _, s := range a.screens {
		if s.patient != nil {
			a.bells[s.patient.Actor.PatientID.String()] = later[0]
			later = later[4:] // another time
		}
		a.must(s.await(ctx, func(p picture) bool {
			for _, n := range slots {
				if n.Start == slots[0].Start && p[n.ID].Free {
					s.bells = append(s.bells, n.ID)
				}
			}
			return true
		}))
		if s.slots() && len(s.bells) == 0 {
			a.t.Fatalf("%s doesn't show the bell", s.name)
		}
	}
}
