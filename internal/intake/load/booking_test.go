package load_test

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
)

func (w *world) view(id uuid.UUID, from, to time.Time) availability.View {
	w.t.Helper()
	v, err := postgres.NewAvailabilityStore(w.db).View(w.t.Context(), clinic.Ref{Organization: group, ID: id}, availability.Period{From: from, To: to})
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w *world) visits() []appointment.Appointment {
	w.t.Helper()
	var refs []clinic.Ref
	for _, id := range w.ids(`SELECT id FROM appointments ORDER BY id`) {
		refs = append(refs, clinic.Ref{Organization: group, ID: id})
	}
	found, err := postgres.NewAppointmentStore(w.db).Appointments(w.t.Context(), refs)
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.Collect(maps.Values(found))
}

// Each visit could have been booked through the program: on the grid, within the hours, with the claims of its plan.
func TestEachVisitStandsWhereTheProgramWouldHavePutIt(t *testing.T) {
	w := newWorld(t)
	w.mustLoad(order(t, 60, 1500))
	end := dawn.AddDate(0, 0, 61)
	for _, v := range w.visits() {
		rules := w.view(v.ProviderID, v.Start, v.Start.Add(time.Minute)).Rules
		if verdict := availability.Check(rules, availability.Taken{}, v.Slot(), v.CreatedAt, availability.Asking{}); !verdict.Bookable() {
			t.Errorf("%s: %v", v.Slot().Start, verdict.Blocked)
		}
		plan, ok := availability.PlanOf(rules, v.Slot())
		if !ok || plan.End != v.End || plan.LocalStart != v.LocalStart || plan.TimeZone != v.TimeZone || v.Start.After(end) {
			t.Errorf("planned %+v, stands as %+v", plan, v)
		}
		var windows []uuid.UUID
		for _, c := range plan.Windows {
			windows = append(windows, c.ID)
		}
		days := make([]time.Time, len(plan.Days))
		for i, d := range plan.Days {
			days[i] = d.In(time.UTC)
		}
		if n := w.count(`SELECT count(*) FROM claims WHERE appointment_id = $1 AND party_id = $2 AND starts_at = $3 AND ends_at = $4 AND days = $5::date[]
			AND counted_windows = coalesce($6::uuid[], '{}') AND lane < $7`, v.ID, v.ProviderID, plan.Occupied.Start, plan.Occupied.End, days, windows, plan.Lanes); n != 1 {
			t.Errorf("no claim as planned: %+v", plan)
		}
	}
}

// Whoever follows the log alone knows what is taken.
func TestTheLogTellsTheLoad(t *testing.T) {
	w := newWorld(t)
	log := postgres.NewLog(w.db)
	start, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.mustLoad(order(t, 10, 400))
	mirrors := map[uuid.UUID]*live.Mirror{}
	for _, id := range w.ids(`SELECT id FROM providers`) {
		mirrors[id] = live.NewMirror(availability.Taken{})
	}
	var latest time.Time
	var last int64
	if err := w.pool.QueryRow(t.Context(), `SELECT max(position) FROM event_log`).Scan(&last); err != nil {
		t.Fatal(err)
	}
	for at := start; at.Position < last; {
		entries, next, err := log.Read(t.Context(), at, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Appointment != uuid.Nil && e.At.Before(latest) {
				t.Errorf("%s at %s comes after %s", e.Topic, e.At, latest)
			} else if e.Appointment != uuid.Nil {
				latest = e.At
			}
			if m := mirrors[e.Provider]; m == nil {
				t.Fatalf("%s tells of nobody", e.Topic)
			} else if err := m.Apply(e); err != nil {
				t.Fatal(err)
			}
		}
		at = next
	}
	for id, m := range mirrors {
		told, stored := m.Taken(), w.view(id, dawn.AddDate(0, 0, -31), dawn.AddDate(0, 0, 62)).Taken
		if got, want := bare(told.Claims), bare(stored.Claims); !slices.Equal(got, want) || len(want) == 0 {
			t.Errorf("the log tells %d claims, there are %d", len(got), len(want))
		}
		if !maps.Equal(told.Days, stored.Days) || !maps.Equal(told.Windows, stored.Windows) {
			t.Errorf("the log tells the days %v and windows %v, there are %v and %v", told.Days, told.Windows, stored.Days, stored.Windows)
		}
	}
}

type bareClaim struct {
	id         uuid.UUID
	lane       int
	start, end time.Time
}

func bare(claims []availability.Claim) (list []bareClaim) {
	for _, c := range claims {
		list = append(list, bareClaim{c.ID, c.Lane, c.Start, c.End})
	}
	slices.SortFunc(list, func(a, b bareClaim) int { return cmp.Compare(a.id.String(), b.id.String()) })
	return list
}

func (w *world) appointments() (*appointment.Service, *availability.Service) {
	openings := availability.NewService(postgres.NewAvailabilityStore(w.db), clock.FrozenAt(dawn))
	directory := clinic.NewService(w.db.Directory(), w.source())
	return appointment.NewService(postgres.NewAppointmentStore(w.db), openings, directory, appointment.DefaultLimits(), w.source()), openings
}

// The program goes on with what was loaded: openings can be booked until none is left, taken times can't, visits move and go.
func TestALoadedCrowdCanBeBookedMovedAndCancelled(t *testing.T) {
	w := newWorld(t)
	w.mustLoad(order(t, 20, 800))
	service, openings := w.appointments()
	folk := w.ids(`SELECT id FROM patients ORDER BY id`)
	desk := admin
	desk.Role, desk.Scopes = access.FrontDesk, access.ScopesOf(access.FrontDesk)
	moved, gone := 0, 0
	for i, v := range w.visits() {
		if v.Status != appointment.Booked {
			continue
		}
		someone := clinic.Ref{Organization: group, ID: folk[i%len(folk)]}
		taken := v.Slot()
		lanes := w.view(v.ProviderID, v.Start, v.Start.Add(time.Minute)) // before
		if verdict := availability.Check(lanes.Rules, lanes.Taken, taken, dawn, availability.Asking{}); !verdict.Bookable() {
			_, err := service.Book(t.Context(), desk, appointment.BookVisit{Target: appointment.Target{Slot: &taken}, Patient: &someone, Key: "taken-" + v.ID.String()})
			if err == nil {
				t.Errorf("%s was booked though %v", taken.Start, verdict.Blocked)
			}
		}
		ref := v.Ref()
		if i%2 == 0 {
			next, err := openings.NextAvailable(t.Context(), desk, clinic.Ref{Organization: group, ID: v.ProviderID}, v.VisitKindID, &v.Modality)
			if err != nil || next == nil {
				t.Fatalf("no next opening: %v", err)
			}
			_, err = service.Move(t.Context(), desk, appointment.MoveVisit{
				Appointment: ref, Target: appointment.Target{Slot: &next.SlotID}, ExpectedVersion: &v.Version, Key: "move-" + v.ID.String(),
			})
			if _, busy := err.(appointment.PatientConflict); err != nil && !busy {
				t.Errorf("move: %v", err)
			} else if err == nil {
				moved++
			}
			continue
		}
		if _, err := service.Cancel(t.Context(), desk, appointment.CancelVisit{Appointment: ref, Reason: appointment.ClinicRequest}); err != nil {
			t.Errorf("cancel: %v", err)
			continue
		}
		gone++
		if _, err := service.Book(t.Context(), desk, appointment.BookVisit{Target: appointment.Target{Slot: &taken}, Patient: &clinic.Ref{Organization: group, ID: v.PatientID}, Key: v.ID.String()}); err != nil {
			if _, notice := err.(appointment.SlotUnavailable); !notice {
				t.Errorf("the time that was given up: %v", err)
			}
		}
	}
	if moved < 100 || gone < 100 {
		t.Errorf("%d moved, %d cancelled", moved, gone)
	}
	w.holds()
}

func (w *world) plans(ids []uuid.UUID) (list []provider.AcceptedPlan) {
	w.t.Helper()
	refs := make([]clinic.Ref, len(ids))
	for i, id := range ids {
		refs[i] = clinic.Ref{Organization: group, ID: id}
	}
	found, err := w.db.Directory().InsurancePlans(w.t.Context(), refs)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range found {
		list = append(list, provider.AcceptedPlan{Carrier: p.Carrier, Name: p.Name})
	}
	return list
}

// What the rooms would have stored is what is stored: putting it again writes nothing.
func TestPuttingALoadedProviderAndPatientAgainWritesNothing(t *testing.T) {
	w := newWorld(t)
	w.mustLoad(order(t, 30, 400))
	before := w.contents()
	directory := w.db.Directory()
	rooms := provider.NewService(directory, clinic.NewService(directory, w.source()), w.source())
	var refs []clinic.Ref
	for _, id := range w.ids(`SELECT id FROM providers`) {
		refs = append(refs, clinic.Ref{Organization: group, ID: id})
	}
	found, err := rooms.Providers(t.Context(), refs)
	if err != nil || len(found) != 30 {
		t.Fatal(len(found), err)
	}
	for _, p := range found {
		in := provider.PutProvider{
			Identifier: p.Identifier, Name: p.Name, Specialties: p.Specialties, Languages: p.Languages, MaxDailyAppointments: p.MaxDailyAppointments,
		}
		for _, k := range p.VisitKindIDs {
			in.VisitKinds = append(in.VisitKinds, clinic.Ref{Organization: group, ID: k})
		}
		in.AcceptedPlans = w.plans(p.PlanIDs)
		if again, err := rooms.PutProvider(t.Context(), admin, in); err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("put %+v, got %+v, %v", p, again, err)
		}
	}
	people := patient.NewService(directory, w.source())
	for _, id := range w.ids(`SELECT id FROM patients`) {
		ref := clinic.Ref{Organization: group, ID: id}
		one, err := people.Patients(t.Context(), admin, []clinic.Ref{ref})
		if err != nil {
			t.Fatal(err)
		}
		p := one[ref]
		in := patient.Register{
			Identifier: clinic.Identifier{System: p.System, Value: p.Identifier.Reveal()}, GivenName: p.GivenName, FamilyName: p.FamilyName,
			BirthDate: p.BirthDate, Phone: p.Phone, Email: p.Email, Language: p.Language, TimeZone: p.TimeZone,
		}
		if again, err := people.Register(t.Context(), admin, in); err != nil || again.ID != id {
			t.Errorf("registered %v again as %v, %v", id, again.ID, err)
		}
		page, err := people.Find(t.Context(), admin, patient.Filter{Name: &p.FamilyName, Email: p.Email}, paging.Window{Size: 5})
		if err != nil || len(page.Items) != 1 {
			t.Errorf("looked up by name and e-mail: %d, %v", len(page.Items), err)
		}
	}
	w.wantContents(before, "put again")
}
