package availability_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// crowd is a store of providers who are all alike.
type crowd struct {
	availability.Store
	all  availability.View
	size int
	read func() // before each reading
}

func (c crowd) StreamCursor(context.Context, time.Time) (string, error) { return "here", nil }

func (c crowd) Snapshot(ctx context.Context, read func(context.Context, availability.Snapshot) error) error {
	return read(ctx, c)
}

func (c crowd) Desks(context.Context, availability.Wanted, int) ([]availability.Desk, error) {
	desks := make([]availability.Desk, c.size)
	for i := range desks {
		desks[i] = availability.Desk{Provider: clinic.Ref{ID: uuid.New()}, Location: c.all.Rules.Places[0].Location, TimeZone: c.all.Rules.Places[0].TimeZone}
	}
	return desks, nil
}

func (c crowd) Views(_ context.Context, providers []clinic.Ref, _ availability.Period) (map[clinic.Ref]availability.View, error) {
	c.read()
	views := make(map[clinic.Ref]availability.View, len(providers))
	for _, p := range providers {
		views[p] = c.all
	}
	return views, nil
}

// finder finds in a crowd, at the time of a world.
func (c crowd) finder(w world) *availability.Finder {
	c.all = availability.View{Rules: w.rules, Taken: w.taken}
	return availability.NewFinder(c, nil, clock.FrozenAt(w.query.Now))
}

// Going through thousands of providers ends when nobody waits for the answer any more.
func TestASearchEndsWithItsRequest(t *testing.T) {
	w := office(daily("09:00-17:00"))
	never := availability.Search{TimesOfDay: []availability.TimeRange{{From: 0, To: 60}}}
	days := availability.Days{From: civil.DateOf(w.query.Now), Count: 1}
	for name, c := range map[string]struct {
		readings int // until nobody waits
		ask      func(context.Context, *availability.Finder) error
	}{
		"search": {1, func(ctx context.Context, f *availability.Finder) error {
			_, err := f.Search(ctx, access.Nobody("r"), availability.Search{}, availability.Soonest, paging.Window{Size: 1})
			return err
		}},
		"calendar": {1, func(ctx context.Context, f *availability.Finder) error {
			_, err := f.Calendar(ctx, access.Nobody("r"), availability.Search{}, days)
			return err
		}},
		"next day with openings": {2, func(ctx context.Context, f *availability.Finder) error {
			_, err := f.Calendar(ctx, access.Nobody("r"), never, days)
			return err
		}},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		left := c.readings
		err := c.ask(ctx, crowd{size: 3, read: func() {
			if left--; left == 0 {
				cancel()
			}
		}}.finder(w))
		if !errors.Is(err, context.Canceled) || left != 0 {
			t.Errorf("%s: %v, %d readings too few", name, err, left)
		}
		cancel()
	}
}

// An anonymous caller can't have years of everybody read by asking for a day on which nobody has time.
func TestTheNextDayWithOpeningsIsNotLookedForEverywhere(t *testing.T) {
	w := office(daily())
	for i := range w.rules.Kinds {
		w.rules.Kinds[i].Policy.MaximumAdvance = 730 * 24 * time.Hour
	}
	days := availability.Days{From: civil.DateOf(w.query.Now), Count: 1}
	for size, refused := range map[int]bool{2_600: false, 3_000: true} {
		_, err := crowd{size: size, read: func() {}}.finder(w).Calendar(t.Context(), access.Nobody("r"), availability.Search{}, days)
		if told := errs.Of(err) == errs.InvalidInput && strings.Contains(err.Error(), "Narrow the search"); told != refused || !refused && err != nil {
			t.Errorf("%d providers: %v", size, err)
		}
	}
}

// A match's id names what fits there, and has to stay short enough to be read back.
func TestAMatchIsNamedAlikeHoweverItsWaysOfMeetingAreListed(t *testing.T) {
	w := office(daily("09:00-17:00"))
	f := crowd{size: 1, read: func() {}}.finder(w)
	named := func(ways ...clinic.Modality) string {
		t.Helper()
		q := availability.Search{Modalities: ways}
		found, err := f.Search(t.Context(), access.Nobody("r"), q, availability.Soonest, paging.Window{Size: 1})
		if err != nil || len(found.Items) != 1 {
			t.Fatalf("%+v (%v)", found.Items, err)
		}
		return found.Items[0].Ref().Fitting
	}
	once := named(clinic.InPerson, clinic.Video)
	if got := named(append(slices.Repeat([]clinic.Modality{clinic.Video}, 99), clinic.InPerson)...); got != once || len(got) > 100 {
		t.Errorf("named %s and %s", got, once)
	}
}
