package availability_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/availability"
)

func TestTheFirstOpeningsAreTheBeginningOfTheList(t *testing.T) { rapid.Check(t, firstAreTheBeginning) }

func firstAreTheBeginning(t *rapid.T) {
	w := drawWorld(t)
	w.query.To = w.query.From.Add(time.Duration(rapid.IntRange(1, 40*24).Draw(t, "hours")) * time.Hour)
	w.query.Statuses = []availability.Status{availability.Free, availability.Held, availability.Booked, availability.Blocked}
	reach := availability.ReachOf(w.query.From, w.query.To)
	w.rules.From, w.rules.Until = reach.From, reach.Until
	all := availability.Openings(w.rules, w.taken, w.query)
	w.query.Limit = rapid.IntRange(1, len(all)+1).Draw(t, "limit")
	if diff := difference(availability.Openings(w.rules, w.taken, w.query), all[:min(w.query.Limit, len(all))]); diff != "" {
		t.Fatalf("the first %d of %d: %s", w.query.Limit, len(all), diff)
	}
}
