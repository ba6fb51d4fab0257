package postgres_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/errs"
)

func (d *desk) rooms() *clinic.Service {
	return clinic.NewService(d.directory(), clinic.Source{Clock: d.clock, NewID: clinictest.NewID})
}

// needs has the clinic's kind of visit need one of each pool.
func (d *desk) needs(pools ...string) {
	d.t.Helper()
	in := clinictest.VisitKind(1)
	in.Key, in.Duration, in.Needs, in.Modalities = d.VisitKind.String(), 30*time.Minute, pools, []clinic.Modality{clinic.InPerson, clinic.Video}
	if _, err := d.rooms().PutVisitKind(d.t.Context(), d.admin(), in); err != nil {
		d.t.Error(err)
	}
}

// examRoom is one of a pool.
func (d *desk) examRoom(number int, pool string) clinic.PutResource {
	in := clinictest.Room(number, clinic.Location{OrganizationID: d.Organization, ID: d.Location})
	in.Pool = pool
	return in
}

func (d *desk) putRoom(in clinic.PutResource) (clinic.Resource, error) {
	return d.rooms().PutResource(d.t.Context(), d.admin(), in)
}

func (d *desk) mustRoom(number int, pool string) clinic.Resource {
	d.t.Helper()
	r, err := d.putRoom(d.examRoom(number, pool))
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// equip has the worker go through all visits, so many at a time.
func (d *desk) equip(page int) {
	d.t.Helper()
	for more := true; more; {
		var err error
		if _, more, err = d.directory().Equip(d.t.Context(), d.clock.Now(), page); err != nil {
			d.t.Fatal(err)
		}
	}
}

// has are the resources that an appointment has claims of, and the claims.
func (d *desk) has(a appointment.Appointment) (resources, claims []uuid.UUID) {
	d.t.Helper()
	rows, err := d.pool.Query(d.t.Context(), `SELECT party_id, id FROM claims WHERE appointment_id = $1 AND state = 'ACTIVE' AND party_kind IN ('ROOM', 'EQUIPMENT')
		AND starts_at = $2 AND ends_at = $3 ORDER BY 1`, a.ID, a.Start, a.End)
	if err != nil {
		d.t.Fatal(err)
	}
	for rows.Next() {
		var resource, claim uuid.UUID
		if err := rows.Scan(&resource, &claim); err != nil {
			d.t.Fatal(err)
		}
		resources, claims = append(resources, resource), append(claims, claim)
	}
	return resources, claims
}

// lacking are the visits that staff is told of, by their ids.
func (d *desk) lacking() []uuid.UUID {
	d.t.Helper()
	page, _, err := d.Unequipped(d.t.Context(), d.FrontDesk(), nil, everything)
	n, err2 := d.CountUnequipped(d.t.Context(), d.FrontDesk(), nil)
	if err != nil || err2 != nil || n != len(page.Items) {
		d.t.Errorf("%d listed, %d counted (%v, %v)", len(page.Items), n, err, err2)
	}
	var list []uuid.UUID
	for _, a := range page.Items {
		list = append(list, a.ID)
	}
	return list
}

// together are visits at the same time, one with each of n providers, in the order in which a worker comes to them.
func (d *desk) together(n, hour int) (list []appointment.Appointment) {
	d.t.Helper()
	for range n {
		list = append(list, d.mustBook(d.Patient(), d.Slot(d.Provider(1), hour, 0)))
	}
	slices.SortFunc(list, func(a, b appointment.Appointment) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return list
}

func TestVisitsBookedBeforeTheirKindNeededARoomGetOneInTheOrderOfTheirStart(t *testing.T) {
	d := newDesk(t)
	early, late := d.together(3, 10), d.together(1, 11)
	first, second := d.mustRoom(1, "exam"), d.mustRoom(2, "exam")
	d.mustRoom(3, "ultrasound")
	d.equip(100)
	if r, _ := d.has(early[0]); r != nil {
		t.Errorf("a visit that needs nothing has %v", r)
	}
	d.needs("exam")
	if got := d.lacking(); !slices.Equal(got, []uuid.UUID{early[0].ID, early[1].ID, early[2].ID, late[0].ID}) {
		t.Errorf("before the worker comes these lack a room: %v", got)
	}
	d.equip(1)
	one, claims := d.has(early[0])
	other, _ := d.has(early[1])
	if both := append(one, other...); len(both) != 2 || !slices.Contains(both, first.ID) || !slices.Contains(both, second.ID) {
		t.Errorf("the first two have %v and %v", one, other)
	}
	if none, _ := d.has(early[2]); none != nil {
		t.Errorf("the third has %v", none)
	}
	if r, _ := d.has(late[0]); len(r) != 1 {
		t.Errorf("who comes later has %v", r)
	}
	if got := d.lacking(); !slices.Equal(got, []uuid.UUID{early[2].ID}) {
		t.Errorf("these lack a room: %v", got)
	}

	third := d.mustRoom(4, "exam")
	d.equip(2)
	if r, _ := d.has(early[2]); !slices.Equal(r, []uuid.UUID{third.ID}) || d.lacking() != nil {
		t.Errorf("with another room: %v, and these lack one: %v", r, d.lacking())
	}
	if _, again := d.has(early[0]); !slices.Equal(again, claims) {
		t.Errorf("who had a room was given another: %v, then %v", claims, again)
	}

	d.needs("ultrasound")
	d.equip(3)
	for _, a := range append(early, late...) {
		if r, _ := d.has(a); slices.ContainsFunc(r, func(id uuid.UUID) bool { return id == first.ID || id == second.ID || id == third.ID }) {
			t.Errorf("what isn't needed any more is kept: %v", r)
		}
	}
	if n := len(d.lacking()); n != 2 {
		t.Errorf("%d of three at once lack the one that there is", n)
	}
}

func TestOfVisitsThatNeedNoRoomNoneIsListed(t *testing.T) {
	d := newDesk(t)
	d.needs()
	provider := d.Provider(1)
	remote := d.Slot(provider, 10, 0)
	remote.Modality = clinic.Video
	d.mustBook(d.Patient(), remote)
	gone := d.mustBook(d.Patient(), d.Slot(provider, 11, 0))
	d.mustBook(d.Patient(), d.Slot(provider, 12, 0))
	d.needs("exam")
	d.mustCancel(d.FrontDesk(), gone)
	if n := len(d.lacking()); n != 1 {
		t.Errorf("%d visits lack a room, want the one in person that is still ahead", n)
	}
	d.clock.Advance(time.Hour)
	d.mustRoom(1, "exam")
	d.equip(100)
	if n := len(d.lacking()); n != 0 {
		t.Errorf("%d visits lack a room", n)
	}
	for actor, kind := range map[string]errs.Kind{"patient": errs.Forbidden, "integrator": errs.Forbidden} {
		a := clinictest.Actor(access.PatientRole, d.Organization)
		if actor == "integrator" {
			a = clinictest.Actor(access.Integrator, d.Organization)
		}
		_, _, err := d.Unequipped(t.Context(), a, nil, everything)
		clinictest.Refused(t, err, kind, "")
	}
}

func TestAResourceThatVisitsHaveStaysWhatItIs(t *testing.T) {
	d := newDesk(t)
	d.needs("exam")
	room := d.mustRoom(1, "exam")
	annex, err := d.rooms().PutLocation(t.Context(), d.admin(), clinictest.Location(2))
	if err != nil {
		t.Fatal(err)
	}
	change := func(by func(*clinic.PutResource)) error {
		in := d.examRoom(1, "exam")
		by(&in)
		_, err := d.putRoom(in)
		return err
	}
	changes := map[string]func(*clinic.PutResource){
		"locationId": func(in *clinic.PutResource) { in.Location.ID = annex.ID },
		"kind":       func(in *clinic.PutResource) { in.Kind = clinic.Equipment },
		"pool":       func(in *clinic.PutResource) { in.Pool = "ultrasound" },
	}
	held := d.mustHold(d.Patient(), d.Slot(d.Provider(1), 10, 0))
	for field, by := range changes {
		clinictest.Refused(t, change(by), errs.InvalidInput, field)
	}
	d.clock.Set(held.ExpiresAt)
	visit := d.mustBook(d.Patient(), d.Slot(d.Provider(1), 10, 0))
	for field, by := range changes {
		clinictest.Refused(t, change(by), errs.InvalidInput, field)
	}
	if err := change(func(in *clinic.PutResource) { in.Name, in.Retired = "Old room", true }); err != nil {
		t.Errorf("a name, and to retire: %v", err)
	}
	d.equip(100)
	if r, _ := d.has(visit); !slices.Equal(r, []uuid.UUID{room.ID}) {
		t.Errorf("what is retired is taken from its visits: %v", r)
	}
	if _, err := d.book(d.Patient(), d.Slot(d.Provider(1), 15, 0)); err == nil {
		t.Error("what is retired is given to new visits")
	}
	d.mustCancel(d.FrontDesk(), visit)
	for field, by := range changes {
		if err := change(by); err != nil {
			t.Errorf("%s of a resource that nobody has: %v", field, err)
		}
	}
}

// Whoever moves or cancels a visit has looked for its claims, and waits for the patient's day, while the visit gets a room.
func TestARoomThatAVisitGotMeanwhileGoesWithTheVisit(t *testing.T) {
	for name, change := range map[string]func(*desk, appointment.Appointment, access.Actor) error{
		"cancel": func(d *desk, a appointment.Appointment, _ access.Actor) error {
			_, err := d.Cancel(d.t.Context(), d.FrontDesk(), appointment.CancelVisit{Appointment: a.Ref(), Reason: appointment.Other})
			return err
		},
		"move": func(d *desk, a appointment.Appointment, who access.Actor) error {
			to := a.Slot()
			to.Start, to.Modality = to.Start.Add(time.Hour), clinic.Video // which needs no room, and so waits for no pool
			_, err := d.move(who, a, to)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			who := d.Patient()
			visit := d.mustBook(who, d.Slot(d.Provider(1), 10, 0))
			d.mustRoom(1, "exam")
			d.needs("exam")
			tx := d.begin()
			if _, err := tx.Exec(t.Context(), `SELECT FROM party_days WHERE party_id = $1 FOR UPDATE`, who.PatientID); err != nil {
				t.Fatal(err)
			}
			changed := make(chan error, 1)
			go func() { changed <- change(d, visit, who) }()
			waiting(t, d.pool)
			d.equip(100)
			if r, _ := d.has(visit); len(r) != 1 {
				t.Errorf("the visit got %v", r)
			}
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-changed; err != nil {
				t.Fatal(err)
			}
			if r, _ := d.has(visit); r != nil {
				t.Errorf("a visit that is elsewhere has %v where it was", r)
			}
		})
	}
}

func TestABookingGetsNoRoomThatIsPutElsewhereMeanwhile(t *testing.T) {
	d := newDesk(t)
	d.needs("exam")
	room := d.mustRoom(1, "exam")
	slot := d.Slot(d.Provider(1), 10, 0)
	tx := d.begin()
	if _, err := tx.Exec(t.Context(), `SELECT FROM resources WHERE id = $1 FOR UPDATE`, room.ID); err != nil {
		t.Fatal(err)
	}
	booked := make(chan error, 1)
	go func() {
		_, err := d.book(d.Patient(), slot)
		booked <- err
	}()
	waiting(t, d.pool)
	if _, err := tx.Exec(t.Context(), `UPDATE resources SET pool = 'ultrasound' WHERE id = $1`, room.ID); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-booked; err == nil || d.count(`SELECT count(*) FROM claims WHERE party_id = $1`, room.ID) != 0 {
		t.Errorf("a visit has a room of another pool (%v)", err)
	}
}

func TestARoomThatBecomesFreeIsGivenToAVisitThatLacksOneAWhileLater(t *testing.T) {
	d := newDesk(t)
	visits := d.together(2, 10)
	room := d.mustRoom(1, "exam")
	d.needs("exam")
	d.equip(1)
	if got := d.lacking(); !slices.Equal(got, []uuid.UUID{visits[1].ID}) {
		t.Fatalf("these lack a room: %v", got)
	}
	d.mustCancel(d.FrontDesk(), visits[0])
	for _, wait := range []time.Duration{15*time.Minute - time.Microsecond, time.Microsecond} {
		if r, _ := d.has(visits[1]); r != nil {
			t.Errorf("before a while has gone by it has %v", r)
		}
		d.clock.Advance(wait)
		d.equip(1)
	}
	if r, _ := d.has(visits[1]); !slices.Equal(r, []uuid.UUID{room.ID}) {
		t.Errorf("it has %v", r)
	}
	if n := d.count(`SELECT count(*)::int FROM visits_to_equip`); n != 0 {
		t.Error("whose visits lack nothing is looked at for ever")
	}
}
