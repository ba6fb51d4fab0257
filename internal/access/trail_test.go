package access_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
)

func TestATrailKeepsEachSightOnceAndSaysWhenItIsFull(t *testing.T) {
	var trail access.Trail
	one := access.Sight{Kind: "Patient", ID: uuid.UUID{15: 1}}
	trail.Saw(one, one)
	trail.Saw(one, access.Sight{Kind: "Appointment", ID: one.ID})
	trail.Changed("Appointment", one.ID)
	if seen, complete := trail.Sights(); len(seen) != 1 || seen[0] != one || !complete {
		t.Errorf("%v, %v", seen, complete)
	}
	for i := range access.MaxSights - 2 {
		trail.Saw(access.Sight{Kind: "SlotHold", ID: uuid.UUID{0: 1, 14: byte(i >> 8), 15: byte(i)}})
	}
	if _, complete := trail.Sights(); !complete {
		t.Error("what just fits is said not to")
	}
	if trail.Saw(access.Sight{Kind: "Patient"}); func() bool { _, complete := trail.Sights(); return complete }() {
		t.Error("one more than fits is passed over in silence")
	}
}

func TestNobodysTrailTakesWhatIsNoted(t *testing.T) {
	var none *access.Trail
	none.Saw(access.Sight{})
	none.Changed("Patient", uuid.Nil)
	none.Refused(access.Refusal{})
	if seen, complete := none.Sights(); seen != nil || !complete {
		t.Error("no trail has something")
	}
}
