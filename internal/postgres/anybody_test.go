package postgres_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// anybodyAt asks for whoever is free at an hour and minute of Monday.
func (d *desk) anybodyAt(hour, minute int) appointment.AnyProvider {
	slot := d.Slot(clinic.Ref{}, hour, minute)
	return appointment.AnyProvider{
		VisitKind: clinic.Ref{Organization: d.Organization, ID: d.VisitKind}, Location: clinic.Ref{Organization: d.Organization, ID: d.Location}, Start: slot.Start,
	}
}

func (d *desk) bookAny(a access.Actor, in appointment.AnyProvider) (appointment.Booking, error) {
	return d.Book(d.t.Context(), a, appointment.BookVisit{Target: appointment.Target{Any: &in}, Key: key()})
}

func (d *desk) booksAny(a access.Actor, in appointment.AnyProvider) appointment.Appointment {
	d.t.Helper()
	b, err := d.bookAny(a, in)
	if err != nil {
		d.t.Fatalf("%v: %v", err, brokenBy(err))
	}
	return b.Appointment
}

func TestTheOneWithTheFewestVisitsOfTheDayIsBookedFirst(t *testing.T) {
	d := newDesk(t)
	busy, calm, calmest := d.Provider(1), d.Provider(1), d.Provider(1)
	for _, at := range []int{9, 10, 11} {
		d.books(d.Patient(), d.Slot(busy, at, 0))
	}
	d.books(d.Patient(), d.Slot(calm, 9, 0))
	held, err := d.hold(d.Patient(), d.Slot(calm, 10, 0)) // who holds is about to book
	if err != nil {
		t.Fatal(err)
	}
	d.books(d.Patient(), d.Slot(calmest, 15, 0))
	for i, want := range []clinic.Ref{calmest, calm, busy} {
		if got := d.booksAny(d.Patient(), d.anybodyAt(14, 0)); got.ProviderID != want.ID || got.Status != appointment.Booked {
			t.Errorf("visit %d is with %v, not with %v (%v)", i, got.ProviderID, want.ID, held.ID)
		}
	}
	if _, err := d.bookAny(d.Patient(), d.anybodyAt(14, 0)); !errors.As(err, new(appointment.SlotTaken)) {
		t.Errorf("where nobody is left: %v", err)
	}
	d.noDoubleBooking()
	d.countsMatchClaims()
}

func TestWhoeverFitsIsAsked(t *testing.T) {
	d := newDesk(t)
	ada, berta, clara := d.Provider(5), d.Provider(5), d.Provider(5)
	d.Set(`UPDATE providers SET languages = '{de-CH,fr}' WHERE organization_id = $1 AND id = $2`, berta.ID)
	elsewhere := d.Place(40, -74)
	d.Set(`UPDATE schedules SET location_id = $3 WHERE organization_id = $1 AND provider_id = $2`, clara.ID, elsewhere)
	german, unknown := "de", "xx-unheard"
	video := clinic.Video
	for name, c := range map[string]struct {
		narrow func(*appointment.AnyProvider)
		want   uuid.UUID
	}{
		"named":       {func(in *appointment.AnyProvider) { in.Providers = []clinic.Ref{ada} }, ada.ID},
		"language":    {func(in *appointment.AnyProvider) { in.Language = &german }, berta.ID},
		"place":       {func(in *appointment.AnyProvider) { in.Location.ID = elsewhere }, clara.ID},
		"not there":   {func(in *appointment.AnyProvider) { in.Providers = []clinic.Ref{clara} }, uuid.Nil},
		"nobody":      {func(in *appointment.AnyProvider) { in.Language = &unknown }, uuid.Nil},
		"another way": {func(in *appointment.AnyProvider) { in.Modality = &video }, uuid.Nil},
	} {
		in := d.anybodyAt(10, 0)
		c.narrow(&in)
		b, err := d.bookAny(d.Patient(), in)
		if c.want != uuid.Nil && (err != nil || b.Appointment.ProviderID != c.want) {
			t.Errorf("%s: with %v, %v", name, b.Appointment.ProviderID, err)
		}
		if c.want == uuid.Nil && err == nil {
			t.Errorf("%s: with %v", name, b.Appointment.ProviderID)
		}
		if name == "another way" {
			d.refused(err, availability.VisitKindNotOffered)
		}
	}
}

func TestWhatNobodyCanHaveIsToldByTheOneWhoIsNearestToIt(t *testing.T) {
	for _, mode := range []conflict.Mode{conflict.Off, conflict.Enforce} {
		d := newDesk(t).detecting(mode)
		first, second := d.Provider(1), d.Provider(1)
		ann := d.Patient()
		visit := d.books(ann, d.Slot(first, 10, 0))
		d.clock.Advance(10 * time.Minute) // so that it isn't the same once more
		var clash appointment.PatientConflict
		if _, err := d.bookAny(ann, d.anybodyAt(10, 0)); !errors.As(err, &clash) || clash.With != visit.Ref() {
			t.Errorf("%s: %v with %v", mode, err, clash.With)
		}
		d.books(d.Patient(), d.Slot(second, 11, 0))
		d.capDay(first, 1)
		d.raiseRules(first)
		if _, err := d.bookAny(d.Patient(), d.anybodyAt(11, 0)); !errors.As(err, new(appointment.SlotTaken)) {
			t.Errorf("%s: one is taken and one has enough: %v", mode, err)
		}
		_, err := d.bookAny(d.Patient(), d.anybodyAt(7, 0))
		d.refused(err, availability.OutsideHours)
	}
}

// A repeated request is answered the visit that it made, by its key, or by another one within five minutes.
func TestAnybodyIsBookedOnce(t *testing.T) {
	d := newDesk(t)
	d.Provider(1)
	d.Provider(1)
	ann, in := d.Patient(), d.anybodyAt(10, 0)
	asked := appointment.BookVisit{Target: appointment.Target{Any: &in}, Key: key()}
	first, err := d.Book(t.Context(), ann, asked)
	if err != nil || first.Replayed {
		t.Fatal(first, err)
	}
	for range 2 {
		again, err := d.Book(t.Context(), ann, asked)
		if err != nil || !again.Replayed || again.Appointment.ID != first.Appointment.ID {
			t.Errorf("once more it is %v, %v", again.Appointment.ID, err)
		}
		asked.Key = key()
	}
	d.clock.Advance(5*time.Minute + 1)
	asked.Key = key()
	if _, err := d.Book(t.Context(), ann, asked); !errors.As(err, new(appointment.PatientConflict)) {
		t.Errorf("after five minutes: %v", err)
	}
	other := d.anybodyAt(11, 0)
	asked.Target.Any = &other
	if _, err := d.Book(t.Context(), ann, asked); err != nil {
		t.Errorf("a refused key is free: %v", err)
	}
	asked.Target.Any = &in
	if _, err := d.Book(t.Context(), ann, asked); !errors.As(err, new(appointment.KeyReused)) {
		t.Errorf("another input: %v", err)
	}
	if n := d.count(`SELECT count(*)::int FROM appointments`); n != 2 {
		t.Errorf("%d visits", n)
	}
}

// Rooms are seen by the database alone: who has none there is no option any more, and the next one is tried.
func TestAnybodyWithoutARoomIsToldSo(t *testing.T) {
	for _, mode := range []conflict.Mode{conflict.Off, conflict.Enforce} {
		d := newDesk(t).detecting(mode)
		d.Requiring(`needs = '{exam}'`)
		d.Room("exam")
		d.Provider(2)
		d.Provider(2)
		d.booksAny(d.Patient(), d.anybodyAt(10, 0))
		_, err := d.bookAny(d.Patient(), d.anybodyAt(10, 0))
		d.refused(err, availability.ResourceBusy)
	}
}

func TestAlternativesToAnybodyAreTimesOfWhoeverWouldDo(t *testing.T) {
	d := newDesk(t)
	first, second, third := d.Provider(1), d.Provider(1), d.Provider(1)
	for _, p := range []clinic.Ref{first, second} {
		d.books(d.Patient(), d.Slot(p, 10, 0))
	}
	d.books(d.Patient(), d.Slot(first, 10, 30))
	in := d.anybodyAt(10, 0)
	in.Providers = []clinic.Ref{first, second}
	ann := d.Patient()
	_, err := d.bookAny(ann, in)
	var taken appointment.SlotTaken
	if !errors.As(err, &taken) {
		t.Fatal(err)
	}
	found, err := d.Alternatives(t.Context(), ann, taken.Slot, taken.For, 3)
	var starts []string
	for _, slot := range found {
		starts = append(starts, slot.LocalStart.Time.String()[:5])
		if slot.Provider == third.ID || slot.LocalStart.Time.String()[:5] == "10:30" && slot.Provider != second.ID {
			t.Errorf("%v is offered", slot)
		}
	}
	if want := []string{"09:30", "10:30", "09:00"}; err != nil || !slices.Equal(starts, want) {
		t.Errorf("%v %v", starts, err)
	}
}

func TestAnybodyIsAskedForAsItCanBe(t *testing.T) {
	d := newDesk(t)
	provider := d.Provider(1)
	other := clinic.Ref{Organization: uuid.New(), ID: uuid.New()}
	wrong := "no language"
	for field, spoil := range map[string]func(*appointment.BookVisit){
		"target anyProvider visitKindId":   func(in *appointment.BookVisit) { in.Target.Any.VisitKind.ID = uuid.New() },
		"target anyProvider locationId":    func(in *appointment.BookVisit) { in.Target.Any.Location.ID = uuid.New() },
		"target anyProvider start":         func(in *appointment.BookVisit) { in.Target.Any.Start = in.Target.Any.Start.Add(time.Second) },
		"target anyProvider providerIds":   func(in *appointment.BookVisit) { in.Target.Any.Providers = []clinic.Ref{} },
		"target anyProvider providerIds 0": func(in *appointment.BookVisit) { in.Target.Any.Providers = []clinic.Ref{other} },
		"target anyProvider language":      func(in *appointment.BookVisit) { in.Target.Any.Language = &wrong },
		"target":                           func(in *appointment.BookVisit) { in.Target.Slot = &availability.SlotID{} },
		"override":                         func(in *appointment.BookVisit) { in.Override = &conflict.Override{} },
	} {
		asked := d.anybodyAt(10, 0)
		in := appointment.BookVisit{Target: appointment.Target{Any: &asked}, Key: key()}
		spoil(&in)
		_, err := d.Book(t.Context(), d.Patient(), in)
		if got := pathOf(err); got != field || errs.Of(err) != errs.InvalidInput && errs.Of(err) != errs.NotFound {
			t.Errorf("%q, not %q: %v", got, field, err)
		}
	}
	asked := d.anybodyAt(10, 0)
	ann := d.Patient()
	visit := d.books(ann, d.Slot(provider, 9, 0))
	_, err := d.Move(t.Context(), ann, appointment.MoveVisit{Appointment: visit.Ref(), Target: appointment.Target{Any: &asked}, Key: key()})
	if got := pathOf(err); got != "target anyProvider" || errs.Of(err) != errs.InvalidInput {
		t.Errorf("a move: %v at %q", err, got)
	}
}

// pathOf is the field that a failure names.
func pathOf(err error) string {
	e, _ := errors.AsType[*errs.Error](err)
	if e == nil {
		return ""
	}
	return strings.Join(e.Path, " ")
}

// A provider whom others keep locked isn't waited for while another one is free; where nobody else is, the same request may succeed later.
func TestWhoIsLockedIsPassedOver(t *testing.T) {
	d := newDesk(t)
	stuck, other := d.Provider(1), d.Provider(1)
	d.books(d.Patient(), d.Slot(other, 9, 0)) // so that the stuck one comes first
	d.books(d.Patient(), d.Slot(stuck, 15, 0))
	d.books(d.Patient(), d.Slot(other, 15, 30))
	tx := d.begin()
	if _, err := tx.Exec(t.Context(), `SELECT FROM party_days WHERE party_id = $1 FOR UPDATE`, stuck.ID); err != nil {
		t.Fatal(err)
	}
	if got := d.booksAny(d.Patient(), d.anybodyAt(10, 0)); got.ProviderID != other.ID {
		t.Errorf("it is with %v", got.ProviderID)
	}
	if _, err := d.bookAny(d.Patient(), d.anybodyAt(10, 0)); errs.Of(err) != errs.Busy {
		t.Errorf("where nobody else is free: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := d.booksAny(d.Patient(), d.anybodyAt(10, 0)); got.ProviderID != stuck.ID {
		t.Errorf("then it is with %v", got.ProviderID)
	}
	d.noDoubleBooking()
	d.countsMatchClaims()
}
