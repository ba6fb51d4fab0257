package postgres_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Patients book, hold, move and cancel while their kind of visit comes to need a room and doesn't, rooms come and go, and two workers equip visits.
func TestAStormWhileRoomsComeAndGoLeavesEachVisitWithWhatItNeeds(t *testing.T) {
	d := limitedDesk(t, unreachable)
	d.needs("exam")
	s := storm{d, []clinic.Ref{d.Provider(2), d.Provider(2), d.Provider(2)}, rand.IntN}
	d.mustRoom(1, "exam")
	before := d.deadlocks()
	over := make(chan struct{})
	var patients, others sync.WaitGroup
	for range 6 {
		a := d.Patient()
		patients.Go(func() { s.patient(a) })
	}
	others.Go(func() { d.refurnish(over) })
	for range 2 {
		others.Go(func() { d.equipUntil(over) })
	}
	patients.Wait()
	close(over)
	others.Wait()
	d.needs("exam")
	d.mustRoom(2, "exam")
	d.equip(10)
	if after := d.deadlocks(); after != before {
		t.Errorf("%d deadlocks", after-before)
	}
	d.roomsMatchVisits()
}

// refurnish changes what visits need, and which rooms there are.
func (d *desk) refurnish(over <-chan struct{}) {
	for round := 0; ; round++ {
		select {
		case <-over:
			return
		default:
		}
		if round%2 == 0 {
			d.needs()
		} else {
			d.needs("exam")
		}
		second := d.examRoom(2, "exam")
		second.Retired = round%3 == 0
		if _, err := d.putRoom(second); err != nil {
			d.t.Error(err)
		}
	}
}

func (d *desk) equipUntil(over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		default:
		}
		if _, _, err := d.directory().Equip(d.t.Context(), d.clock.Now(), 5); err != nil {
			d.t.Error(err)
		}
	}
}

func (d *desk) roomsMatchVisits() {
	d.t.Helper()
	const claimed = ` FROM claims r JOIN appointments a ON a.id = r.appointment_id WHERE r.state = 'ACTIVE' AND r.party_kind = 'ROOM'`
	for what, sql := range map[string]string{
		"double bookings": `SELECT count(*)::int FROM claims a JOIN claims b ON a.party_id = b.party_id AND a.lane = b.lane AND a.id < b.id
			AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at WHERE a.state = 'ACTIVE' AND b.state = 'ACTIVE'`,
		"rooms of visits that are cancelled": `SELECT count(*)::int` + claimed + ` AND a.status = 'CANCELLED'`,
		"rooms at another time than visits":  `SELECT count(*)::int` + claimed + ` AND (r.starts_at, r.ends_at) <> (a.starts_at, a.ends_at)`,
		"visits with two rooms":              `SELECT count(*)::int FROM (SELECT r.appointment_id` + claimed + ` GROUP BY 1 HAVING count(*) > 1) more`,
		"visits without the room that is free": `SELECT count(*)::int FROM appointments a WHERE a.status = 'BOOKED'
			AND NOT EXISTS (SELECT FROM claims r WHERE r.appointment_id = a.id AND r.state = 'ACTIVE' AND r.party_kind = 'ROOM')
			AND EXISTS (SELECT FROM resources f WHERE NOT EXISTS (SELECT FROM claims r WHERE r.party_id = f.id AND r.state = 'ACTIVE'
				AND r.starts_at < a.ends_at AND r.ends_at > a.starts_at))`,
	} {
		if n := d.count(sql); n != 0 {
			d.t.Errorf("%s: %d", what, n)
		}
	}
	if n := d.count(`SELECT count(*)::int` + claimed); n == 0 {
		d.t.Error("no visit has a room")
	}
}
