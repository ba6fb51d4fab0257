package conflict

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
)

func enforcing(look func(context.Context) (Facts, error)) (*Detection, *Guard) {
	source := clinic.Source{Clock: clock.StartingAt(someday), NewID: uuid.New}
	guard := NewGuard(DefaultLimits(), &fallbacks{}, source, func(Fallback) {})
	return NewDetection(harm{look}, always{Enforce}, DefaultBudget(), guard, nil, source.Clock, uptime(source.Clock)), guard
}

// Whoever is booked over a rule isn't refused, however many they are.
func TestWhoIsBookedOverARuleCountsAsNobodyRefused(t *testing.T) {
	d, guard := enforcing(func(context.Context) (Facts, error) { return Facts{Established: true}, nil })
	for i := range 2 * DefaultLimits().Cases {
		j := d.Judge(t.Context(), access.Actor{}, newcomersOnly(byte(i)))
		if len(j.Broken) != 1 {
			t.Fatalf("%v", j.Broken)
		}
		j.ConcludeDone()
	}
	if guard.Tripped() {
		t.Error("the guard has tripped although nobody was refused")
	}
}

// A booking that comes to nothing concludes no case; that the detection failed is known all the same.
func TestAGuardHearsOfFailuresWhateverBecomesOfTheBooking(t *testing.T) {
	d, guard := enforcing(func(context.Context) (Facts, error) { return Facts{}, errFault })
	for i := range DefaultLimits().Cases {
		d.Judge(t.Context(), access.Actor{}, newcomersOnly(byte(i)))
	}
	if !guard.Tripped() {
		t.Error("the guard hasn't tripped")
	}
}
