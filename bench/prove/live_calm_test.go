package prove_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

const holdsLeft = `SELECT count(*) FROM claims WHERE state = 'ACTIVE' AND hold_id IS NOT NULL`

// settle waits until no hold is left that could run out, and then has everybody told something that comes after all that has happened.
func (a *audience) settle(ctx context.Context) error {
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
	for _, s := range a.screens {
		if err := a.hears(ctx, s); err != nil {
			return err
		}
	}
	return nil
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

// hears waits until a screen shows that the bell was rung. Things are told in the order in which they first changed, so that it was told all
// else before.
func (a *audience) hears(ctx context.Context, s *screen) error {
	if s.isAway() {
		return nil
	}
	if visits, ok := s.show.(agenda); ok {
		return a.noted(ctx, s, visits)
	}
	_, taken := a.rung[a.patients[ringer].Actor.PatientID.String()]
	return s.await(ctx, func(p picture) bool {
		return !slices.ContainsFunc(s.bells, func(id string) bool { return p[id].Free == taken })
	})
}

// lastVisit is the appointment that changed last, of one provider's or patient's or of all.
const lastVisit = `SELECT a.id, a.version, a.provider_id FROM event_log e JOIN appointments a ON a.organization_id = e.organization_id AND a.id = e.appointment_id
	WHERE ($1::uuid IS NULL OR e.provider_id = $1) AND ($2::uuid IS NULL OR a.patient_id = $2) ORDER BY e.position DESC LIMIT 1`

// noted waits until a screen shows the appointment that changed last, of those that it shows.
func (a *audience) noted(ctx context.Context, s *screen, visits agenda) error {
	var of, whose *uuid.UUID
	if visits.provider != "" {
		ref, err := a.Ref(visits.provider)
		if err != nil {
			return err
		}
		of = &ref.ID
	}
	if s.patient != nil {
		whose = &s.patient.Actor.PatientID
	}
	var id, at uuid.UUID
	var version int64
	err := a.pool.QueryRow(ctx, lastVisit, of, whose).Scan(&id, &version, &at)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	org, err := a.Ref(a.Organization)
	if err != nil {
		return err
	}
	shown := globalid.Of(globalid.Appointment, clinic.Ref{Organization: org.ID, ID: id})
	return s.await(ctx, func(p picture) bool {
		has, ok := p[shown]
		return has.Version >= version || !ok && of != nil && *of != at
	})
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
