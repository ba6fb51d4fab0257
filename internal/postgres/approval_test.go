package postgres_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// approving has the clinic approve every visit within a time.
func (d *desk) approving(within time.Duration) {
	d.Set(`UPDATE visit_kinds SET requires_approval = true, approval_within = $2 WHERE organization_id = $1`, int(within.Seconds()))
}

func (d *desk) lapse() int {
	d.t.Helper()
	n, err := d.Lapse(d.t.Context(), 10)
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

// takes has somebody take a step.
func (d *desk) takes(a access.Actor, visit appointment.Appointment, action appointment.Action) (appointment.Appointment, error) {
	return d.Change(d.t.Context(), a, appointment.ChangeState{Appointment: visit.Ref(), Action: action})
}

// kept is a visit as the store has it.
func (d *desk) kept(visit appointment.Appointment) appointment.Appointment {
	d.t.Helper()
	found, err := postgres.NewAppointmentStore(postgres.New(d.pool, keytest.Of(d.t, d.pool))).Appointments(d.t.Context(), []clinic.Ref{visit.Ref()})
	if err != nil {
		d.t.Fatal(err)
	}
	return found[visit.Ref()]
}

// waits fails unless a visit is pending until an instant, as it was answered and as it is kept.
func (d *desk) waits(visit appointment.Appointment, until time.Time) {
	d.t.Helper()
	for _, ap := range []appointment.Appointment{visit, d.kept(visit)} {
		if ap.Status != appointment.Pending || ap.ApprovalDueAt == nil || !ap.ApprovalDueAt.Equal(until) {
			d.t.Errorf("it is %s until %v, not until %v", ap.Status, ap.ApprovalDueAt, until)
		}
	}
}

func TestWhatNobodyApprovesInTimeLapses(t *testing.T) {
	d := newDesk(t)
	d.approving(time.Hour)
	provider, ann := d.Provider(1), d.Patient()
	slot := d.Slot(provider, 10, 0)
	visit, asked := d.books(ann, slot), d.clock.Now()
	other := d.books(d.Patient(), d.Slot(provider, 11, 0))
	d.waits(visit, asked.Add(time.Hour))
	d.clock.Set(asked.Add(time.Hour - time.Microsecond))
	if n := d.lapse(); n != 0 || d.kept(visit).Status != appointment.Pending {
		t.Errorf("an instant before, %d lapse", n)
	}
	if approved, err := d.takes(d.FrontDesk(), other, appointment.Approve); err != nil || approved.Status != appointment.Booked || approved.ApprovalDueAt != nil {
		t.Errorf("an instant before it can't be approved: %+v, %v", approved, err)
	}
	d.clock.Set(asked.Add(time.Hour))
	if _, err := d.takes(d.FrontDesk(), visit, appointment.Approve); !errors.As(err, new(appointment.InvalidTransition)) {
		t.Errorf("then it can be approved still: %v", err)
	}
	if n := d.lapse(); n != 1 {
		t.Errorf("then %d lapse", n)
	}
	got := d.kept(visit)
	if c := got.Cancellation; got.Status != appointment.Cancelled || got.Version != 2 || got.ApprovalDueAt != nil || c == nil ||
		c.Reason != appointment.NotApprovedInTime || c.By != appointment.ByClinic || c.Fee != nil || !c.At.Equal(d.clock.Now()) {
		t.Errorf("it has become %+v, %+v", got, got.Cancellation)
	}
	if n := d.lapse(); n != 0 {
		t.Errorf("once more %d lapse", n)
	}
	if d.free(provider, ann)[slot.Start] != 1 {
		t.Error("its time isn't free again")
	}
	if n := d.count(`SELECT count(*)::int FROM audit_events WHERE action = 'appointment.cancel' AND actor_kind = 'SYSTEM' AND client = 'approvals' AND entity_id = $1`, visit.ID); n != 1 {
		t.Errorf("%d records say that it lapsed", n)
	}
	if n := d.count(`SELECT count(*)::int FROM event_log WHERE topic = 'appointment.cancelled' AND appointment_id = $1`, visit.ID); n != 1 {
		t.Errorf("%d events tell of it", n)
	}
	d.countsMatchClaims()
}

func TestAVisitLapsesWhenItStartsAtTheLatest(t *testing.T) {
	d := newDesk(t)
	d.approving(72 * time.Hour)
	visit := d.books(d.Patient(), d.Slot(d.Provider(1), 10, 0))
	d.waits(visit, visit.Start)
	d.clock.Set(visit.Start)
	if n := d.lapse(); n != 1 || d.kept(visit).Status != appointment.Cancelled {
		t.Errorf("%d lapse at the start", n)
	}
}

// A period begins anew when an approval is taken back, and when the visit is moved. Confirming an approved one begins none.
func TestAPeriodBeginsAnew(t *testing.T) {
	d := newDesk(t)
	d.approving(time.Hour)
	provider, ann, front := d.Provider(1), d.Patient(), d.FrontDesk()
	visit := d.books(ann, d.Slot(provider, 10, 0))
	if _, err := d.takes(front, visit, appointment.Approve); err != nil {
		t.Fatal(err)
	}
	d.clock.Advance(50 * time.Minute)
	back, err := d.takes(front, visit, appointment.Undo)
	if err != nil {
		t.Fatal(err)
	}
	d.waits(back, d.clock.Now().Add(time.Hour))
	d.clock.Advance(50 * time.Minute)
	moved, err := d.move(ann, back, d.Slot(provider, 12, 0))
	if err != nil {
		t.Fatal(err)
	}
	d.waits(moved.Appointment, d.clock.Now().Add(time.Hour))
	approved, err := d.takes(front, visit, appointment.Approve)
	if err != nil || approved.ApprovalDueAt != nil {
		t.Fatal(approved, err)
	}
	if kept, err := d.move(front, approved, d.Slot(provider, 13, 0)); err != nil || kept.Appointment.Status != appointment.Booked {
		t.Errorf("the clinic's move: %v, %v", kept.Appointment.Status, err)
	}
	again, err := d.move(ann, d.kept(visit), d.Slot(provider, 14, 0)) // a patient's asks for approval again
	if err != nil {
		t.Fatal(err)
	}
	d.waits(again.Appointment, d.clock.Now().Add(time.Hour))
}

func TestWhatWaitsForADoctorLapsesLikewise(t *testing.T) {
	d := newDesk(t)
	d.detecting("off")
	provider := d.Provider(1)
	d.capDay(provider, 1)
	d.raiseRules(provider)
	d.books(d.Patient(), d.Slot(provider, 9, 0))
	nurse := d.FrontDesk()
	nurse.Scopes = append(slices.Clone(nurse.Scopes), access.ConflictsOverride)
	visit, err := d.bookOver(nurse, d.Slot(provider, 10, 0), d.named(d.Patient()), availability.DailyCapReached)
	if err != nil || !visit.AwaitsDoctor {
		t.Fatal(visit, err)
	}
	d.waits(visit, visit.Start)
	d.clock.Set(visit.Start)
	if n := d.lapse(); n != 1 {
		t.Errorf("%d lapse", n)
	}
}

// Several processes lapse while others approve, by clocks that differ a little: each visit has one end.
func TestApprovingAndLapsingAtOnceHasOneEnd(t *testing.T) {
	d := newDesk(t)
	d.approving(time.Hour)
	provider := d.Provider(1)
	visits := make([]appointment.Appointment, 16)
	for i := range visits {
		visits[i] = d.books(d.Patient(), d.Slot(provider, 9+i/2, i%2*30))
	}
	late := *d
	late.clock = clock.FrozenAt(*visits[0].ApprovalDueAt)
	lapsing := late.over(d.pool)
	before, front := d.deadlocks(), d.FrontDesk()
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if _, err := lapsing.Lapse(t.Context(), 5); err != nil {
				t.Error(err)
			}
		})
	}
	for _, v := range visits {
		all.Go(func() {
			if _, err := d.takes(front, v, appointment.Approve); err != nil && !errors.As(err, new(appointment.InvalidTransition)) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, v := range visits {
		ap := d.kept(v)
		claims := d.count(`SELECT count(*)::int FROM claims WHERE appointment_id = $1 AND state = 'ACTIVE'`, v.ID)
		if ap.Version != 2 || (ap.Status != appointment.Booked || claims != 2) && (ap.Status != appointment.Cancelled || claims != 0) {
			t.Errorf("%s, version %d, with %d claims", ap.Status, ap.Version, claims)
		}
	}
	if n := d.count(`SELECT count(*)::int FROM audit_events WHERE action IN ('appointment.cancel', 'appointment.APPROVE')`); n != len(visits) {
		t.Errorf("%d records of %d visits", n, len(visits))
	}
	if n := d.deadlocks(); n != before {
		t.Errorf("%d deadlocks", n-before)
	}
	d.countsMatchClaims()
}

// meanwhile is a store in which something happens once it has been found out what is due.
type meanwhile struct {
	*postgres.AppointmentStore
	happens func()
}

func (m meanwhile) DueApprovals(ctx context.Context, now time.Time, passed []clinic.Ref, limit int) ([]clinic.Ref, error) {
	due, err := m.AppointmentStore.DueApprovals(ctx, now, passed, limit)
	m.happens()
	return due, err
}

func TestWhatIsApprovedMeanwhileDoesNotLapse(t *testing.T) {
	d := newDesk(t)
	d.approving(time.Hour)
	visit := d.books(d.Patient(), d.Slot(d.Provider(1), 10, 0))
	db := postgres.New(d.pool, keytest.Of(t, d.pool))
	var once sync.Once
	store := meanwhile{postgres.NewAppointmentStore(db), func() {
		once.Do(func() {
			if _, err := d.takes(d.FrontDesk(), visit, appointment.Approve); err != nil {
				t.Error(err)
			}
		})
	}}
	later := appointment.NewService(store, d.openings, db.Directory(), appointment.Limits{},
		clinic.Source{Clock: clock.FrozenAt(*visit.ApprovalDueAt), NewID: sample.NewID})
	if _, err := later.Lapse(t.Context(), 10); err != nil {
		t.Error(err)
	}
	if got := d.kept(visit); got.Status != appointment.Booked {
		t.Errorf("what was approved has become %s", got.Status)
	}
}

// A visit that somebody else keeps locked is passed over, and the others lapse.
func TestALockedVisitIsPassedOver(t *testing.T) {
	d := newDesk(t)
	d.approving(time.Hour)
	provider := d.Provider(1)
	locked, other := d.books(d.Patient(), d.Slot(provider, 9, 0)), d.books(d.Patient(), d.Slot(provider, 10, 0))
	impatient := d.over(d.poolWith(func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["lock_timeout"] = "50ms" }))
	d.clock.Advance(time.Hour)
	tx := d.begin()
	if _, err := tx.Exec(t.Context(), `SELECT FROM appointments WHERE id = $1 FOR UPDATE`, locked.ID); err != nil {
		t.Fatal(err)
	}
	if n, err := impatient.Lapse(t.Context(), 10); n != 1 || err == nil || d.kept(other).Status != appointment.Cancelled {
		t.Errorf("%d lapse: %v", n, err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := d.lapse(); n != 1 || d.kept(locked).Status != appointment.Cancelled {
		t.Errorf("then %d lapse", n)
	}
}

func TestWhatTheClinicHasToApproveIsListedByWhenItLapses(t *testing.T) {
	d := newDesk(t)
	d.approving(6 * time.Hour)
	provider, front := d.Provider(1), d.FrontDesk()
	late := d.books(d.Patient(), d.Slot(provider, 15, 0)) // lapses at 12:00
	soon := d.books(d.Patient(), d.Slot(provider, 9, 0))  // when it starts
	approved := d.books(d.Patient(), d.Slot(provider, 16, 0))
	if _, err := d.takes(front, approved, appointment.Approve); err != nil {
		t.Fatal(err)
	}
	pending := appointment.Filter{Organization: d.Organization, Statuses: []appointment.Status{appointment.Pending}}
	var ids []uuid.UUID
	var after []string
	for range 3 {
		page, _, err := d.List(t.Context(), front, pending, appointment.ApprovalDue, paging.Window{Size: 1, After: after})
		if err != nil {
			t.Fatal(err)
		}
		for _, ap := range page.Items {
			ids, after = append(ids, ap.ID), appointment.Key(ap, appointment.ApprovalDue)
		}
	}
	if !slices.Equal(ids, []uuid.UUID{soon.ID, late.ID}) {
		t.Errorf("listed %v, not %v", ids, []uuid.UUID{soon.ID, late.ID})
	}
	for _, statuses := range [][]appointment.Status{nil, {appointment.Pending, appointment.Booked}, {appointment.Booked}} {
		pending.Statuses = statuses
		if _, _, err := d.List(t.Context(), front, pending, appointment.ApprovalDue, everything); pathOf(err) != "orderBy" {
			t.Errorf("%v by when they lapse: %v", statuses, err)
		}
	}
}

// selected remembers the last statement that read appointments.
type selected struct{ lastQuery }

func (s *selected) TraceQueryStart(ctx context.Context, conn *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if strings.Contains(q.SQL, "FROM appointments") {
		return s.lastQuery.TraceQueryStart(ctx, conn, q)
	}
	return ctx
}

// Of very many visits only those that wait are looked at, by staff and by what lapses them.
func TestWhatWaitsIsFoundAmongVeryManyVisits(t *testing.T) {
	d := newDesk(t)
	provider := d.Provider(1)
	d.visits(provider, 20_000)
	d.approving(time.Hour)
	d.books(d.Patient(), d.Slot(provider, 10, 0))
	if _, err := d.pool.Exec(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	sent := &selected{}
	traced := d.poolWith(func(c *pgxpool.Config) { c.ConnConfig.Tracer = sent })
	store := postgres.NewAppointmentStore(postgres.New(traced, keytest.Of(t, traced)))
	pending := appointment.Filter{Organization: d.Organization, Statuses: []appointment.Status{appointment.Pending}}
	for _, order := range []appointment.Order{appointment.ApprovalDue, appointment.StartAscending} {
		page, err := store.List(t.Context(), pending, order, paging.Window{Size: 50})
		if plan := d.explained(&sent.lastQuery, "mediconnect_app"); err != nil || len(page.Items) != 1 || !strings.Contains(plan, "appointments_awaiting") {
			t.Errorf("%s: %d, %v, by\n%s", order, len(page.Items), err, plan)
		}
	}
	due, err := store.DueApprovals(t.Context(), d.clock.Now().Add(time.Hour), nil, 100)
	if plan := d.explained(&sent.lastQuery, "mediconnect_sweeper"); err != nil || len(due) != 1 || !strings.Contains(plan, "appointments_due") {
		t.Errorf("%d are due, %v, by\n%s", len(due), err, plan)
	}
}

// What was pending before it could lapse has its time from then on.
func TestWhatWasPendingBeforeLapsesToo(t *testing.T) {
	d := newDesk(t)
	d.approving(time.Hour)
	visit := d.books(d.Patient(), d.Slot(d.Provider(1), 10, 0))
	runner, err := migrate.Open(strings.TrimSuffix(pgtest.OwnerURL(t, d.pool.Config().ConnString()), "&pool_max_conns=20"))
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	for version := migrate.Latest(); version >= 27; version-- {
		if _, ok, err := runner.Down(t.Context()); err != nil || !ok {
			t.Fatal(ok, err)
		}
	}
	d.Set(`UPDATE appointments SET starts_at = '2099-06-08 14:00Z', ends_at = '2099-06-08 14:30Z' WHERE organization_id = $1`)
	began := time.Now()
	if _, err := runner.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if due := d.kept(visit).ApprovalDueAt; due == nil || due.Before(began.Add(72*time.Hour-time.Minute)) || due.After(time.Now().Add(72*time.Hour)) {
		t.Errorf("it lapses at %v, and the database was migrated at %v", due, began)
	}
}

func TestEveryStepOfARequestIsToldOnce(t *testing.T) {
	request, confirmation, cancellation, remind := reminder.Request, reminder.Confirmation, reminder.Cancellation, reminder.Remind
	for name, c := range map[string]struct {
		then func(p *post, ann access.Actor, visit appointment.Appointment) error
		want []reminder.Kind
	}{
		"approved": {func(p *post, _ access.Actor, v appointment.Appointment) error {
			_, err := p.takes(p.FrontDesk(), v, appointment.Approve)
			return err
		}, []reminder.Kind{request, confirmation, remind}},
		"declined": {func(p *post, _ access.Actor, v appointment.Appointment) error {
			_, err := p.takes(p.FrontDesk(), v, appointment.Decline)
			return err
		}, []reminder.Kind{request, cancellation}},
		"lapsed": {func(p *post, _ access.Actor, v appointment.Appointment) error {
			p.clock.Set(*v.ApprovalDueAt)
			_, err := p.Lapse(p.t.Context(), 10)
			return err
		}, []reminder.Kind{request, cancellation}},
		"moved, and approved": {func(p *post, ann access.Actor, v appointment.Appointment) error {
			moved, err := p.desk.move(ann, v, p.Slot(v.Slot().ProviderRef(), 12, 0))
			if err != nil {
				return err
			}
			p.carry()
			_, err = p.takes(p.FrontDesk(), moved.Appointment, appointment.Approve)
			return err
		}, []reminder.Kind{request, request, confirmation, remind}},
		"cancelled by the patient": {func(p *post, ann access.Actor, v appointment.Appointment) error {
			p.mustCancel(ann, v)
			return nil
		}, []reminder.Kind{request, cancellation}},
		"approved, taken back, and lapsed": {func(p *post, _ access.Actor, v appointment.Appointment) error {
			for _, action := range []appointment.Action{appointment.Approve, appointment.Undo} {
				if _, err := p.takes(p.FrontDesk(), v, action); err != nil {
					return err
				}
				p.carry()
			}
			p.clock.Set(*p.kept(v).ApprovalDueAt)
			_, err := p.Lapse(p.t.Context(), 10)
			return err
		}, []reminder.Kind{request, confirmation, cancellation}},
		"nothing": {func(*post, access.Actor, appointment.Appointment) error { return nil }, []reminder.Kind{request}},
	} {
		p := newPost(t)
		p.approving(time.Hour)
		ann := p.patient()
		visit := p.books(ann, p.Slot(p.Provider(1), 10, 0))
		p.carry()
		p.carry()
		if err := c.then(p, ann, visit); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		p.carry()
		p.clock.Set(p.kept(visit).Start.Add(-2 * time.Hour))
		p.carry()
		p.carry()
		if !alike(p.sms.told(), c.want...) || len(p.email.letters) != 0 {
			t.Errorf("%s: told %v, not %v; by mail %v", name, p.sms.told(), c.want, p.email.told())
		}
	}
}

// Who is approved before they are told of their asking is told the one thing.
func TestWhoIsApprovedAtOnceIsToldThatAlone(t *testing.T) {
	for _, planned := range []bool{false, true} {
		p := newPost(t)
		p.approving(time.Hour)
		visit := p.books(p.patient(), p.Slot(p.Provider(1), 10, 0))
		if planned {
			if _, err := p.Service.Plan(t.Context(), 10); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.takes(p.FrontDesk(), visit, appointment.Approve); err != nil {
			t.Fatal(err)
		}
		p.carry()
		p.carry()
		if !alike(p.sms.told(), reminder.Confirmation) {
			t.Errorf("planned before: %v; told %v", planned, p.sms.told())
		}
	}
}

// What a message tells of a refusal follows from how it came.
func TestARefusalIsToldAsWhatItIs(t *testing.T) {
	for want, end := range map[reminder.Refusal]func(p *post, v appointment.Appointment) error{
		reminder.Declined: func(p *post, v appointment.Appointment) error {
			_, err := p.takes(p.FrontDesk(), v, appointment.Decline)
			return err
		},
		reminder.Lapsed: func(p *post, v appointment.Appointment) error {
			p.clock.Set(*v.ApprovalDueAt)
			_, err := p.Lapse(p.t.Context(), 10)
			return err
		},
		"": func(p *post, v appointment.Appointment) error {
			_, err := p.Cancel(p.t.Context(), p.FrontDesk(), appointment.CancelVisit{Appointment: v.Ref(), Reason: appointment.ClinicRequest})
			return err
		},
	} {
		p := newPost(t)
		words := &factsSeen{}
		p.Service = reminder.NewService(reminder.Config{
			Store: p.store, Source: clinic.Source{Clock: p.clock, NewID: sample.NewID}, Channels: []reminder.Channel{p.sms, p.email, reminder.InApp{}}, Writer: words,
			Timing: reminder.UsualTiming(), Law: func(n int, after time.Duration) time.Duration { return after }, Alert: p.hear,
		})
		p.approving(time.Hour)
		visit := p.books(p.patient(), p.Slot(p.Provider(1), 10, 0))
		if err := end(p, visit); err != nil {
			t.Fatal(err)
		}
		p.carry()
		if len(words.seen) != 1 || words.seen[0].Refusal != want || !words.seen[0].ByClinic {
			t.Errorf("%q is told as %+v", want, words.seen)
		}
	}
}

// factsSeen are words that remember what they tell.
type factsSeen struct{ seen []reminder.Facts }

func (w *factsSeen) Write(c reminder.ChannelKind, k reminder.Kind, f reminder.Facts) (string, string, string, error) {
	w.seen = append(w.seen, f)
	return plainWords{}.Write(c, k, f)
}
