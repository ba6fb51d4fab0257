package intake_test

import (
	"context"
	"errors"
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/intake"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

var whole = flag.Bool("whole", false, "book every window of the publication to its capacity; takes minutes")

// phone is somebody at the front desk who books whatever callers ask for, each call for another patient.
type phone struct {
	*world
	*appointment.Service
	openings *availability.Service
	actor    access.Actor
	patients []uuid.UUID
}

func (w *world) phone(t *testing.T, patients int) *phone {
	t.Helper()
	at := clock.FrozenAt(now)
	openings := availability.NewService(postgres.NewAvailabilityStore(w.db), at)
	source := clinic.Source{Clock: at, NewID: func() uuid.UUID { return uuid.Must(uuid.NewV7()) }}
	p := &phone{world: w, openings: openings, Service: appointment.NewService(postgres.NewAppointmentStore(w.db), openings, w.db.Directory(), appointment.DefaultLimits(), source)}
	p.actor = access.Actor{
		Kind: access.Staff, ID: uuid.New(), Client: "test", Organization: w.organization, Role: access.FrontDesk, Scopes: access.ScopesOf(access.FrontDesk),
	}
	const register = `INSERT INTO patients (organization_id, id, identifier_system, identifier_token, identifier, given_name, family_name)
		SELECT $1, id, 'https://clinic.example/mrn', uuid_send(id), '\x0031', '\x0041', '\x0042'
		FROM (SELECT gen_random_uuid() FROM generate_series(1, $2)) p(id) RETURNING id`
	if err := w.pool.QueryRow(t.Context(), "WITH r AS ("+register+") SELECT array_agg(id) FROM r", w.organization, patients).Scan(&p.patients); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *phone) book(slot availability.SlotID) error {
	next := clinic.Ref{Organization: p.organization, ID: p.patients[0]}
	_, err := p.Book(context.Background(), p.actor, appointment.BookVisit{
		Target: appointment.Target{Slot: &slot}, Patient: &next, Key: uuid.NewString(),
	})
	if err == nil {
		p.patients = p.patients[1:]
	}
	return err
}

// published is a window as it is stored.
type published struct {
	Provider, Kind uuid.UUID
	From, To       time.Time
	Cap, Lanes     int
}

// list answers windows, by their beginning, and of all that fit the condition.
func (p *phone) list(t *testing.T, condition string) (all []published) {
	t.Helper()
	rows, err := p.pool.Query(t.Context(), `SELECT e.provider_id, k.visit_kind_id, e.local_from AT TIME ZONE 'America/New_York',
		e.local_to AT TIME ZONE 'America/New_York', e.max_appointments, e.capacity FROM schedule_exceptions e
		JOIN provider_visit_kinds k USING (organization_id, provider_id) WHERE `+condition+` ORDER BY e.local_from, e.id`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var w published
		if err := rows.Scan(&w.Provider, &w.Kind, &w.From, &w.To, &w.Cap, &w.Lanes); err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return all
}

func (p *phone) slots(t *testing.T, w published, statuses ...availability.Status) []availability.Slot {
	t.Helper()
	page, err := p.openings.Slots(t.Context(), p.actor, availability.Listing{
		Provider: clinic.Ref{Organization: p.organization, ID: w.Provider}, VisitKind: w.Kind, From: w.From, To: w.To, Statuses: statuses,
	}, paging.Window{Size: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return page.Items
}

// fill books every opening of a window as often as it is offered, in an order, and counts the visits.
func (p *phone) fill(t *testing.T, w published, order func([]availability.Slot)) (booked int) {
	t.Helper()
	for {
		free := p.slots(t, w)
		if len(free) == 0 {
			return booked
		}
		order(free)
		before := booked
		for _, slot := range free {
			for range slot.Remaining {
				err := p.book(slot.SlotID)
				if err == nil {
					booked++
				} else if !errors.As(err, new(appointment.SlotTaken)) && !capped(err) {
					t.Fatalf("%v at %v: %v", w, slot.LocalStart, err)
				}
			}
		}
		if booked == before {
			t.Fatalf("%v: what is free can't be booked: %v", w, free)
		}
	}
}

func capped(err error) bool {
	refused, ok := errors.AsType[appointment.SlotUnavailable](err)
	return ok && slices.Equal(refused.BlockedBy, []availability.Rule{availability.WindowCapReached})
}

func forward([]availability.Slot) {}

func TestSitesOfThePublicationAreBookedToTheirCapacity(t *testing.T) {
	w := newWorld(t)
	w.load(t, begin)
	callers := 500
	if *whole {
		callers = 46_703 // one more than there is room for
	}
	p := w.phone(t, callers)
	oneLane := p.list(t, "e.capacity = 1 AND e.max_appointments < extract(epoch FROM local_to - local_from) / 900")
	twoLanes := p.list(t, "e.capacity = 2")
	if len(oneLane) == 0 || len(twoLanes) != 235 {
		t.Fatalf("%d windows of one lane with room, %d of two", len(oneLane), len(twoLanes))
	}
	// The first and the last days, and whatever is between them.
	sample := []published{
		oneLane[0], oneLane[len(oneLane)/2], oneLane[len(oneLane)-1],
		twoLanes[0], twoLanes[len(twoLanes)/3], twoLanes[len(twoLanes)*2/3], twoLanes[len(twoLanes)-1],
	}
	if *whole {
		sample = p.list(t, "true")
	}
	for i, w := range sample {
		if i == len(sample)/100 && *whole { // as autovacuum would, were it on here
			if _, err := p.pool.Exec(t.Context(), "ANALYZE"); err != nil {
				t.Fatal(err)
			}
		}
		order := forward
		if i%2 == 1 {
			order = slices.Reverse[[]availability.Slot]
		}
		p.actor.ID = uuid.New() // an account's keys are limited
		if booked := p.fill(t, w, order); booked != w.Cap {
			t.Errorf("%v: %d booked", w, booked)
		}
		refused := 0
		for _, slot := range p.slots(t, w, availability.Blocked) {
			err := p.book(slot.SlotID)
			if !capped(err) {
				t.Errorf("%v at %v, though it is full: %v", w, slot.LocalStart, err)
			}
			if refused++; refused == 2 {
				break
			}
		}
		if refused == 0 && !*whole {
			t.Errorf("%v has no lane left, so its cap isn't tried", w)
		}
	}
	total := 0
	for _, w := range sample {
		total += w.Cap
	}
	if n := w.count(t, "SELECT count(*) FROM appointments"); n != total {
		t.Errorf("%d appointments of %d", n, total)
	}
	if n := w.count(t, "SELECT sum(booked) FROM window_counts"); n != total {
		t.Errorf("%d counted of %d", n, total)
	}
	t.Logf("%d windows booked to their capacity: %d visits", len(sample), total)
}

// Visits of a kind with buffers reach into the windows before and after their own, in whatever order these are booked.
func TestTouchingWindowsAreBookedToTheirCapacity(t *testing.T) {
	before, after := 5*time.Minute, 5*time.Minute
	for name, windows := range map[string][]string{
		"single appointments": {"09:00-09:15 1 free", "09:15-09:30 1 free", "09:30-09:45 1 free", "09:45-10:00 1 free"},
		"several at a time":   {"09:00-09:15 3 free", "09:15-09:45 2 free", "09:45-10:00 4 free"},
		"half days":           {"09:00-12:00 6 free", "12:00-15:00 13 free", "15:00-15:40 2 free"},
	} {
		for i, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {0, 2, 1}} {
			w := newWorld(t)
			_, err := w.PutVisitKind(t.Context(), w.admin, clinic.PutVisitKind{
				Organization: w.organization, Key: "flu", Name: "Flu jab", Duration: 15 * time.Minute, BufferBefore: &before, BufferAfter: &after,
				Modalities: []clinic.Modality{clinic.InPerson},
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.run(t, intake.Order{From: little(windows...), ShiftTo: begin}); err != nil {
				t.Fatal(err)
			}
			p := w.phone(t, 100)
			all := p.list(t, "true")
			for _, at := range order {
				each := forward
				if i%2 == 1 {
					each = slices.Reverse[[]availability.Slot]
				}
				if booked := p.fill(t, all[at], each); booked != all[at].Cap {
					t.Errorf("%s in the order %v: %d of %v booked", name, order, booked, all[at])
				}
			}
		}
	}
}
