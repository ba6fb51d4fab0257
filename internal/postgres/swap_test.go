package postgres_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
)

func (d *desk) swap(a access.Actor, first, second appointment.Appointment) (appointment.Swapped, error) {
	return d.Swap(d.t.Context(), a, appointment.SwapVisits{Appointments: [2]clinic.Ref{first.Ref(), second.Ref()}, Key: key()})
}

func (d *desk) mustSwap(first, second appointment.Appointment) (appointment.Appointment, appointment.Appointment) {
	d.t.Helper()
	done, err := d.swap(d.FrontDesk(), first, second)
	if err != nil {
		d.t.Fatal(err, brokenBy(err))
	}
	return done.Appointments[0], done.Appointments[1]
}

// part is which of two appointments a failure is of, and what it is.
func part[E error](t *testing.T, err error) (int, E) {
	t.Helper()
	of, is := errors.AsType[appointment.OfPart](err)
	failure, telling := errors.AsType[E](err)
	if !is || !telling {
		t.Fatalf("got %v", err)
	}
	return of.Part, failure
}

func TestSwappedVisitsStandInEachOthersPlaceAndNothingElseChanges(t *testing.T) {
	d := newDesk(t)
	d.needs("exam")
	d.mustRoom(1, "exam")
	d.mustRoom(2, "exam")
	one, other := d.Provider(1), d.Provider(1)
	d.capDay(one, 1)
	d.capWindow(other, 1)
	log := d.newLog()
	start, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, second := d.mustBook(d.Patient(), d.Slot(one, 9, 0)), d.mustBook(d.Patient(), d.Slot(other, 9, 30))
	before := d.count(`SELECT count(*)::int FROM message_notices`)
	moved, away := d.mustSwap(first, second)
	if moved.Slot() != second.Slot() || away.Slot() != first.Slot() || moved.ID != first.ID || away.ID != second.ID ||
		moved.Version != first.Version+1 || away.Version != second.Version+1 || moved.Reschedules != 0 {
		t.Errorf("the visits stand at %+v and %+v", moved, away)
	}
	if n := d.count(`SELECT count(*)::int FROM message_notices WHERE kind = 'MOVED'`); n != 2 || d.count(`SELECT count(*)::int FROM message_notices`) != before+2 {
		t.Errorf("%d patients are told", n)
	}
	if n := d.count(`SELECT count(*)::int FROM audit_events WHERE action = 'appointment.swap'`); n != 2 {
		t.Errorf("%d are on record", n)
	}
	d.standing()
	d.mirrorMatches(log, start, one)
	d.mirrorMatches(log, start, other)
	if back, _ := d.mustSwap(moved, away); back.Slot() != first.Slot() {
		t.Errorf("swapped again it stands at %v", back.Slot())
	}
	d.standing()
}

// A day's and a window's cap, lowered below what is booked, keep nobody from changing places.
func TestASwapRaisesNoCount(t *testing.T) {
	d := newDesk(t)
	p, q := d.Provider(1), d.Provider(1)
	first, second, there := d.mustBook(d.Patient(), d.Slot(p, 9, 0)), d.mustBook(d.Patient(), d.Slot(p, 9, 30)), d.mustBook(d.Patient(), d.Slot(q, 9, 0))
	d.capDay(p, 1)
	d.raiseRules(p)
	first, second = d.mustSwap(first, second)
	d.mustSwap(first, there)
	d.capDay(q, 1)
	d.raiseRules(q)
	d.mustSwap(second, d.now(d.FrontDesk(), first.Ref()))
	if n := d.count(`SELECT booked FROM party_days WHERE party_id = $1 AND booked > 0`, p.ID); n != 2 {
		t.Errorf("%d are counted", n)
	}
	d.standing()
}

// A visit that is longer than the other's place has room only once both have left, and not when somebody else is in the way.
func TestASwapFitsOnceBothHaveLeftOrIsRefusedForWhicheverDoesNot(t *testing.T) {
	d := newDesk(t)
	p := d.Provider(1)
	long := d.Kind(p)
	d.Set(`UPDATE visit_kinds SET duration = 3600, slot_step = 1800 WHERE organization_id = $1 AND id = $2`, long)
	d.raiseRules(p)
	slot := d.Slot(p, 9, 30)
	slot.VisitKind = long
	short, lengthy := d.mustBook(d.Patient(), d.Slot(p, 9, 0)), d.mustBook(d.Patient(), slot)
	_, err := d.swap(d.FrontDesk(), short, lengthy) // they would overlap
	if nth, taken := part[appointment.SlotTaken](t, err); nth != 1 || taken.Slot.Start != short.Start {
		t.Errorf("%d finds %v taken", nth, taken.Slot.Start)
	}
	_, err = d.swap(d.FrontDesk(), lengthy, short)
	if nth, _ := part[appointment.SlotTaken](t, err); nth != 1 {
		t.Errorf("%d finds its place taken", nth)
	}
	d.standing()
	later, err := d.move(d.FrontDesk(), short, d.Slot(p, 10, 30))
	if err != nil {
		t.Fatal(err)
	}
	if moved, away := d.mustSwap(later.Appointment, lengthy); away.Start != later.Appointment.Start || away.End.Sub(away.Start) != time.Hour || moved.Start != slot.Start {
		t.Errorf("they stand at %v and %v", moved.Start, away.Start)
	}
	d.standing()
}

func TestASwapThatCannotBeIsRefusedForTheOneThatStandsInItsWay(t *testing.T) {
	d := newDesk(t)
	p, q := d.Provider(1), d.Provider(1)
	ann, desk := d.Patient(), d.FrontDesk()
	first, second, busy := d.mustBook(ann, d.Slot(p, 9, 0)), d.mustBook(d.Patient(), d.Slot(q, 11, 0)), d.mustBook(ann, d.Slot(d.Provider(1), 11, 0))
	_, err := d.swap(desk, first, second)
	if nth, conflict := part[appointment.PatientConflict](t, err); nth != 0 || conflict.With != busy.Ref() {
		t.Errorf("%d has a conflict with %v", nth, conflict.With)
	}
	d.mustCancel(ann, busy)
	long := d.Kind(p)
	d.Set(`UPDATE visit_kinds SET duration = 3600, slot_step = 1800 WHERE organization_id = $1 AND id = $2`, long)
	d.raiseRules(p)
	at := d.Slot(p, 10, 0)
	at.VisitKind = long
	lengthy := d.mustBook(d.Patient(), at)
	d.mustBook(d.Patient(), d.Slot(p, 9, 30))
	_, err = d.swap(desk, first, lengthy)
	if nth, taken := part[appointment.SlotTaken](t, err); nth != 1 || taken.Slot.Start != first.Start {
		t.Errorf("%d finds %v taken", nth, taken.Slot.Start)
	}
	_, err = d.swap(desk, lengthy, second)
	if nth, closed := part[appointment.SlotUnavailable](t, err); nth != 0 || !slices.Equal(closed.BlockedBy, []availability.Rule{availability.VisitKindNotOffered}) {
		t.Errorf("%d is kept out by %v", nth, closed.BlockedBy)
	}
	d.mustCancel(ann, first)
	_, err = d.swap(desk, second, first)
	if nth, state := part[appointment.InvalidTransition](t, err); nth != 1 || state.From != appointment.Cancelled {
		t.Errorf("%d is %s", nth, state.From)
	}
	d.standing()
}

// Only as many visits may stand at a location at a time as it has rooms, whoever leaves one.
func TestASwapGivesEachARoomWhereItGoes(t *testing.T) {
	d := newDesk(t)
	d.needs("exam")
	d.mustRoom(1, "exam")
	p, q := d.Provider(1), d.Provider(1)
	first, second := d.mustBook(d.Patient(), d.Slot(p, 9, 0)), d.mustBook(d.Patient(), d.Slot(q, 10, 0))
	d.mustSwap(first, second)
	d.standing()
	d = d.detecting(conflict.Enforce)
	d.mustSwap(first, second)
	d.standing()
}

// Two visits of one patient that are too far from each other in their new places are told so, though neither is in the way of the other as they stand.
func TestASwapIsJudgedByWhereBothWillBe(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	d.Set(`UPDATE locations SET latitude = 40.8, longitude = -73.95 WHERE organization_id = $1`)
	harbor := d.Place(40.7, -73.95)
	uptown, downtown := d.Provider(1), d.Provider(1)
	d.At(harbor, downtown)
	long := d.Kind(uptown)
	d.Set(`INSERT INTO provider_visit_kinds VALUES ($1, $2, $3)`, downtown.ID, long)
	d.Set(`UPDATE visit_kinds SET duration = 5400 WHERE organization_id = $1 AND id = $2`, long)
	d.raiseRules(uptown)
	d.raiseRules(downtown)
	ann := d.Patient()
	there := elsewhere(d.Slot(downtown, 11, 0), harbor)
	there.VisitKind = long
	early, late := d.books(ann, d.Slot(uptown, 9, 30)), d.books(ann, there)
	_, err := d.swap(d.FrontDesk(), early, late) // the long one would end at eleven, when the other begins
	if nth, _ := part[appointment.SlotUnavailable](t, err); nth != 0 || !slices.Equal(brokenBy(err), []availability.Rule{availability.PatientTravelTime}) {
		t.Errorf("%d: %v", nth, brokenBy(err))
	}
	earlier, err := d.move(ann, early, d.Slot(uptown, 9, 0))
	if err != nil {
		t.Fatal(err)
	}
	d.mustSwap(earlier.Appointment, late)
	d.standing()
}

// Neither is in the other's way where it stands, and leaves.
func TestTwoVisitsOfAPatientThatMayNotBeNearEachOtherAreSwapped(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	d.Requiring(`repeat_after = 604800`)
	ann := d.Patient()
	first, second := d.books(ann, d.Slot(d.Provider(1), 9, 0)), d.books(ann, weeks(d.Slot(d.Provider(1), 11, 0), 2))
	moved, away := d.mustSwap(first, second)
	if moved.Start != second.Start || away.Start != first.Start {
		t.Errorf("they stand at %v and %v", moved.Start, away.Start)
	}
}

func TestAKeySwapsOnceAndOnlyTheClinicMay(t *testing.T) {
	d := newDesk(t)
	p := d.Provider(1)
	ann, desk := d.Patient(), d.FrontDesk()
	first, second := d.mustBook(ann, d.Slot(p, 9, 0)), d.mustBook(ann, d.Slot(p, 10, 0))
	in := appointment.SwapVisits{Appointments: [2]clinic.Ref{first.Ref(), second.Ref()}, Expected: [2]*int{new(1), new(1)}, Key: key()}
	if _, err := d.Swap(t.Context(), ann, in); err == nil {
		t.Error("a patient swaps")
	}
	for again := range 2 {
		done, err := d.Swap(t.Context(), desk, in)
		if err != nil || done.Replayed != (again > 0) || done.Appointments[0].Slot() != second.Slot() || done.Appointments[1].Version != 2 {
			t.Errorf("%+v, %v", done, err)
		}
	}
	in.Key = key()
	_, err := d.Swap(t.Context(), d.FrontDesk(), in)
	if nth, stale := part[appointment.StaleVersion](t, err); nth != 0 || stale.Current.Version != 2 {
		t.Errorf("%d is at %d", nth, stale.Current.Version)
	}
	in.Appointments[1], in.Expected = in.Appointments[0], [2]*int{}
	if _, err := d.Swap(t.Context(), d.FrontDesk(), in); err == nil {
		t.Error("a visit is swapped with itself")
	}
}

// standing says whether each visit that stands has exactly its claims, where and when it is, and nothing else has any.
func (d *desk) standing() {
	d.t.Helper()
	const stands = `a.status IN ('BOOKED', 'PENDING', 'ARRIVED', 'CHECKED_IN')`
	for what, sql := range map[string]string{
		"claims that meet": `SELECT count(*)::int FROM claims a JOIN claims b ON a.party_id = b.party_id AND a.lane = b.lane AND a.id < b.id
			AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at WHERE a.state = 'ACTIVE' AND b.state = 'ACTIVE'`,
		"claims of visits that don't stand, or stand elsewhere": `SELECT count(*)::int FROM claims c JOIN appointments a ON a.id = c.appointment_id
			JOIN visit_kinds k ON k.id = a.visit_kind_id WHERE c.state = 'ACTIVE' AND NOT (` + stands + ` AND CASE c.party_kind
				WHEN 'PATIENT' THEN c.party_id = a.patient_id AND (c.starts_at, c.ends_at) = (a.starts_at, a.ends_at)
				WHEN 'PROVIDER' THEN c.party_id = a.provider_id
				ELSE EXISTS (SELECT FROM resources r WHERE r.id = c.party_id AND r.location_id = a.location_id AND r.pool = ANY (k.needs)) END
			AND (c.party_kind = 'PATIENT' OR (c.starts_at, c.ends_at) =
				(a.starts_at - make_interval(secs => k.buffer_before), a.ends_at + make_interval(secs => k.buffer_after))))`,
		"visits with other claims than they need": `SELECT count(*)::int FROM appointments a JOIN visit_kinds k ON k.id = a.visit_kind_id
			WHERE ` + stands + ` AND 2 + CASE WHEN a.modality = 'IN_PERSON' THEN cardinality(k.needs) ELSE 0 END <>
				(SELECT count(DISTINCT c.party_id) FROM claims c WHERE c.appointment_id = a.id AND c.state = 'ACTIVE')`,
		"days counted wrong": `SELECT count(*)::int FROM party_days d WHERE booked <> (
			SELECT count(*) FROM claims c WHERE c.party_id = d.party_id AND c.counted_day = d.day AND c.state IN ('ACTIVE', 'PAST'))`,
		"windows counted wrong": `SELECT count(*)::int FROM window_counts w WHERE booked <> (
			SELECT count(*) FROM claims c WHERE c.party_id = w.provider_id AND w.exception_id = ANY (c.counted_windows) AND c.state IN ('ACTIVE', 'PAST'))`,
	} {
		if n := d.count(sql); n != 0 {
			d.t.Errorf("%s: %d", what, n)
		}
	}
}
