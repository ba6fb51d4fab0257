package audit

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// shelf keeps events in memory, or fails.
type shelf struct {
	fail   error
	events []Event
}

func (s *shelf) Record(_ context.Context, _ uuid.UUID, events []Event) error {
	if s.fail == nil {
		s.events = append(s.events, events...)
	}
	return s.fail
}

func TestCountsAreBoundedAndNoneIsLost(t *testing.T) {
	kept := &shelf{fail: errors.New("away")}
	now := clock.FrozenAt(time.Date(2026, 6, 8, 10, 0, 30, 0, time.UTC))
	r := NewRecorder(kept, clinic.Source{Clock: now, NewID: func() uuid.UUID { return uuid.UUID{} }})
	const kinds = maxCounted + 500
	for i := range kinds {
		who := access.Nobody("")
		who.Trail = &access.Trail{}
		who.Trail.Refused(access.Refusal{At: strconv.Itoa(i)})
		if err := r.Keep(t.Context(), who, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Flush(t.Context()); err == nil {
		t.Error("a failure is passed over")
	}
	kept.fail = nil
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	times := 0
	for _, e := range kept.events {
		times += e.Times
		if e.Action != others && !e.At.Equal(now.Now().Truncate(time.Minute)) {
			t.Fatalf("counted at %v", e.At)
		}
	}
	if times != kinds || len(kept.events) > maxCounted+2 {
		t.Errorf("%d refusals in %d rows", times, len(kept.events))
	}
}

func TestATrailThatIsFullIsNotAnswered(t *testing.T) {
	r := NewRecorder(&shelf{}, clinic.Source{Clock: clock.FrozenAt(time.Date(2026, 6, 8, 10, 0, 0, 0, time.UTC)), NewID: func() uuid.UUID { return uuid.UUID{} }})
	who := access.Actor{Kind: access.Staff, Trail: &access.Trail{}}
	for i := range access.MaxSights + 1 {
		who.Trail.Saw(access.Sight{Kind: strconv.Itoa(i)})
	}
	if err := r.Keep(t.Context(), who, nil); errs.Of(err) != errs.InvalidInput {
		t.Errorf("%v", err)
	}
}

func TestADigestIsOfEveryPart(t *testing.T) {
	whole := Event{Fields: []string{"a", "b"}, Times: 1, Client: "ab", Action: "c"}
	seen := map[string]string{}
	for name, change := range map[string]func(*Event){
		"nothing": func(*Event) {}, "organisation": func(e *Event) { e.Organization[0] = 1 }, "id": func(e *Event) { e.ID[0] = 1 },
		"position": func(e *Event) { e.Position = 1 }, "time": func(e *Event) { e.At = e.At.Add(time.Second) }, "kind": func(e *Event) { e.ActorKind = "x" },
		"actor": func(e *Event) { e.Actor[0] = 1 }, "client and action": func(e *Event) { e.Client, e.Action = "a", "bc" },
		"entity kind": func(e *Event) { e.EntityKind = "x" }, "entity": func(e *Event) { e.Entity[0] = 1 }, "request": func(e *Event) { e.Request = "x" },
		"effect": func(e *Event) { e.Effect = Read }, "outcome": func(e *Event) { e.Outcome = Denied }, "patient": func(e *Event) { e.Patient[0] = 1 },
		"purpose": func(e *Event) { e.Purpose = access.Treatment }, "grant": func(e *Event) { e.Grant[0] = 1 },
		"fields": func(e *Event) { e.Fields = []string{"ab"} }, "one field": func(e *Event) { e.Fields = []string{"a"} },
		"flags": func(e *Event) { e.Flags = NoFlags }, "times": func(e *Event) { e.Times = 2 },
	} {
		e := whole
		change(&e)
		digest := string(e.Digest())
		if other, known := seen[digest]; known {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[digest] = name
	}
}
