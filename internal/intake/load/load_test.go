package load_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/intake/load"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

func TestALoadIsWholeAndTwiceIsOnce(t *testing.T) {
	w := newWorld(t)
	o := order(t, 60, 1500)
	told := 0
	o.Progress = func(done, total int) { told = done * 100 / total }
	r := w.mustLoad(o)
	if r.Locations != 60 || r.Providers != 60 || r.Appointments != 1500 || r.Patients < 375 || r.Found.Batches != 0 || r.Today != monday || r.NoRoom != 0 || told != 100 {
		t.Errorf("%+v, told %d %%", r, told)
	}
	w.holds()
	for what, c := range map[string]struct {
		query       string
		least, most int
	}{
		"over":             {`SELECT count(*) FROM appointments WHERE ends_at <= '2026-06-08 10:00Z'`, 450, 510},
		"fulfilled":        {`SELECT count(*) FROM appointments WHERE status = 'FULFILLED'`, 380, 450},
		"missed":           {`SELECT count(*) FROM appointments WHERE status = 'NO_SHOW'`, 15, 50},
		"cancelled":        {`SELECT count(*) FROM appointments WHERE status = 'CANCELLED'`, 25, 80},
		"to come":          {`SELECT count(*) FROM appointments WHERE starts_at >= '2026-06-08 10:00Z' AND status = 'BOOKED'`, 990, 1050},
		"confirmed":        {`SELECT count(*) FROM appointments WHERE status = 'BOOKED' AND confirmed_at IS NOT NULL`, 300, 500},
		"counted windows":  {`SELECT count(*) FROM window_counts`, 1, 20},
		"visits for two":   {`SELECT count(*) FROM claims WHERE lane > 0`, 1, 300},
		"zones":            {`SELECT count(DISTINCT time_zone) FROM appointments`, 4, 8},
		"accepted plans":   {`SELECT count(*) FROM provider_plans`, 100, 480},
		"past claims":      {`SELECT count(*) FROM claims WHERE state = 'PAST'`, 700, 1000},
		"known accessible": {`SELECT count(*) FROM locations WHERE step_free_access IS NOT NULL`, 40, 60},
	} {
		if n := w.count(c.query); n < c.least || n > c.most {
			t.Errorf("%s: %d, want %d to %d", what, n, c.least, c.most)
		}
	}

	before := w.contents()
	for table, found := range before {
		if strings.HasPrefix(found, "0 ") {
			t.Errorf("nothing in %s", table)
		}
	}
	again := w.mustLoad(o)
	if again.Providers != 0 || again.Appointments != 0 || again.Found.Providers != 60 || again.Found.Appointments != 1500 || !strings.Contains(again.String(), "loaded before") {
		t.Errorf("again: %+v\n%s", again, again)
	}
	w.wantContents(before, "again")
}

func TestALoadThatWasInterruptedGoesOnToTheSame(t *testing.T) {
	o := order(t, 60, 2400)
	whole := newWorld(t)
	whole.mustLoad(o)
	want := whole.contents()

	w := newWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	cut := o
	cut.Progress = func(int, int) { stop() }
	r, err := w.load(ctx, cut)
	if !errors.Is(err, context.Canceled) || r.Appointments == 0 || r.Appointments == 2400 || strings.Contains(r.String(), "No room") {
		t.Fatalf("stopped in the middle: %+v, %v", r, err)
	}
	w.holds()
	later := o
	later.Now = o.Now.AddDate(0, 0, 3)
	rest := w.mustLoad(later)
	if rest.Today != monday || rest.Found.Appointments == 0 || rest.Appointments == 0 || rest.Found.Appointments+rest.Appointments != 2400 {
		t.Errorf("the rest, three days later: %+v", rest)
	}
	w.wantContents(want, "in two goes")
}

func TestAnotherFirstDayIsRefusedAndAnotherSeedIsAnotherCrowd(t *testing.T) {
	w := newWorld(t)
	o := order(t, 5, 40)
	w.mustLoad(o)
	other := o
	other.Today = monday.AddDays(1)
	if _, err := w.load(t.Context(), other); err == nil || !strings.Contains(err.Error(), monday.String()) {
		t.Errorf("another day: %v", err)
	}
	other.Seed = 2
	if r := w.mustLoad(other); r.Appointments != 40 || r.Today != other.Today {
		t.Errorf("another seed: %+v", r)
	}
	if n := w.count(`SELECT count(*) FROM providers`); n != 10 {
		t.Errorf("%d providers", n)
	}
	w.holds()
}

// Two that load the same at once wait for each other's batches, and each thing is there once.
func TestTwoLoadsAtOnceAreOne(t *testing.T) {
	w := newWorld(t)
	o := order(t, 30, 1500)
	w.mustLoad(order(t, 30, 0)) // sites and kinds are put by key: both would make them
	ended := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := w.load(t.Context(), o)
			ended <- err
		}()
	}
	if err := errors.Join(<-ended, <-ended); err != nil {
		t.Fatal(err)
	}
	if n := w.count(`SELECT count(*) FROM appointments`); n != 1500 {
		t.Errorf("%d appointments", n)
	}
	w.holds()
}

// As many as the bounds allow find room.
func TestTheDensestCrowdFindsRoom(t *testing.T) {
	w := newWorld(t)
	o := order(t, 20, 20*(1+30)*3)
	o.Days = 1
	if r := w.mustLoad(o); r.Appointments != o.Appointments || r.NoRoom != 0 {
		t.Errorf("%+v\n%s", r, r)
	}
	w.holds()
	for state, least := range map[string]int{"PAST": 10, "FREED": 1} {
		if n := w.count(`SELECT count(*) FROM claims WHERE state = $1 AND counted_windows <> '{}'`, state); n < least {
			t.Errorf("%d claims that are %s count for a window", n, state)
		}
	}
}

// hesitant is a store that is busy at first, the second time after it has saved.
type hesitant struct {
	load.Store
	mu    sync.Mutex
	asked map[uuid.UUID]int
}

func (h *hesitant) Save(ctx context.Context, b load.Batch) (bool, error) {
	h.mu.Lock()
	h.asked[b.Staff[0].ID]++
	n := h.asked[b.Staff[0].ID]
	h.mu.Unlock()
	if n == 2 {
		_, err := h.Store.Save(ctx, b)
		return false, errors.Join(err, errs.TryAgain(nil))
	}
	if n < 2 {
		return false, errs.TryAgain(nil)
	}
	return h.Store.Save(ctx, b)
}

func TestABusyDatabaseIsAskedAgain(t *testing.T) {
	w := newWorld(t)
	o := order(t, 6, 60)
	h := &hesitant{Store: postgres.NewLoadStore(w.db), asked: map[uuid.UUID]int{}}
	if r, err := load.Load(t.Context(), w.db.Directory(), h, o); err != nil || r.Appointments != 60 || r.Found.Batches != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// A few are booked out for days, the others have openings in the same time.
func TestAFewProvidersAreBookedOut(t *testing.T) {
	w := newWorld(t)
	w.mustLoad(order(t, 60, 3000))
	full, busy := 0, 0
	for _, id := range w.ids(`SELECT id FROM providers`) {
		v := w.view(id, dawn, dawn.AddDate(0, 0, 2))
		openings := 0
		for _, k := range v.Rules.Kinds {
			openings += len(availability.Openings(v.Rules, v.Taken, availability.Query{VisitKind: k.ID, From: dawn, To: dawn.AddDate(0, 0, 2), Now: dawn}))
		}
		if n := w.count(`SELECT count(*) FROM claims WHERE party_id = $1 AND starts_at >= $2 AND starts_at < $3`, id, dawn, dawn.AddDate(0, 0, 2)); n == 0 {
			continue
		}
		busy++
		if openings == 0 {
			full++
		}
	}
	if full < 1 || full > busy/5 {
		t.Errorf("%d of %d providers are booked out", full, busy)
	}
}
