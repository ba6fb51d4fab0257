package postgres_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// records are the store of two organisations.
type records struct {
	*postgres.ConflictRecords
	t    *testing.T
	db   *postgres.DB
	pool *pgxpool.Pool
	a, b uuid.UUID
	hour time.Time
}

func newRecords(t *testing.T) *records {
	pool := pgtest.New(t)
	db := postgres.New(pool, keytest.Of(t, pool))
	t.Cleanup(db.Close)
	r := &records{
		ConflictRecords: postgres.NewConflictRecords(db), t: t, db: db, pool: pool, a: sample.NewID(), b: sample.NewID(),
		hour: time.Date(2030, 5, 6, 9, 0, 0, 0, time.UTC),
	}
	for _, id := range []uuid.UUID{r.a, r.b} {
		r.exec(`INSERT INTO organizations (id, name, created_at) VALUES ($1, 'Clinic', $2)`, id, r.hour)
	}
	return r
}

func (r *records) exec(sql string, args ...any) {
	r.t.Helper()
	if _, err := r.pool.Exec(r.t.Context(), sql, args...); err != nil {
		r.t.Fatal(err)
	}
}

func (r *records) add(organization uuid.UUID, counts map[conflict.Counted]int64, differ ...conflict.Disagreement) {
	r.t.Helper()
	if err := r.Add(r.t.Context(), organization, counts, differ); err != nil {
		r.t.Fatal(err)
	}
}

func (r *records) tallied(organization uuid.UUID, from, to time.Time) conflict.Tallied {
	r.t.Helper()
	found, err := r.Tallied(r.t.Context(), organization, from, to)
	if err != nil {
		r.t.Fatal(err)
	}
	return found
}

func verdict(hour time.Time, v conflict.Verdict) conflict.Counted {
	return conflict.Counted{Hour: hour, Mode: conflict.Shadow, Operation: conflict.Book, What: conflict.CountVerdict, Key: string(v)}
}

func (r *records) differing(minute int) conflict.Disagreement {
	return conflict.Disagreement{
		ID: uuid.New(), At: r.hour.Add(time.Duration(minute) * time.Minute), Mode: conflict.Enforce, Operation: conflict.Move, Location: uuid.New(), VisitKind: uuid.New(),
		Basic: nil, Full: []availability.Rule{availability.DuplicateVisit, availability.PatientTravelTime}, Took: 1234 * time.Microsecond,
	}
}

func TestCountsAddUpByOrganisationAndHourWhoeverAddsThem(t *testing.T) {
	r := newRecords(t)
	longest := conflict.Counted{Hour: r.hour, Mode: conflict.Shadow, Operation: conflict.Book, What: conflict.CountLongest}
	var all sync.WaitGroup
	for i := range 8 { // processes at once, each of which has them in another order
		all.Go(func() {
			r.add(r.a, map[conflict.Counted]int64{
				verdict(r.hour, conflict.AgreedAllowed): 3, verdict(r.hour, conflict.OnlyFull): 2, verdict(r.hour.Add(time.Hour), conflict.OnlyFull): 10, longest: int64(i * 1000),
			})
		})
	}
	all.Wait()
	r.add(r.b, map[conflict.Counted]int64{verdict(r.hour, conflict.AgreedAllowed): 100})
	for _, c := range []struct {
		name          string
		of            uuid.UUID
		from, to      time.Time
		allowed, full int64
		longest       int64
	}{
		{"one organisation, one hour", r.a, r.hour, r.hour.Add(time.Hour), 24, 16, 7000},
		{"two hours", r.a, r.hour, r.hour.Add(2 * time.Hour), 24, 96, 7000},
		{"the later hour", r.a, r.hour.Add(time.Hour), r.hour.Add(2 * time.Hour), 0, 80, 0},
		{"the hour before", r.a, r.hour.Add(-time.Hour), r.hour, 0, 0, 0},
		{"the other organisation", r.b, r.hour, r.hour.Add(time.Hour), 100, 0, 0},
		{"all organisations", uuid.Nil, r.hour, r.hour.Add(time.Hour), 124, 16, 7000},
		{"an organisation that isn't there", sample.NewID(), r.hour, r.hour.Add(time.Hour), 0, 0, 0},
	} {
		found := r.tallied(c.of, c.from, c.to).Counts
		none := time.Time{}
		longest.Hour = none
		if found[verdict(none, conflict.AgreedAllowed)] != c.allowed || found[verdict(none, conflict.OnlyFull)] != c.full || found[longest] != c.longest {
			t.Errorf("%s: %v", c.name, found)
		}
	}
}

func TestDisagreementsAreToldNewestFirstAndKeptUpToABoundAnHour(t *testing.T) {
	r := newRecords(t)
	first, last := r.differing(1), r.differing(59)
	r.add(r.a, nil, last, first)
	r.add(r.a, nil, last) // the answer was lost, and it is said again
	r.add(r.b, nil, r.differing(30))
	found := r.tallied(r.a, r.hour, r.hour.Add(time.Hour)).Disagreements
	if len(found) != 2 || found[0].ID != last.ID || found[1].ID != first.ID || found[0].Organization != r.a {
		t.Fatalf("found %+v", found)
	}
	if d := found[1].Disagreement; !d.At.Equal(first.At) || d.Mode != first.Mode || d.Operation != first.Operation || d.Location != first.Location ||
		d.VisitKind != first.VisitKind || len(d.Basic) != 0 || !slices.Equal(d.Full, first.Full) || d.Took != first.Took {
		t.Errorf("found %+v, want %+v", d, first)
	}
	if found := r.tallied(uuid.Nil, r.hour, r.hour.Add(time.Hour)).Disagreements; len(found) != 3 {
		t.Errorf("of all organisations: %+v", found)
	}
	var many []conflict.Disagreement
	for i := range 600 {
		many = append(many, r.differing(i%60))
	}
	r.add(r.a, nil, many...)
	many = many[:0]
	for i := range 600 {
		many = append(many, r.differing(i%60), r.differing(60+i%60)) // of this hour and of the next
	}
	r.add(r.a, nil, many...)
	var now, next int
	err := r.pool.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE at < $2), count(*) FILTER (WHERE at >= $2) FROM conflict_disagreements WHERE organization_id = $1`,
		r.a, r.hour.Add(time.Hour)).Scan(&now, &next)
	if err != nil || now != conflict.MaxDisagreements || next != 600 {
		t.Errorf("%d of the hour and %d of the next are kept: %v", now, next, err)
	}
	if found := r.tallied(r.a, r.hour, r.hour.Add(2*time.Hour)).Disagreements; len(found) != conflict.MaxListedDisagreements {
		t.Errorf("%d are listed", len(found))
	}
}

// auditsOfThePlatform are the actions that the platform's audit tells, in order.
func (r *records) auditsOfThePlatform() []string {
	r.t.Helper()
	rows, _ := r.pool.Query(r.t.Context(), `SELECT action FROM audit_events WHERE organization_id = '00000000-0000-0000-0000-000000000000' AND patient_id IS NULL ORDER BY position`)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		r.t.Fatal(err)
	}
	return found
}

func TestAFallbackStandsForAllUntilItIsRearmed(t *testing.T) {
	r := newRecords(t)
	source := clinic.Source{Clock: clock.FrozenAt(r.hour), NewID: sample.NewID}
	limits := conflict.DefaultLimits()
	var told []conflict.Fallback
	guard := func() *conflict.Guard {
		return conflict.NewGuard(limits, r, source, func(f conflict.Fallback) { told = append(told, f) })
	}
	look := func(g *conflict.Guard) {
		t.Helper()
		if err := g.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tripped, calm := guard(), guard()
	look(tripped)
	look(calm)
	for range limits.Cases {
		tripped.Note(conflict.Comparison{Failed: context.DeadlineExceeded, Took: time.Second})
	}
	look(tripped)
	look(tripped)
	young := guard()
	look(young)
	if !tripped.Tripped() || calm.Tripped() || !young.Tripped() || young.Fallback().ID != tripped.Fallback().ID {
		t.Fatalf("tripped %t, beside %t, started since %t", tripped.Tripped(), calm.Tripped(), young.Tripped())
	}
	found := r.tallied(uuid.Nil, r.hour.Add(time.Hour), r.hour.Add(2*time.Hour)).Fallbacks // one that stands is told of whenever it began
	if len(found) != 1 || found[0].Cause != conflict.Failures || found[0].Figures.Failed != limits.Cases || !found[0].At.Equal(r.hour) || found[0].RearmedAt != nil {
		t.Fatalf("fallbacks: %+v", found)
	}
	by := source.Stamp(access.Actor{Kind: access.Staff, ID: sample.NewID(), Role: access.PlatformAdmin})
	before := r.hour.Add(-time.Second)
	if n, err := r.Rearm(t.Context(), by, &before); n != 0 || err != nil {
		t.Fatalf("re-armed %d that fell back later (%v)", n, err)
	}
	for _, want := range []int{1, 0} {
		by.AuditID = sample.NewID()
		if n, err := r.Rearm(t.Context(), by, nil); n != want || err != nil {
			t.Fatalf("re-armed %d (%v), want %d", n, err, want)
		}
	}
	look(tripped)
	look(young)
	if tripped.Tripped() || young.Tripped() {
		t.Error("still off after it was re-armed")
	}
	if found := r.tallied(r.a, r.hour, r.hour.Add(time.Hour)).Fallbacks; len(found) != 1 || *found[0].RearmedBy != by.Actor.ID {
		t.Errorf("fallbacks of the hour: %+v", found)
	}
	if found := r.tallied(r.a, r.hour.Add(time.Hour), r.hour.Add(2*time.Hour)).Fallbacks; len(found) != 0 {
		t.Errorf("fallbacks of the next hour: %+v", found)
	}
	if got := r.auditsOfThePlatform(); !slices.Equal(got, []string{"conflict.fallback", "conflict.rearm"}) {
		t.Errorf("the audit says %v", got)
	}
	if len(told) != 4 {
		t.Errorf("told: %+v", told)
	}
}

func TestWhatIsKeptOfConflictsIsDroppedOnceItIsOld(t *testing.T) {
	r := newRecords(t)
	r.add(r.a, map[conflict.Counted]int64{verdict(r.hour, conflict.OnlyFull): 1}, r.differing(0))
	for _, rearmed := range []*time.Time{nil, &r.hour} {
		r.exec(`INSERT INTO conflict_fallbacks (id, instance, at, cause, cases, failed, slow, people, refused, rearmed_at, rearmed_by)
			VALUES ($1, $1, $2, 'LATENCY', 1, 1, 1, 1, 1, $3, CASE WHEN $3::timestamptz IS NOT NULL THEN $1::uuid END)`, uuid.New(), r.hour, rearmed)
	}
	store := postgres.NewAppointmentStore(r.db)
	for _, c := range []struct {
		after                            time.Duration
		counts, disagreements, fallbacks int
	}{
		{30*24*time.Hour - time.Second, 1, 1, 2},
		{30 * 24 * time.Hour, 1, 0, 2},
		{100*24*time.Hour - time.Second, 1, 0, 2},
		{100 * 24 * time.Hour, 0, 0, 2},
		{400 * 24 * time.Hour, 0, 0, 1}, // the other stands
	} {
		if _, err := store.Tidy(t.Context(), r.hour.Add(c.after), 10); err != nil {
			t.Fatal(err)
		}
		var counts, disagreements, fallbacks int
		err := r.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM conflict_counts), (SELECT count(*) FROM conflict_disagreements), (SELECT count(*) FROM conflict_fallbacks)`).
			Scan(&counts, &disagreements, &fallbacks)
		if err != nil || counts != c.counts || disagreements != c.disagreements || fallbacks != c.fallbacks {
			t.Errorf("after %s: %d counts, %d disagreements, %d fallbacks (%v)", c.after, counts, disagreements, fallbacks, err)
		}
	}
}
