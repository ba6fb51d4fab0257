package postgres_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Of the ten free slots that are nearest, those are offered that the detection lets be, up to as many as are asked for.
func TestAlternativesAreThoseThatTheDetectionLetsBe(t *testing.T) {
	for _, mode := range []conflict.Mode{conflict.Off, conflict.Shadow, conflict.Enforce} {
		d := newDesk(t).detecting(mode)
		d.Requiring(`repeat_after = 7200`)
		provider, ann := d.Provider(1), d.Patient()
		d.books(ann, d.Slot(provider, 12, 0))
		offered := func(a access.Actor, limit int) (starts []string, err error) {
			found, err := d.Alternatives(t.Context(), a, d.Slot(provider, 12, 30), availability.For{Patient: ann.PatientID}, limit)
			for _, slot := range found {
				starts = append(starts, slot.LocalStart.Time.String()[:5])
			}
			return starts, err
		}
		nearest := []string{"13:00", "11:30", "13:30", "11:00", "14:00", "10:30", "14:30", "10:00", "15:00", "09:30"}
		if mode == conflict.Enforce {
			nearest = []string{"14:00", "14:30", "10:00", "15:00", "09:30"}
		}
		for _, limit := range []int{1, 3, 10} {
			if got, err := offered(ann, limit); err != nil || !slices.Equal(got, nearest[:min(limit, len(nearest))]) {
				t.Errorf("%s, %d are asked for: %v %v", mode, limit, got, err)
			}
		}
		for _, limit := range []int{-1, 0, 11} {
			if got, err := offered(ann, limit); errs.Of(err) != errs.InvalidInput || got != nil {
				t.Errorf("%s, %d are asked for: %v %v", mode, limit, got, err)
			}
		}
	}
}

// deadlines notes until when each look around may last, and fails.
type deadlines struct{ until []time.Time }

func (e *deadlines) LookAround(ctx context.Context, _ ...conflict.Case) ([]conflict.Around, error) {
	until, _ := ctx.Deadline()
	e.until = append(e.until, until)
	return nil, errors.New("fault")
}

func (*deadlines) OverlapsElsewhere(context.Context, uuid.UUID, uuid.UUID, availability.Span) ([]conflict.Warning, error) {
	return nil, nil
}

// All alternatives of a refusal are looked at within the time that one booking has, and offered though the detection fails.
func TestAlternativesAreLookedAtWithinOneBudget(t *testing.T) {
	d, looks := newDesk(t), &deadlines{}
	d.Detecting(conflict.NewDetection(looks, conflict.Fixed{Mode: conflict.Enforce}, conflict.Budget{Enforced: time.Hour}, nil, nil, d.clock, clock.Uptime))
	found, err := d.Alternatives(t.Context(), d.Patient(), d.Slot(d.Provider(1), 12, 0), availability.For{}, 10)
	if err != nil || len(found) != 10 || len(looks.until) != 10 {
		t.Fatalf("%d are offered, %d looked at: %v", len(found), len(looks.until), err)
	}
	for i, until := range looks.until {
		if until.IsZero() || until.After(looks.until[0]) {
			t.Errorf("number %d may take until %v, the first one until %v", i, until, looks.until[0])
		}
	}
}
