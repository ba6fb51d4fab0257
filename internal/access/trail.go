package access

import (
	"sync"

	"github.com/google/uuid"
)

// Purpose is why somebody works with a patient's data: a code of HL7's PurposeOfUse
// (https://terminology.hl7.org/ValueSet-v3-PurposeOfUse.html).
type Purpose string

// The purposes that callers have here.
const (
	Administration Purpose = "HSYSADMIN"
	BreakGlass     Purpose = "BTG"
	FamilyRequest  Purpose = "FAMRQT"
	Operations     Purpose = "HOPERAT"
	PatientRequest Purpose = "PATRQT"
	Treatment      Purpose = "TREAT"
)

// Purpose is what the caller's role works with patients' data for.
func (a Actor) Purpose() Purpose {
	switch {
	case a.Grant != uuid.Nil:
		return BreakGlass
	case a.Kind == System && a.PatientID == uuid.Nil, a.Role == PlatformAdmin:
		return Administration
	case a.Role == Caregiver:
		return FamilyRequest
	case a.Kind == Patient, a.Kind == System, a.Kind == Anonymous && a.Client != "": // the system for a patient who answers; who opens a patient's link
		return PatientRequest
	case a.Role == FrontDesk || a.Role == Provider:
		return Treatment
	}
	return Operations
}

// Sight is something of a patient's that a request is about to be told.
type Sight struct {
	Organization uuid.UUID
	Kind         string // as the contract names its type
	ID           uuid.UUID
	Patient      uuid.UUID // zero when it is nobody's
	Grant        uuid.UUID // the emergency that it is seen under; zero when none
}

// Refusal is something that a caller asked for and was not given.
type Refusal struct {
	At           string    // the contract's coordinate, such as "Query.patients"
	Missing      bool      // as if it didn't exist; else for want of a right
	Organization uuid.UUID // that what was asked for is said to be of
	Kind         string    // of it, as far as the request names it
	ID           uuid.UUID
	Patient      uuid.UUID
}

// MaxSights bounds what a trail remembers; a request that saw more than fits is not answered.
const MaxSights = 10_000

// Trail collects what a request saw, changed and was refused. Its methods are safe for concurrent use, and do nothing on nil.
type Trail struct {
	mu      sync.Mutex
	seen    map[Sight]bool
	sights  []Sight // in the order seen
	changed map[thing]bool
	refused map[Refusal]int
	refusal []Refusal // in the order refused
	full    bool
}

type thing struct {
	kind string
	id   uuid.UUID
}

// Saw notes what is about to be answered. Each is kept once.
func (t *Trail) Saw(sights ...Sight) {
	if t == nil || len(sights) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil {
		t.seen = make(map[Sight]bool, len(sights))
	}
	for _, s := range sights {
		switch {
		case t.seen[s]:
		case len(t.sights) == MaxSights:
			t.full = true
		default:
			t.seen[s] = true
			t.sights = append(t.sights, s)
		}
	}
}

// Changed notes something whose change has been recorded by itself: that it is shown needs no other record.
func (t *Trail) Changed(kind string, id uuid.UUID) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.changed == nil {
		t.changed = map[thing]bool{}
	}
	t.changed[thing{kind, id}] = true
}

// Refused notes a refusal, and how often.
func (t *Trail) Refused(r Refusal) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refused == nil {
		t.refused = map[Refusal]int{}
	}
	if t.refused[r] == 0 {
		if len(t.refusal) == MaxSights {
			t.full = true
			return
		}
		t.refusal = append(t.refusal, r)
	}
	t.refused[r]++
}

// Sights are what was seen and not changed, in the order seen. complete is false when there was more than a trail remembers.
func (t *Trail) Sights() (seen []Sight, complete bool) {
	if t == nil {
		return nil, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	seen = make([]Sight, 0, len(t.sights))
	for _, s := range t.sights {
		if !t.changed[thing{s.Kind, s.ID}] {
			seen = append(seen, s)
		}
	}
	return seen, !t.full
}

// Refusals are what was refused, in the order refused, each with how often.
func (t *Trail) Refusals() ([]Refusal, []int) {
	if t == nil {
		return nil, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	times := make([]int, len(t.refusal))
	for i, r := range t.refusal {
		times[i] = t.refused[r]
	}
	return append([]Refusal(nil), t.refusal...), times
}
