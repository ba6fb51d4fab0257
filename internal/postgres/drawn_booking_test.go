package postgres_test

import (
	"context"
	"errors"
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
)

// fewer runs a check of random worlds that talks to the database less often than others, unless a number is asked for.
func fewer(t *testing.T, checks string, check func(*rapid.T)) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		_ = f.Value.Set(checks)
		t.Cleanup(func() { _ = f.Value.Set(f.DefValue) })
	}
	rapid.Check(t, check)
}

// What is read from the database is what was written, and what is listed as free is what can be had: a world is written
// through the services and listed; then time after time is held, booked or moved to by somebody new.
func TestWhatIsListedIsWhatWasWrittenAndWhatCanBeBooked(t *testing.T) {
	o := newOffice(t)
	fewer(t, "25", func(t *rapid.T) {
		d := o.draw(t)
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			d.step(d.pick(d.listed()))
			if d.one(4, "later") {
				d.clock.Advance(*d.minutes("by", 1, 5, 60))
			}
		}
		d.listed()
	})
}

var allStates = []availability.Status{availability.Free, availability.Held, availability.Booked, availability.Blocked}

// listed lists a period of one kind, from the database and from what was asked for.
func (d *drawn) listed() []availability.Slot {
	from := d.around.Add(time.Duration(rapid.IntRange(-40*4, 20*4).Draw(d.T, "from")) * 15 * time.Minute)
	q := availability.Query{
		VisitKind: rapid.SampledFrom(d.kinds).Draw(d.T, "kind").ID, From: from, To: from.Add(*d.minutes("period", 30*60, 72*60, 8*60, 60)),
		Now: d.clock.Now(), Statuses: allStates,
	}
	by := d.FrontDesk()
	if len(d.holders) > 0 && d.one(2, "as a holder") {
		by = rapid.SampledFrom(d.holders).Draw(d.T, "holder")
		q.Asking, q.Statuses = asking(by), []availability.Status{availability.Free}
	}
	want := availability.Openings(d.rules(), d.taken(), q)
	got := d.pages(by, availability.Listing{Provider: d.provider, VisitKind: q.VisitKind, From: q.From, To: q.To, Statuses: allStates})
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want):
			d.Fatalf("too many: %s", shown(got[i]))
		case i >= len(got):
			d.Fatalf("lacks %s", shown(want[i]))
		case shown(got[i]) != shown(want[i]):
			d.Fatalf("%s instead of %s", shown(got[i]), shown(want[i]))
		}
	}
	return want
}

// pages lists all that there is: a few days of short visits at two places are more than a page.
func (d *drawn) pages(by access.Actor, l availability.Listing) (all []availability.Slot) {
	for w, more := everything, true; more; {
		page, err := d.openings.Slots(d.Context(), by, l, w)
		if err != nil {
			d.Fatal(err)
		}
		if all, more = append(all, page.Items...), page.HasNext; more {
			w.After = availability.SlotKey(all[len(all)-1])
		}
	}
	return all
}

// pick draws a slot of a list, oftener one that isn't free than there are such, or a time that isn't on it.
func (d *drawn) pick(slots []availability.Slot) availability.SlotID {
	full := slices.DeleteFunc(slices.Clone(slots), func(s availability.Slot) bool { return s.Status == availability.Free })
	switch {
	case len(slots) == 0 || d.one(6, "off the list"):
		return d.anything()
	case len(full) > 0 && d.one(3, "not free"):
		slots = full
	}
	return rapid.SampledFrom(slots).Draw(d.T, "slot").SlotID
}

// anything is a time that may be no slot at all.
func (d *drawn) anything() availability.SlotID {
	return availability.SlotID{
		Organization: d.Organization, Provider: d.provider.ID, Location: rapid.SampledFrom(d.places).Draw(d.T, "at").ID,
		VisitKind: rapid.SampledFrom(d.kinds).Draw(d.T, "of").ID, Modality: rapid.SampledFrom(d.kinds[0].Modalities).Draw(d.T, "by"),
		Start: d.around.Add(time.Duration(rapid.IntRange(-48*12, 48*12).Draw(d.T, "at minute")) * 5 * time.Minute),
	}
}

type visit struct {
	appointment.Appointment
	by access.Actor
}

// step tries to have a slot, and is refused when it isn't free to whoever tries.
func (d *drawn) step(slot availability.SlotID) {
	switch rapid.IntRange(0, 3).Draw(d.T, "step") {
	case 0:
		d.tryHold(slot)
	case 1:
		ofKind := func(v visit) bool { return v.VisitKindID == slot.VisitKind && d.clock.Now().Before(v.Start) }
		if i := slices.IndexFunc(d.visits, ofKind); i >= 0 {
			d.tryMove(slot, i)
			return
		}
		d.tryBook(slot)
	default:
		d.tryBook(slot)
	}
}

// goes compares an outcome with what the rules and the tables say.
func (d *drawn) goes(what string, slot availability.SlotID, who availability.Asking, err error, v availability.Verdict) bool {
	if (err == nil) != v.Bookable() {
		d.Fatalf("%s %v of %v: %v, though it is %s to %+v, blocked by %v", what, slot.Start, slot.Modality, err, v.Slot.Status, who, v.Blocked)
	}
	if err != nil && !isRefusal(err) {
		d.Fatalf("%s failed: %v", what, err)
	}
	return err == nil
}

func isRefusal(err error) bool {
	return errors.As(err, new(appointment.SlotTaken)) || errors.As(err, new(appointment.SlotUnavailable))
}

func (d *drawn) check(slot availability.SlotID, who availability.Asking) availability.Verdict {
	return availability.Check(d.rules(), d.taken(), slot, d.clock.Now(), who)
}

func (d *drawn) tryBook(slot availability.SlotID) {
	by := d.Patient()
	who := asking(by)
	v := d.check(slot, who)
	b, err := d.book(by, slot)
	if d.goes("booking", slot, who, err, v) {
		d.visits = append(d.visits, visit{b.Appointment, by})
	}
}

func (d *drawn) tryHold(slot availability.SlotID) {
	by := d.Patient()
	who := asking(by)
	v := d.check(slot, who)
	h, err := d.hold(by, slot)
	if !d.goes("a hold", slot, who, err, v) {
		return
	}
	if d.one(2, "held only") {
		d.holders = append(d.holders, by)
		return
	}
	b, err := d.bookHold(by, h)
	if err != nil {
		d.Fatalf("booking a hold: %v", err)
	}
	d.visits = append(d.visits, visit{b.Appointment, by})
}

func (d *drawn) tryMove(slot availability.SlotID, i int) {
	v := d.visits[i]
	who := asking(v.by)
	for _, c := range d.taken().Claims {
		if c.Appointment == v.ID {
			who.Moving = &availability.Moving{Appointment: v.ID, Day: c.CountedDay, Windows: c.CountedWindows}
		}
	}
	verdict := d.check(slot, who)
	b, err := d.Move(context.Background(), v.by, appointment.MoveVisit{
		Appointment: v.Ref(), Target: appointment.Target{Slot: &slot}, Key: uuid.NewString(),
	})
	if v.Slot() == slot { // it stands there, whatever the rules say by now
		if err != nil {
			d.Fatalf("a move to where it is: %v", err)
		}
		return
	}
	if d.goes("a move", slot, who, err, verdict) {
		d.visits[i].Appointment = b.Appointment
	}
}

func asking(a access.Actor) availability.Asking {
	return availability.Asking{Holder: availability.Holder{Actor: a.ID, Patient: a.PatientID}}
}
