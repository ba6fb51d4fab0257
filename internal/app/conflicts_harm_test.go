package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/conflict"
)

// harming is what a detection reads, which may do harm.
type harming func(context.Context) error

func (l harming) LookAround(ctx context.Context, cases ...conflict.Case) ([]conflict.Around, error) {
	return make([]conflict.Around, len(cases)), l(ctx)
}

func (harming) OverlapsElsewhere(context.Context, uuid.UUID, uuid.UUID, availability.Span) ([]conflict.Warning, error) {
	return nil, nil
}

// Whatever the detection does, visits are booked; soon it is off, and whoever runs the server reads why.
func TestVisitsAreBookedWhateverTheDetectionDoesAndItIsOffSoon(t *testing.T) {
	forever := make(chan struct{})
	t.Cleanup(func() { close(forever) })
	harm := map[string]harming{
		"it panics": func(context.Context) error { panic("fault") },
		"it fails":  func(context.Context) error { return errors.New("fault") },
		"it stalls": func(context.Context) error { <-forever; return nil },
	}
	for name, does := range harm {
		for _, mode := range []conflict.Mode{conflict.Shadow, conflict.Enforce} {
			t.Run(fmt.Sprintf("%s, %s", name, mode), func(t *testing.T) {
				a, log := newAPI(t), newJournal()
				a.app.frame.Log = slog.New(slog.NewTextHandler(log, nil))
				budget := conflict.Budget{Enforced: 5 * time.Millisecond, Beside: 5 * time.Millisecond}
				guard := a.app.harmless.guard
				a.app.appointments.Detecting(conflict.NewDetection(does, conflict.Fixed{Mode: mode}, budget, guard, a.app.harmless.beside, a.clock, clock.Uptime))
				desk, of := a.by(a.clinic.FrontDesk()), a.clinic.Provider(40)
				book := func() {
					t.Helper()
					input := vars{"target": vars{"slotId": globalid.OfSlot(a.clinic.Slot(of, 10, 0))}, "patientId": a.patientID(a.clinic.Patient()), "idempotencyKey": newID().String()}
					if answer := desk.Post(t, bookIt, vars{"input": input}).OK(t); answer.Text("bookAppointment", "appointment", "id") == "" {
						t.Fatalf("%s", answer.Raw)
					}
				}
				for range conflict.DefaultLimits().Cases {
					book()
				}
				log.find(t, "level=ERROR", "fell back", "cause=FAILURES", "failed=20")
				before := a.app.harmless.beside.State().Seen
				book()
				if after := a.app.harmless.beside.State().Seen; !maps.Equal(before, after) {
					t.Errorf("judged after it fell back: %v, then %v", before, after)
				}
			})
		}
	}
}
