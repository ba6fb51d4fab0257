package bench_test

import (
	"context"
	"errors"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// errand is something that the program does all day. It answers how much was found or done.
type errand struct {
	name string // of the benchmark
	told string
	run  func(g *guarded, ctx context.Context, h *house, n int) (int, error)
	plan plan
}

// hundred errands a window.
var hundred = plan{pairs: 20, window: 100, warm: 2}

var errands = []errand{
	{"Book", "book", (*guarded).book, plan{pairs: 20, window: 40, warm: 2}},
	{"AvailabilityOf7Days", "what is open and taken with one provider for 7 days", (*guarded).week, hundred},
	{"NearbySoonest", "the 20 soonest within 50 km in 14 days", (*guarded).nearbySoonest, hundred},
	{"CalendarOf42Days", "the calendar of one provider for 42 days", (*guarded).sixWeeks, hundred},
	{"DayOfAppointments", "the first 50 appointments of a day", (*guarded).day, hundred},
	{"PageOf20ProvidersWith5", "20 providers with 5 appointments each", (*guarded).page, hundred},
	{"PatientsByName", "the first 20 patients by the beginning of a name", (*guarded).named20, hundred},
	{"AppointmentsOfAPatient", "the appointments of one patient", (*guarded).history, hundred},
}

// book books the n-th opening. Its provider's rules are known, as they are to a server that has been up for a while.
func (g *guarded) book(ctx context.Context, h *house, n int) (int, error) {
	v := g.vacancies[n]
	p := clinic.Ref{Organization: g.organization, ID: v.slot.Provider}
	spent := h.sql.spent
	if _, err := h.rules.RulesAt(ctx, p, v.slot.Start); err != nil {
		return 0, err
	}
	h.sql.spent = spent
	_, err := h.booking.Book(ctx, g.desk(), appointment.BookVisit{
		Target: appointment.Target{Slot: &v.slot}, Patient: &clinic.Ref{Organization: g.organization, ID: v.patient}, Key: uuid.NewString(),
	})
	if _, busy := errors.AsType[appointment.PatientConflict](err); busy {
		return 0, nil // one in a hundred is elsewhere at that time, the same one in both databases
	}
	return 1, err
}

func (g *guarded) desk() access.Actor {
	return access.Actor{
		Kind: access.Staff, ID: g.visitors[0], Client: "bench", Organization: g.organization, Role: access.FrontDesk,
		Scopes: access.ScopesOf(access.FrontDesk),
	}
}

func (g *guarded) week(ctx context.Context, h *house, n int) (int, error) {
	view, err := h.openings.View(ctx, g.refs[n%len(g.refs)], availability.Period{From: g.now, To: g.until(7)})
	return len(view.Rules.Kinds), err
}

func (g *guarded) nearbySoonest(ctx context.Context, h *house, n int) (int, error) {
	until := g.until(14)
	found, err := h.finder.Search(ctx, access.Nobody("bench"), availability.Search{
		Near:      &clinic.Near{Circle: &clinic.Circle{Center: g.origins[n%len(g.origins)], Radius: 50_000}},
		VisitKind: &g.kindOf, From: &g.now, To: &until,
	}, availability.Soonest, paging.Window{Size: 20})
	return len(found.Items), err
}

func (g *guarded) sixWeeks(ctx context.Context, h *house, n int) (int, error) {
	calendar, err := h.finder.Calendar(ctx, access.Nobody("bench"), availability.Search{
		VisitKind: &g.kindOf, Providers: []clinic.Ref{g.refs[n%len(g.refs)]},
	}, availability.Days{From: civil.DateOf(g.now), Count: 42})
	return len(calendar.Days), err
}

func (g *guarded) day(ctx context.Context, h *house, n int) (int, error) {
	from := g.until(n % 20)
	page, err := h.appointments.List(ctx, appointment.Filter{Organization: g.organization, From: from, To: from.AddDate(0, 0, 1)},
		appointment.StartAscending, paging.Window{Size: 50})
	return len(page.Items), err
}

func (g *guarded) page(ctx context.Context, h *house, n int) (int, error) {
	w := paging.Window{Size: 20}
	if n%2 == 1 {
		w.After = []string{g.words[n%len(g.words)], uuid.Nil.String()}
	}
	page, err := h.directory.ListProviders(ctx, g.organization, provider.Search{Brief: true}, w)
	if err != nil {
		return 0, err
	}
	refs := make([]clinic.Ref, len(page.Items))
	for i, p := range page.Items {
		refs[i] = clinic.Ref{Organization: p.OrganizationID, ID: p.ID}
	}
	visits, err := h.appointments.Agendas(ctx, refs, appointment.Agenda{Order: appointment.StartAscending, Window: paging.Window{Size: 5}, Brief: true})
	return len(visits), err
}

func (g *guarded) named20(ctx context.Context, h *house, n int) (int, error) {
	page, err := h.directory.Find(ctx, patient.Sought{
		Organization: g.organization, Handles: []patient.Handle{g.names[n%len(g.names)]}, Among: access.Reach{All: true},
	}, paging.Window{Size: 20})
	return len(page.Items), err
}

func (g *guarded) history(ctx context.Context, h *house, n int) (int, error) {
	page, err := h.appointments.List(ctx, appointment.Filter{Organization: g.organization, Patient: g.visitors[n%len(g.visitors)]},
		appointment.StartDescending, paging.Window{Size: 20})
	return len(page.Items), err
}
