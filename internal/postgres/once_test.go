package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

func TestTheSameKeyAnswersTheSameAndOtherInputIsRefused(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	slot, other := d.Slot(provider, 10, 0), d.Slot(provider, 11, 0)
	in := appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Key: "k"}
	first, err := d.Book(context.Background(), ann, in)
	if err != nil || first.Replayed {
		t.Fatal(first.Replayed, err)
	}
	again, err := d.Book(context.Background(), ann, in)
	if err != nil || !again.Replayed || again.Appointment.ID != first.Appointment.ID {
		t.Fatalf("the repeated request answered %v, replayed %v: %v", again.Appointment.ID, again.Replayed, err)
	}
	in.Target.Slot = &other
	var reused appointment.KeyReused
	if _, err := d.Book(context.Background(), ann, in); !errors.As(err, &reused) || !reused.FirstUsedAt.Equal(d.clock.Now()) {
		t.Fatalf("the key with another input got %v", err)
	}
	if _, err := d.Book(context.Background(), d.Patient(), in); err != nil {
		t.Fatalf("another caller's key of the same name: %v", err)
	}
	if d.count(`SELECT sum(replays) FROM idempotency_keys`) != 1 {
		t.Error("a replay must write, so that it waits for a standby as the first answer did")
	}
}

func TestAKeyBelongsToTheAppThatSentIt(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	slot, other := d.Slot(provider, 10, 0), d.Slot(provider, 11, 0)
	first, err := d.Book(context.Background(), ann, appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	phone := ann
	phone.Client = "another app"
	in := appointment.BookVisit{Target: appointment.Target{Slot: &other}, Key: "k"}
	for _, replayed := range []bool{false, true} {
		b, err := d.Book(context.Background(), phone, in)
		if err != nil || b.Replayed != replayed || b.Appointment.ID == first.Appointment.ID {
			t.Fatalf("the same person's key in another app answered %v, replayed %v: %v", b.Appointment.ID, b.Replayed, err)
		}
	}
	if n := d.count(`SELECT count(*)::int FROM idempotency_keys`); n != 2 {
		t.Errorf("%d keys are remembered", n)
	}
}

func TestARepeatedRequestIsAnsweredEvenWhenTheSlotIsNoLongerBookable(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	slot := d.Slot(provider, 10, 0)
	in := appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Key: "k"}
	first, err := d.Book(context.Background(), ann, in)
	if err != nil {
		t.Fatal(err)
	}
	d.clock.Set(slot.Start.Add(time.Hour))
	again, err := d.Book(context.Background(), ann, in)
	if err != nil || again.Appointment.ID != first.Appointment.ID {
		t.Fatalf("the retry an hour into the visit got %v", err)
	}
	d.clock.Set(d.clock.Now().Add(24 * time.Hour))
	if _, err := d.Book(context.Background(), ann, in); err == nil {
		t.Fatal("a day later the key is forgotten and the slot is past")
	}
}

func TestARefusalLeavesTheKeyFree(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	slot := d.Slot(provider, 10, 0)
	hold := d.mustHold(d.Patient(), slot)
	in := appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Key: "k"}
	if _, err := d.Book(context.Background(), ann, in); !errors.As(err, new(appointment.SlotTaken)) {
		t.Fatal(err)
	}
	d.clock.Set(hold.ExpiresAt)
	if b, err := d.Book(context.Background(), ann, in); err != nil || b.Replayed {
		t.Fatalf("the same key after a refusal: %v", err)
	}
}

func TestAnotherKeyForTheSameVisitWithinFiveMinutesAnswersTheVisit(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(2), d.Patient()
	slot := d.Slot(provider, 10, 0)
	first, err := d.book(ann, slot)
	if err != nil {
		t.Fatal(err)
	}
	d.clock.Advance(5*time.Minute - time.Microsecond)
	again, err := d.book(ann, slot)
	if err != nil || !again.Replayed || again.Appointment.ID != first.Appointment.ID {
		t.Fatalf("just under 5 minutes: %v %v", again.Replayed, err)
	}
	d.clock.Advance(time.Microsecond)
	var conflict appointment.PatientConflict
	if _, err := d.book(ann, slot); !errors.As(err, &conflict) || conflict.With != first.Appointment.Ref() {
		t.Fatalf("after 5 minutes: %v", err)
	}
}

func TestManyRequestsWithOneKeyBookOnce(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(5), d.Patient()
	slot := d.Slot(provider, 10, 0)
	in := appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Key: "k"}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for {
				_, err := d.Book(context.Background(), ann, in)
				if err == nil {
					return
				}
				if !errors.As(err, new(appointment.KeyInUse)) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := d.count(`SELECT count(*) FROM appointments`); n != 1 {
		t.Fatalf("booked %d times", n)
	}
}

func TestAMoveKeepsTheIDAndFreesTheOldTimeInOneStep(t *testing.T) {
	d := newDesk(t)
	provider, ann, bob := d.Provider(1), d.Patient(), d.Patient()
	old, next := d.Slot(provider, 10, 0), d.Slot(provider, 11, 0)
	visit, err := d.book(ann, old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.book(bob, next); err != nil {
		t.Fatal(err)
	}
	in := appointment.MoveVisit{Appointment: visit.Appointment.Ref(), Target: appointment.Target{Slot: &next}, Key: "m"}
	if _, err := d.Move(context.Background(), ann, in); !errors.As(err, new(appointment.SlotTaken)) {
		t.Fatalf("a move to a taken slot got %v", err)
	}
	stands, err := d.Appointments(context.Background(), ann, []clinic.Ref{in.Appointment})
	if err != nil || !stands[in.Appointment].Start.Equal(old.Start) || stands[in.Appointment].Version != 1 {
		t.Fatal("a refused move changed the appointment")
	}
	free := d.Slot(provider, 12, 0)
	in.Target.Slot = &free
	version := 1
	in.ExpectedVersion = &version
	moved, err := d.Move(context.Background(), ann, in)
	if err != nil || moved.Appointment.ID != visit.Appointment.ID || moved.Appointment.Version != 2 || *moved.Released != old {
		t.Fatalf("moved %+v: %v", moved, err)
	}
	again, err := d.Move(context.Background(), ann, in)
	if err != nil || !again.Replayed || again.Appointment.Version != 2 || *again.Released != old {
		t.Fatalf("the repeated move answered version %d: %v", again.Appointment.Version, err)
	}
	if _, err := d.book(d.Patient(), old); err != nil {
		t.Fatalf("the freed time can't be booked: %v", err)
	}
	in.Key, in.Target.Slot = "n", &old
	if _, err := d.Move(context.Background(), ann, in); !errors.As(err, new(appointment.StaleVersion)) {
		t.Fatalf("a move on an old version got %v", err)
	}
}

func TestRepeatingAReachedStateAnswersAsTheFirstTimeWithoutASecondEvent(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	visit, err := d.book(ann, d.Slot(provider, 10, 0))
	if err != nil {
		t.Fatal(err)
	}
	ref, version := visit.Appointment.Ref(), 1
	for range 2 {
		ap, err := d.Change(context.Background(), ann, appointment.ChangeState{Appointment: ref, Action: appointment.Confirm, ExpectedVersion: &version})
		if err != nil || ap.Version != 2 || ap.ConfirmedAt == nil {
			t.Fatalf("confirmed to version %d: %v", ap.Version, err)
		}
	}
	for range 2 {
		done, err := d.Cancel(context.Background(), ann, appointment.CancelVisit{Appointment: ref, Reason: appointment.Transport})
		if err != nil || done.Appointment.Version != 3 || done.Appointment.Cancellation.Reason != appointment.Transport {
			t.Fatalf("cancelled to %+v: %v", done.Appointment, err)
		}
	}
	if n := d.count(`SELECT count(*) FROM event_log`); n != 3 {
		t.Errorf("3 changes made %d events", n)
	}
	if n := d.count(`SELECT count(*) FROM audit_events`); n != 3 {
		t.Errorf("3 changes made %d audit rows", n)
	}
}
