package prove_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/bench/rig"
)

const holdsLeft = `SELECT count(*) FROM claims WHERE state = 'ACTIVE' AND hold_id IS NOT NULL`

// settle waits until no hold is left that could run out, and then has each told something that comes after all that has happened.
func (a *audience) settle(ctx context.Context) error {
	began := time.Now()
	defer func() { a.t.Logf("settled in %v", time.Since(began)) }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := 1; n > 0; {
		if err := a.pool.QueryRow(ctx, holdsLeft).Scan(&n); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d holds don't run out: %w", n, ctx.Err())
		}
	}
	a.t.Logf("no holds in %v", time.Since(began))
	for _, s := range a.screens {
		if s.patient != nil {
			if err := a.ring(ctx, *s.patient); err != nil {
				return err
			}
		}
	}
	if err := a.ring(ctx, a.patients[ringer]); err != nil {
		return err
	}
	a.t.Logf("rung in %v", time.Since(began))
	return a.heard(ctx)
}

// ring books an opening of the provider at the bell for a patient, or gives it back.
func (a *audience) ring(ctx context.Context, p rig.Patient) error {
	key, who := uuid.NewString(), p.Actor.PatientID.String()
	visit, booked := a.rung[who]
	answer, _, err := rig.Insist(ctx, func(ctx context.Context) (rig.Answer, error) {
		p.Server = a.any()
		if booked {
			return p.Cancel(ctx, visit.ID, key)
		}
		return p.Book(ctx, a.bells[who].ID, key)
	})
	if err != nil || answer.Visit == nil {
		return fmt.Errorf("the bell doesn't ring: %s %w", answer.Code(), err)
	}
	if delete(a.rung, who); !booked {
		a.rung[who] = *answer.Visit
	}
	return nil
}

const (
	lastOfBell    = `SELECT max(position) FROM event_log WHERE provider_id = $1`
	lastOfVisits  = `SELECT coalesce(max(position), 0) FROM event_log WHERE provider_id = $1 AND appointment_id IS NOT NULL`
	lastOfPatient = `SELECT max(position) FROM event_log e JOIN appointments a ON a.organization_id = e.organization_id AND a.id = e.appointment_id
		WHERE a.patient_id = $1`
)

// last is the position of the last thing that a screen is told of for sure.
func (a *audience) last(ctx context.Context, s *screen) (position int64, err error) {
	query, of := lastOfBell, a.bell
	if visits, ok := s.show.(agenda); ok && visits.provider != "" {
		query, of = lastOfVisits, visits.provider
	}
	ref, err := a.Ref(of)
	if err != nil {
		return 0, err
	}
	if s.patient != nil {
		query, ref.ID = lastOfPatient, s.patient.Actor.PatientID
	}
	err = a.pool.QueryRow(ctx, query, ref.ID).Scan(&position)
	return position, err
}

// heard waits until everybody has been told all that has happened.
func (a *audience) heard(ctx context.Context) error {
	for _, s := range a.screens {
		if s.isAway() {
			continue
		}
		position, err := a.last(ctx, s)
		if err != nil {
			return err
		}
		began := time.Now()
		err = s.await(ctx, position)
		if time.Since(began) > time.Second {
			a.t.Logf("%s took %v", s.name, time.Since(began))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// compare wants every picture to be what the same query answers now. Nothing may be happening.
func (a *audience) compare(ctx context.Context, when string) {
	a.t.Helper()
	next := make(chan *screen)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for s := range next {
				a.compareOne(ctx, s, when)
			}
		})
	}
	for _, s := range a.screens {
		if !s.isAway() {
			next <- s
		}
	}
	close(next)
	all.Wait()
}

func (a *audience) compareOne(ctx context.Context, s *screen, when string) {
	c := s.me
	c.Server = a.any()
	want, _, err := s.query(ctx, c)
	if err != nil {
		a.t.Errorf("%s, %s: %v", when, s.name, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var differ []string
	for id, w := range want {
		if has, ok := s.picture[id]; !ok {
			differ = append(differ, "lacks "+w.Shown)
		} else if has.Shown != w.Shown || has.Version > w.Version {
			differ = append(differ, fmt.Sprintf("shows %s (%d) for %s (%d)", has.Shown, has.Version, w.Shown, w.Version))
		}
	}
	for id, has := range s.picture {
		if _, ok := want[id]; !ok {
			differ = append(differ, fmt.Sprintf("still shows %s (%d)", has.Shown, has.Version))
		}
	}
	if len(differ) > 0 {
		slices.Sort(differ)
		a.t.Errorf("%s, %s differs in %d of %d, at %v: %s", when, s.name, len(differ), len(want), s.cursor, strings.Join(differ[:min(8, len(differ))], "; "))
	}
}

// account says what everybody has been through.
func (a *audience) account() (resets map[string]int) {
	var events, lines, queries, repeated, stale, shown, busy int
	resets = map[string]int{}
	for _, s := range a.screens {
		s.mu.Lock()
		events, lines, queries, repeated, stale, shown = events+s.events, lines+s.resumes, queries+s.queries, repeated+s.repeated, stale+s.stale, shown+len(s.picture)
		busy += s.busy
		for reason, n := range s.resets {
			resets[reason] += n
		}
		if s.fault != nil {
			a.t.Errorf("%s: %v", s.name, s.fault)
		}
		if s.events == 0 {
			a.t.Errorf("%s was told nothing", s.name)
		}
		s.mu.Unlock()
	}
	a.t.Logf("%d screens: %d events over %d connections, %d queries, %d times told to come again, resets %v; %d slots came again with the version they had, %d with a lower one; %d things are shown",
		len(a.screens), events, lines, queries, busy, maps.Clone(resets), repeated, stale, shown)
	return resets
}
