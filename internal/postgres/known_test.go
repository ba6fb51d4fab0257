package postgres_test

import (
	"reflect"
	"testing"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

func TestRulesThatAreKnownStandForTheirRevisionAndPeriodAlone(t *testing.T) {
	d := newDesk(t)
	provider := d.Provider(2)
	store := postgres.NewAvailabilityStore(postgres.New(d.pool, nil))
	view := func(known *availability.Rules, from, to int) availability.View {
		t.Helper()
		v, err := store.View(t.Context(), provider, availability.Period{From: monday(from), To: monday(to), Holders: true, Known: known})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	known := view(nil, 0, 24).Rules
	most := 7 // which the database doesn't know of
	known.MaxDaily = &most
	d.mustBook(d.Patient(), d.Slot(provider, 10, 0))
	d.mustHold(d.Patient(), d.Slot(provider, 11, 0))
	if got, want := view(&known, 0, 24), view(nil, 0, 24); got.Rules.MaxDaily != &most || !reflect.DeepEqual(got.Taken, want.Taken) || len(got.Taken.Claims) != 2 {
		t.Errorf("with the rules known: %+v, want what is taken to be %+v", got, want.Taken)
	}
	if got := view(&known, 24, 72); got.Rules.MaxDaily != nil || got.Rules.From == known.From {
		t.Errorf("in another period: %+v", got.Rules)
	}
	d.setCapacity(provider, 1)
	if got, want := view(&known, 0, 24), view(nil, 0, 24); !reflect.DeepEqual(got, want) || got.Rules.Revision == known.Revision {
		t.Errorf("after other hours: %+v, want %+v", got, want)
	}
	provider.ID = d.Patient().ID
	if _, err := store.View(t.Context(), provider, availability.Period{From: monday(0), To: monday(24), Known: &known}); err == nil {
		t.Error("nobody has a view")
	}
}
