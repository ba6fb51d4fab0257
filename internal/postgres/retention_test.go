package postgres_test

import (
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/retention"
)

func (f file) expire() int {
	f.t.Helper()
	n, err := f.retention().Expire(f.t.Context(), 10, 2)
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

func TestWhoseTimeIsOverIsErasedToTheSecond(t *testing.T) {
	f := newFile(t)
	for range 5 { // who never had an appointment stays; pages are of two
		f.Patient()
	}
	ended := f.Slot(f.Provider(1), 10, 30).Start
	f.clock.Set(ended.AddDate(10, 0, 0).Add(-time.Microsecond))
	if n := f.expire(); n != 0 {
		t.Errorf("%d patients are erased a moment too early", n)
	}
	f.clock.Set(ended.AddDate(10, 0, 0))
	if n, err := f.retention().Expire(t.Context(), 0, 2); n != 0 || err != nil {
		t.Errorf("%d patients are erased where they are kept for ever, %v", n, err)
	}
	if n := f.expire(); n != 1 {
		t.Errorf("%d patients are erased", n)
	}
	if p, _, _, err := f.reads(); err != nil || !p.Erased || f.keyIsThere() {
		t.Errorf("%+v, %v", p, err)
	}
	if n := f.number(`SELECT count(*) FROM audit_events WHERE patient_id = $1 AND action = 'patient.erase.retention' AND actor_kind = 'SYSTEM'`); n != 1 {
		t.Errorf("%d records of the erasure", n)
	}
	if n := f.expire(); n != 0 {
		t.Errorf("%d patients are erased again", n)
	}
}

func TestALegalHoldOrALaterVisitStopsTheClock(t *testing.T) {
	f := newFile(t)
	placed, err := f.retention().PlaceHold(t.Context(), f.admin(), retention.PlaceHold{Patient: f.patient, Reason: "A lawsuit is under way", Key: key()})
	if err != nil {
		t.Fatal(err)
	}
	later := f.Slot(f.Provider(1), 10, 0)
	f.clock.Set(later.Start.AddDate(11, 0, 0))
	if n := f.expire(); n != 0 {
		t.Errorf("%d patients are erased under a legal hold", n)
	}
	if _, err := f.retention().ReleaseHold(t.Context(), f.admin(), placed.Hold.Ref()); err != nil {
		t.Fatal(err)
	}
	later.Start = later.Start.AddDate(11, 0, 7)
	if _, err := f.Book(t.Context(), f.front, appointment.BookVisit{Target: appointment.Target{Slot: &later}, Patient: &f.patient, Key: key()}); err != nil {
		t.Fatal(err)
	}
	if n := f.expire(); n != 0 {
		t.Errorf("%d patients are erased with a visit to come", n)
	}
	f.clock.Set(later.Start.AddDate(10, 0, 1))
	if n := f.expire(); n != 1 {
		t.Errorf("%d patients are erased once it is long ago", n)
	}
}

// A crash between the commit and the key leaves the key: an older copy of the database would still say everything.
func TestAKeyThatACrashLeftIsDestroyedByTheJob(t *testing.T) {
	f := newFile(t)
	by := f.source().Stamp(f.admin())
	if _, err := f.directory().Erase(t.Context(), by, f.patient, retention.Requested); err != nil || !f.keyIsThere() {
		t.Fatal("the store itself destroys the key", err)
	}
	if n, err := f.retention().Finish(t.Context(), 1); n != 1 || err != nil || f.keyIsThere() {
		t.Errorf("%d keys, %v", n, err)
	}
	if n, err := f.retention().Finish(t.Context(), 1); n != 0 || err != nil {
		t.Errorf("%d keys again, %v", n, err)
	}
}

func TestALegalHoldOnceReleasedStaysSoAndItsReasonOutlivesThePatient(t *testing.T) {
	f := newFile(t)
	in := retention.PlaceHold{Patient: f.patient, Reason: " A lawsuit is under way ", Key: key()}
	by := f.admin()
	placed, err := f.retention().PlaceHold(t.Context(), by, in)
	if err != nil || placed.Replayed || placed.Hold.Reason != "A lawsuit is under way" {
		t.Fatalf("%+v, %v", placed, err)
	}
	if again, err := f.retention().PlaceHold(t.Context(), by, in); err != nil || !again.Replayed || again.Hold.ID != placed.Hold.ID {
		t.Errorf("%+v, %v", again, err)
	}
	released, err := f.retention().ReleaseHold(t.Context(), by, placed.Hold.Ref())
	if err != nil || released.ReleasedAt == nil {
		t.Fatalf("%+v, %v", released, err)
	}
	f.clock.Advance(time.Hour)
	if again, err := f.retention().ReleaseHold(t.Context(), by, placed.Hold.Ref()); err != nil || !again.ReleasedAt.Equal(*released.ReleasedAt) {
		t.Errorf("%+v, %v", again, err)
	}
	if n := f.number(`SELECT count(*) FROM audit_events WHERE patient_id = $1 AND action IN ('legalHold.place', 'legalHold.release')`); n != 2 {
		t.Errorf("%d records", n)
	}
	if _, err := f.erase(); err != nil {
		t.Fatal(err)
	}
	found, err := f.retention().LegalHoldsOf(t.Context(), by, []clinic.Ref{f.patient})
	if list := found[f.patient]; err != nil || len(list) != 1 || list[0].Reason != "A lawsuit is under way" {
		t.Errorf("%+v, %v", list, err)
	}
	if found, err := f.retention().LegalHolds(t.Context(), f.front, []clinic.Ref{placed.Hold.Ref()}); err != nil || len(found) > 0 {
		t.Errorf("the front desk sees %v, %v", found, err)
	}
}

func TestWhoMayHoldAndWhatAReasonIs(t *testing.T) {
	f := newFile(t)
	foreign := f.admin()
	foreign.Organization = f.admin().ID
	for what, c := range map[string]struct {
		who    access.Actor
		reason access.Private
		want   errs.Kind
	}{
		"a desk":      {f.front, "A lawsuit is under way", errs.Forbidden},
		"foreign":     {foreign, "A lawsuit is under way", errs.NotFound},
		"9 letters":   {f.admin(), "A lawsuit", errs.InvalidInput},
		"blank":       {f.admin(), "            ", errs.InvalidInput},
		"501 letters": {f.admin(), access.Private(make501()), errs.InvalidInput},
	} {
		if _, err := f.retention().PlaceHold(t.Context(), c.who, retention.PlaceHold{Patient: f.patient, Reason: c.reason, Key: key()}); errs.Of(err) != c.want {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := f.retention().PlaceHold(t.Context(), f.admin(), retention.PlaceHold{Patient: f.patient, Reason: "A lawsuit.", Key: key()}); err != nil {
		t.Errorf("10 letters: %v", err)
	}
	if _, err := f.retention().ReleaseHold(t.Context(), f.admin(), f.patient); errs.Of(err) != errs.NotFound {
		t.Errorf("an unknown hold: %v", err)
	}
}

func make501() string {
	text := make([]byte, 501)
	for i := range text {
		text[i] = 'x'
	}
	return string(text)
}
