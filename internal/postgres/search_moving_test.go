package postgres_test

import (
	"testing"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// Whoever has the one visit of a window of weeks is offered its other times, also those that are far from the visit.
func TestAVisitMovesFarWithinItsCappedWindow(t *testing.T) {
	d := newDesk(t)
	provider, ann := d.Provider(1), d.Patient()
	d.capWindowTo(provider, "30", 1)
	slot := d.Slot(provider, 10, 0)
	slot.Start = slot.Start.AddDate(0, 0, 15)
	visit := d.mustBook(ann, slot)
	finder := availability.NewFinder(postgres.NewAvailabilityStore(postgres.New(d.pool, nil)), nil, d.clock)
	for _, days := range []int{2, 92} { // before the visit, and with it
		q := availability.Search{Providers: []clinic.Ref{provider}, To: new(sample.Dawn.AddDate(0, 0, days)), Moving: new(visit.Ref())}
		found, err := finder.Search(t.Context(), ann, q, availability.Soonest, paging.Window{Size: 1})
		if err != nil || len(found.Items) != 1 || !found.Items[0].NextAvailable.Start.Equal(d.Slot(provider, 9, 0).Start) {
			t.Fatalf("in %d days it can move to %+v (%v)", days, found.Items, err)
		}
		again, err := finder.Matches(t.Context(), ann, []availability.MatchID{found.Items[0].Ref()})
		if err != nil || len(again) != 1 {
			t.Errorf("in %d days it is found again as %+v (%v)", days, again, err)
		}
	}
	days, err := finder.Calendar(t.Context(), ann, availability.Search{Providers: []clinic.Ref{provider}, Moving: new(visit.Ref())},
		availability.Days{From: civil.DateOf(sample.Monday), Count: 1})
	if err != nil || days.Days[0].OpeningCount == 0 {
		t.Errorf("on Monday it can move to %+v (%v)", days.Days, err)
	}
	for name, q := range map[string]availability.Search{"nobody moves": {}, "another moves": {Moving: new(d.mustBook(d.Patient(), d.Slot(d.Provider(1), 9, 0)).Ref())}} {
		q.Providers, q.To = []clinic.Ref{provider}, new(sample.Dawn.Add(48*time.Hour))
		if found, err := finder.Search(t.Context(), ann, q, availability.Soonest, paging.Window{Size: 1}); err != nil || len(found.Items) != 0 {
			t.Errorf("when %s there is %+v (%v)", name, found.Items, err)
		}
	}
	near, err := d.openings.Alternatives(t.Context(), ann, d.Slot(provider, 9, 0), availability.For{Patient: ann.PatientID, Moving: visit.ID}, 1)
	if err != nil || len(near) != 1 || near[0].Provider != provider.ID || !near[0].Start.Equal(d.Slot(provider, 9, 30).Start) {
		t.Errorf("the alternatives are %+v (%v)", near, err)
	}
	if _, err := d.move(ann, visit, d.Slot(provider, 9, 0)); err != nil {
		t.Errorf("what was found can't be had: %v", err)
	}
}
