package postgres_test

import (
	"context"
	"slices"
	"testing"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

func (d *desk) directory() *postgres.Directory {
	return postgres.New(d.pool, keytest.Of(d.t, d.pool)).Directory()
}

func (d *desk) stamp() clinic.Stamp {
	return clinic.Source{Clock: d.clock, NewID: sample.NewID}.Stamp(d.FrontDesk())
}

// wallMonday is a wall-clock time of Monday.
func wallMonday(hour int) civil.DateTime {
	return civil.DateTime{Date: civil.DateOf(sample.Monday), Time: civil.Time{Hour: hour}}
}

// window opens more hours on Monday, capped.
func (d *desk) window(p clinic.Ref, from, to, most int) provider.Exception {
	return provider.Exception{
		ID: uuid.NewSHA1(p.ID, []byte("window")), OrganizationID: d.Organization, ProviderID: p.ID, LocationID: d.Location,
		From: wallMonday(from), To: wallMonday(to), Effect: provider.Open, Capacity: 1, MaxAppointments: &most,
	}
}

func (d *desk) put(p clinic.Ref, e provider.Exception) {
	d.t.Helper()
	at := provider.Desk{Organization: d.Organization, Provider: p.ID, Location: d.Location}
	if _, err := d.directory().PutOpenings(context.Background(), d.stamp(), at, []provider.Exception{e}); err != nil {
		d.t.Fatal(err)
	}
}

func TestACapCountsTheVisitsThatAreThereAlready(t *testing.T) {
	d := newDesk(t)
	p, ann := d.Provider(1), d.Patient()
	nine, half, noon := d.mustBook(ann, d.Slot(p, 9, 0)), d.Slot(p, 9, 30), d.Slot(p, 12, 0)
	d.mustHold(d.Patient(), half)
	d.mustBook(d.Patient(), noon)
	counted := func(why string, want int) {
		t.Helper()
		if n := d.count(`SELECT booked FROM window_counts`); n != want {
			t.Errorf("%s: counted %d, want %d", why, n, want)
		}
		d.countsMatchClaims()
	}
	d.put(p, d.window(p, 9, 12, 2))
	counted("a visit and a hold", 2)
	if _, err := d.book(d.Patient(), d.Slot(p, 11, 0)); !slices.Equal(blockedBy(err), []availability.Rule{availability.WindowCapReached}) {
		t.Fatalf("a third of two got %v", err)
	}
	if free := d.free(p, d.Patient()); free[d.Slot(p, 11, 0).Start] != 0 {
		t.Error("the full window offers openings")
	}
	d.put(p, d.window(p, 9, 13, 3))
	counted("with the hour after", 3)
	d.put(p, d.window(p, 10, 13, 3))
	counted("without the hour before", 1)
	d.mustCancel(ann, nine)
	counted("what was left out lowers nothing", 1)
	d.mustBook(d.Patient(), d.Slot(p, 11, 0))
	counted("and one more", 2)
}

// Whose hours were taken back may have visits left, which count in what was opened to all since, once there are hours again.
func TestACapCountsTheVisitsOfWhoComesBack(t *testing.T) {
	d := newDesk(t)
	p := d.Provider(1)
	d.mustBook(d.Patient(), d.Slot(p, 9, 0))
	d.Set(`DELETE FROM schedules WHERE organization_id = $1 AND provider_id = $2`, p.ID)
	d.Set(`INSERT INTO schedule_exceptions (organization_id, id, location_id, local_from, local_to, effect, capacity, max_appointments)
		VALUES ($1, $2, $3, '2026-06-08 08:00', '2026-06-08 12:00', 'OPEN', 2, 1)`, sample.NewID(), d.Location)
	at := provider.Desk{Organization: d.Organization, Provider: p.ID, Location: d.Location}
	tomorrow := civil.DateOf(sample.Monday).AddDays(30)
	if err := d.directory().SetDateHours(t.Context(), d.stamp(), at, tomorrow, []provider.Hours{{From: 540, To: 600, Capacity: 1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.book(d.Patient(), d.Slot(p, 10, 0)); !slices.Contains(blockedBy(err), availability.WindowCapReached) {
		t.Errorf("a second of one got %v", err)
	}
	d.countsMatchClaims()
}

func TestTheLogTellsWhatACapCounts(t *testing.T) {
	d := newDesk(t)
	p := d.Provider(1)
	log := postgres.NewLog(postgres.New(d.pool, nil))
	start, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.mustBook(d.Patient(), d.Slot(p, 9, 0))
	d.put(p, d.window(p, 9, 12, 1))
	d.mirrorMatches(log, start, p)
}
