package bench_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// keeps has whatever a visit leaves be kept for whoever waits.
type keeps struct{}

func (keeps) Keeps(uuid.UUID) *appointment.Reserve {
	return &appointment.Reserve{Hold: uuid.Must(uuid.NewV7()), Holder: waitlist.Matcher, ExpiresAt: time.Now().Add(30 * time.Second)}
}

// leaving is a town where everybody waits for anybody, and whose visits are cancelled and moved: at one half of the providers what they
// leave is kept for those who wait, at the other half it is free.
type leaving struct {
	*town
	desk        access.Actor
	kept, freed *house
}

const waitForAnybody = `
INSERT INTO waitlist_entries (organization_id, id, patient_id, status, priority, visit_kind_id, wanted, minimum_notice, joined_at, joined_by)
SELECT $1, gen_random_uuid(), id, 'ACTIVE', 0, $2, '\x00', 7200, now(), id FROM patients WHERE organization_id = $1`

func newLeaving(t testing.TB, providers int) *leaving {
	t.Helper()
	l := &leaving{town: newTown(t, providers, 2*providers, 4)}
	if err := l.server.Kill(); err != nil {
		t.Fatal(err)
	}
	kind, err := l.Ref(l.VisitKind)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.pool.Exec(t.Context(), waitForAnybody, kind.Organization, kind.ID); err != nil {
		t.Fatal(err)
	}
	l.desk = access.Actor{
		Kind: access.Staff, ID: uuid.New(), Client: "bench", Organization: kind.Organization, Role: access.FrontDesk, Scopes: access.ScopesOf(access.FrontDesk),
	}
	l.kept, l.freed = newHouse(t, l.url, l.Keys), newHouse(t, l.url, l.Keys)
	l.kept.booking.Waited(keeps{})
	return l
}

// leave is a way in which a visit leaves its time; to is a time that nobody has.
type leave struct {
	name, told string
	do         func(l *leaving, ctx context.Context, h *house, visit clinic.Ref, to availability.SlotID) error
}

var leaves = []leave{
	{"Cancel", "cancelling", func(l *leaving, ctx context.Context, h *house, visit clinic.Ref, _ availability.SlotID) error {
		_, err := h.booking.Cancel(ctx, l.desk, appointment.CancelVisit{Appointment: visit, Reason: appointment.ClinicRequest})
		return err
	}},
	{"Move", "moving", func(l *leaving, ctx context.Context, h *house, visit clinic.Ref, to availability.SlotID) error {
		_, err := h.booking.Move(ctx, l.desk, appointment.MoveVisit{Appointment: visit, Target: appointment.Target{Slot: &to}, Key: uuid.NewString()})
		return err
	}},
}

// half is where visits are left next.
type half struct {
	side
	next int
}

func (w *half) slot() (availability.SlotID, clinic.Ref) {
	slot, who := w.side.slot(w.next)
	w.next++
	return slot, clinic.Ref{Organization: who.Actor.Organization, ID: who.Actor.PatientID}
}

// measured answers the milliseconds of SQL that leaving a visit takes, window after window.
func (v leave) measured(l *leaving, h *house, at *half) measure {
	return func(t testing.TB, window int) float64 {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		visits, free := make([]clinic.Ref, window), make([]availability.SlotID, window)
		for i := range visits {
			slot, who := at.slot()
			b, err := h.booking.Book(ctx, l.desk, appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Patient: &who, Key: uuid.NewString()})
			if err != nil {
				t.Fatal(err)
			}
			visits[i] = b.Appointment.Ref()
		}
		for i := range free {
			free[i], _ = at.slot()
		}
		h.sql.spent = 0
		for i, visit := range visits {
			if err := v.do(l, ctx, h, visit, free[i]); err != nil {
				t.Fatalf("%s: %v", v.name, err)
			}
		}
		return float64(h.sql.spent.Microseconds()) / 1000 / float64(window)
	}
}

// versus measures leaving a time that is kept against one that is free, in turn: the ratio, and milliseconds.
func (v leave) versus(t testing.TB, l *leaving, a, b *half, p plan) (r ratio, kept, freed float64) {
	t.Helper()
	as, bs := p.versus(t, v.measured(l, l.kept, a), v.measured(l, l.freed, b))
	return ratioOf(as, bs), median(as), median(bs)
}

func (l *leaving) halves() (a, b *half) {
	first, second := l.sides()
	return &half{side: first}, &half{side: second}
}

func TestLeavingATimeThatIsKeptIsMeasured(t *testing.T) {
	l := newLeaving(t, 4)
	a, b := l.halves()
	p := plan{pairs: 1, window: 3, warm: 1}
	for n, v := range leaves {
		if r, _, _ := v.versus(t, l, a, b, p); r.median <= 0 {
			t.Errorf("%s: %v", v.name, r)
		}
		const keptAt = `SELECT count(*) FILTER (WHERE provider_id = ANY ($1)), count(*) FROM holds WHERE state = 'ACTIVE'`
		var kept, all int
		if err := l.pool.QueryRow(t.Context(), keptAt, a.providers).Scan(&kept, &all); err != nil {
			t.Fatal(err)
		}
		if want := (n + 1) * p.windows() * p.window; kept != want || all != want {
			t.Errorf("%s: %d times are kept, %d where none is to be, not %d", v.name, kept, all-kept, want)
		}
	}
}

// What it costs to keep a time for those who wait: the SQL of cancelling and of moving a visit, with it against without, one connection,
// not waiting for the disk.
func BenchmarkLeavingATimeThatIsKeptAgainstOneThatIsFree(b *testing.B) {
	l := newLeaving(b, 20)
	first, second := l.halves()
	p := plan{pairs: 60, window: 8, warm: 3} // short windows: whatever else the machine does falls on both
	for _, v := range leaves {
		b.Run(v.name, func(b *testing.B) {
			r, kept, freed := v.versus(b, l, first, second, p)
			report(b, r, fmt.Sprintf("%s: SQL of a visit, medians of %d windows of %d in turn: %.3f ms with its time kept for who waits, %.3f with it free; ratio %v",
				v.told, p.pairs, p.window, kept, freed, r))
		})
	}
}
