package resolvers_test

import (
	"context"
	"sync"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/audit"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// rooms is one clinic that answers whatever it is asked, counts how often, and fails when told to.
type rooms struct {
	records kept
	mu      sync.Mutex
	fail    error // of every change and every list
	panics  bool
	asked   []string // the methods called, in order
	heard   any      // the last command
	closed  bool     // the hours offer no slot
	unread  error    // of alternatives
	whom    availability.For

	organization clinic.Organization
	location     clinic.Location
	kind         clinic.VisitKind
	provider     provider.Provider
	plan         clinic.InsurancePlan
	patient      patient.Patient
	slot         availability.Slot
	hold         appointment.Hold
	visit        appointment.Appointment
	visits       int // in a list
	ordered      appointment.Order
	events       []audit.Event
	state        waitlist.OfferState // of the offer; empty: open
}

func id(n byte) uuid.UUID { return uuid.UUID{6: 0x70, 8: 0x80, 15: n} }

var start = time.Date(2030, 5, 6, 13, 0, 0, 0, time.UTC)

func open() *rooms {
	org := id(1)
	r := &rooms{visits: 1}
	r.organization = clinic.Organization{ID: org, Name: "Riverside"}
	r.location = clinic.Location{ID: id(2), OrganizationID: org, Name: "Main Street", TimeZone: "America/New_York", AddressLines: []string{"1 Main St"}}
	r.kind = clinic.VisitKind{
		ID: id(3), OrganizationID: org, Name: "Vaccination", Duration: 15 * time.Minute, Modalities: []clinic.Modality{clinic.InPerson},
		Policy: clinic.Policy{HoldDuration: 5 * time.Minute, MaximumAdvance: 365 * 24 * time.Hour},
	}
	display := "Pharmacy"
	r.provider = provider.Provider{
		ID: id(4), OrganizationID: org, Name: "Counter 1", VisitKindIDs: []uuid.UUID{r.kind.ID}, Languages: []string{"en"},
		Specialties: []clinic.Coding{{System: "https://example.org/specialties", Code: "pharmacy", Display: &display}},
	}
	r.plan = clinic.PlanOf(org, "Horizon", "Gold")
	r.provider.PlanIDs = []uuid.UUID{r.plan.ID}
	r.patient = patient.Patient{ID: id(5), OrganizationID: org, GivenName: "Ada", FamilyName: "Moreau", System: "https://example.org/mrn", Identifier: "M-1"}
	r.slot = availability.Slot{
		SlotID: availability.SlotID{
			Organization: org, Provider: r.provider.ID, Location: r.location.ID, VisitKind: r.kind.ID, Modality: clinic.InPerson, Start: start,
		},
		End: start.Add(15 * time.Minute), LocalStart: civil.DateTime{Date: civil.Date{Year: 2030, Month: 5, Day: 6}, Time: civil.Time{Hour: 9}},
		TimeZone: "America/New_York", Status: availability.Free, Remaining: 1, Version: 7,
	}
	r.hold = appointment.Hold{ID: id(6), OrganizationID: org, Slot: r.slot.SlotID, ExpiresAt: start.Add(-time.Hour)}
	r.visit = r.visitNumber(7)
	return r
}

func (r *rooms) visitNumber(n byte) appointment.Appointment {
	return appointment.Appointment{
		ID: id(n), OrganizationID: r.organization.ID, ProviderID: r.provider.ID, LocationID: r.location.ID, VisitKindID: r.kind.ID,
		PatientID: r.patient.ID, Version: 1, Status: appointment.Booked, Modality: clinic.InPerson, Start: start, End: r.slot.End,
		LocalStart: r.slot.LocalStart, TimeZone: r.slot.TimeZone, CreatedAt: start.Add(-48 * time.Hour),
	}
}

func (r *rooms) ref(id uuid.UUID) clinic.Ref {
	return clinic.Ref{Organization: r.organization.ID, ID: id}
}

func (r *rooms) note(method string, command any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.panics {
		panic("broken")
	}
	r.asked = append(r.asked, method)
	switch command.(type) {
	case nil, int, []clinic.Ref, []uuid.UUID, []availability.SlotID: // reads that loaders and payloads make
	default:
		r.heard = command
	}
}

func only[K comparable, V any](keys []K, key K, value V) map[K]V {
	found := map[K]V{}
	for _, k := range keys {
		if k == key {
			found[k] = value
		}
	}
	return found
}

func pageOf[T any](items ...T) paging.Page[T] { return paging.Page[T]{Items: items} }

// clinicRoom and the others are the rooms as services.
type (
	clinicRoom       struct{ *rooms }
	providerRoom     struct{ *rooms }
	patientRoom      struct{ *rooms }
	availabilityRoom struct{ *rooms }
	appointmentRoom  struct{ *rooms }
)

func (r clinicRoom) CreateOrganization(_ context.Context, _ access.Actor, in clinic.CreateOrganization) (clinic.Organization, error) {
	r.note("CreateOrganization", in)
	return r.organization, r.fail
}

func (r clinicRoom) PutLocation(_ context.Context, _ access.Actor, in clinic.PutLocation) (clinic.Location, error) {
	r.note("PutLocation", in)
	return r.location, r.fail
}

func (r clinicRoom) PutVisitKind(_ context.Context, _ access.Actor, in clinic.PutVisitKind) (clinic.VisitKind, error) {
	r.note("PutVisitKind", in)
	return r.kind, r.fail
}

func (r clinicRoom) ListLocations(_ context.Context, _ access.Actor, f clinic.LocationFilter, _ paging.Window) (paging.Page[clinic.Location], error) {
	r.note("ListLocations", f)
	return pageOf(r.location), r.fail
}

func (r clinicRoom) CountLocations(context.Context, access.Actor, clinic.LocationFilter) (int, error) {
	r.note("CountLocations", nil)
	return 1, r.fail
}

func (r clinicRoom) ListVisitKinds(context.Context, access.Actor, uuid.UUID, paging.Window) (paging.Page[clinic.VisitKind], error) {
	r.note("ListVisitKinds", nil)
	return pageOf(r.kind), r.fail
}

func (r clinicRoom) CountVisitKinds(context.Context, access.Actor, uuid.UUID) (int, error) {
	return 1, r.fail
}

func (r clinicRoom) Organizations(_ context.Context, ids []uuid.UUID) (map[uuid.UUID]clinic.Organization, error) {
	r.note("Organizations", ids)
	return only(ids, r.organization.ID, r.organization), nil
}

func (r clinicRoom) Locations(_ context.Context, refs []clinic.Ref) (map[clinic.Ref]clinic.Location, error) {
	r.note("Locations", refs)
	return only(refs, r.ref(r.location.ID), r.location), nil
}

func (r clinicRoom) VisitKinds(_ context.Context, refs []clinic.Ref) (map[clinic.Ref]clinic.VisitKind, error) {
	r.note("VisitKinds", refs)
	return only(refs, r.ref(r.kind.ID), r.kind), nil
}

func (r providerRoom) PutProvider(_ context.Context, _ access.Actor, in provider.PutProvider) (provider.Provider, error) {
	r.note("PutProvider", in)
	return r.provider, r.fail
}

func (r providerRoom) SetSchedule(_ context.Context, _ access.Actor, in provider.SetSchedule) (provider.Provider, error) {
	r.note("SetSchedule", in)
	return r.provider, r.fail
}

func (r providerRoom) SetDateHours(_ context.Context, _ access.Actor, in provider.SetDateHours) (provider.Provider, error) {
	r.note("SetDateHours", in)
	return r.provider, r.fail
}

func (r providerRoom) AddException(_ context.Context, _ access.Actor, in provider.AddException) (provider.Exception, error) {
	r.note("AddException", in)
	return provider.Exception{ID: id(8), OrganizationID: r.organization.ID, ProviderID: r.provider.ID, From: in.From, To: in.To, Effect: in.Effect}, r.fail
}

func (r providerRoom) RemoveException(_ context.Context, _ access.Actor, exception clinic.Ref, part provider.Part) ([]clinic.Ref, error) {
	r.note("RemoveException", []any{exception, part})
	return []clinic.Ref{exception}, r.fail
}

func (r providerRoom) ListProviders(_ context.Context, _ access.Actor, f provider.Filter, _ paging.Window) (paging.Page[provider.Provider], error) {
	r.note("ListProviders", f)
	return pageOf(r.provider), r.fail
}

func (r providerRoom) CountProviders(context.Context, access.Actor, provider.Filter) (int, error) {
	return 1, r.fail
}

func (r providerRoom) WeeklyHours(context.Context, access.Actor, clinic.Ref, clinic.Ref, *civil.Date) ([]provider.WeeklyHours, error) {
	r.note("WeeklyHours", nil)
	return []provider.WeeklyHours{{Weekday: 1, Hours: provider.Hours{From: 22 * 60, To: 26 * 60, Capacity: 1}}, {Weekday: 7, Hours: provider.Hours{From: 0, To: 24 * 60, Capacity: 2}}}, r.fail
}

func (r providerRoom) ListExceptions(context.Context, access.Actor, clinic.Ref, time.Time, time.Time, paging.Window) (paging.Page[provider.Exception], error) {
	return paging.Page[provider.Exception]{}, r.fail
}

func (r providerRoom) CountExceptions(context.Context, access.Actor, clinic.Ref, time.Time, time.Time) (int, error) {
	return 0, r.fail
}

func (r providerRoom) Providers(_ context.Context, refs []clinic.Ref) (map[clinic.Ref]provider.Provider, error) {
	r.note("Providers", refs)
	return only(refs, r.ref(r.provider.ID), r.provider), nil
}

func (r providerRoom) InsurancePlans(_ context.Context, refs []clinic.Ref) (map[clinic.Ref]clinic.InsurancePlan, error) {
	r.note("InsurancePlans", refs)
	return only(refs, r.plan.Ref(), r.plan), nil
}

func (r providerRoom) Exceptions(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref]provider.Exception, error) {
	return only(refs, r.ref(id(8)), provider.Exception{ID: id(8), OrganizationID: r.organization.ID}), nil
}

func (r providerRoom) Specialties(_ context.Context, refs []provider.SpecialtyRef) (map[provider.SpecialtyRef]clinic.Coding, error) {
	c := r.provider.Specialties[0]
	return only(refs, provider.SpecialtyRef{Organization: r.organization.ID, System: c.System, Code: c.Code}, c), nil
}

func (r patientRoom) Register(_ context.Context, _ access.Actor, in patient.Register) (patient.Patient, error) {
	r.note("Register", in)
	return r.patient, r.fail
}

func (r patientRoom) Find(_ context.Context, _ access.Actor, f patient.Filter, _ paging.Window) (paging.Page[patient.Patient], error) {
	r.note("Find", f)
	return pageOf(r.patient), r.fail
}

func (r patientRoom) Count(context.Context, access.Actor, patient.Filter) (int, error) {
	return 1, r.fail
}

func (r patientRoom) Patients(_ context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]patient.Patient, error) {
	r.note("Patients", refs)
	if a.Kind == access.Anonymous {
		return nil, nil
	}
	return only(refs, r.ref(r.patient.ID), r.patient), nil
}

func (r availabilityRoom) Slots(_ context.Context, _ access.Actor, l availability.Listing, _ paging.Window) (availability.Listed, error) {
	r.note("Slots", l)
	return availability.Listed{Page: pageOf(r.slot), Total: 1, StreamCursor: "here"}, r.fail
}

func (r availabilityRoom) NextAvailable(context.Context, access.Actor, clinic.Ref, uuid.UUID, *clinic.Modality) (*availability.Slot, error) {
	return &r.slot, r.fail
}

func (r availabilityRoom) SlotsOf(_ context.Context, _ access.Actor, ids []availability.SlotID) (map[availability.SlotID]availability.Slot, error) {
	r.note("SlotsOf", ids)
	if r.closed {
		return nil, nil
	}
	return only(ids, r.slot.SlotID, r.slot), nil
}

func (r availabilityRoom) Former(_ context.Context, _ access.Actor, id availability.SlotID, kind clinic.VisitKind, at clinic.Location) (availability.Slot, error) {
	r.note("Former", id)
	return availability.Slot{SlotID: id, End: id.Start.Add(kind.Duration), TimeZone: at.TimeZone, Status: availability.Blocked}, nil
}

func (r appointmentRoom) Explain(_ context.Context, _ access.Actor, id availability.SlotID, _ *clinic.Ref) (availability.Explanation, error) {
	r.note("Explain", id)
	return availability.Explanation{BlockedBy: []availability.Rule{availability.NotOnGrid}}, r.fail
}

func (r appointmentRoom) Alternatives(_ context.Context, _ access.Actor, _ availability.SlotID, whom availability.For, limit int) ([]availability.Slot, error) {
	r.note("Alternatives", limit)
	r.whom = whom
	return []availability.Slot{r.slot}, r.unread
}

func (r appointmentRoom) Hold(_ context.Context, _ access.Actor, in appointment.PlaceHold) (appointment.Hold, error) {
	r.note("Hold", in)
	return r.hold, r.fail
}

func (r appointmentRoom) Extend(_ context.Context, _ access.Actor, hold clinic.Ref) (appointment.Hold, error) {
	r.note("Extend", hold)
	return r.hold, r.fail
}

func (r appointmentRoom) Release(_ context.Context, _ access.Actor, hold clinic.Ref) (availability.SlotID, error) {
	r.note("Release", hold)
	return r.hold.Slot, r.fail
}

func (r appointmentRoom) Book(_ context.Context, _ access.Actor, in appointment.BookVisit) (appointment.Booking, error) {
	r.note("Book", in)
	return appointment.Booking{Appointment: r.visit, Replayed: true}, r.fail
}

func (r appointmentRoom) Move(_ context.Context, _ access.Actor, in appointment.MoveVisit) (appointment.Booking, error) {
	r.note("Move", in)
	return appointment.Booking{Appointment: r.visit, Released: &r.slot.SlotID}, r.fail
}

func (r appointmentRoom) Swap(_ context.Context, _ access.Actor, in appointment.SwapVisits) (appointment.Swapped, error) {
	r.note("Swap", in)
	return appointment.Swapped{Appointments: [2]appointment.Appointment{r.visit, r.visit}}, r.fail
}

func (r appointmentRoom) BookSeries(_ context.Context, _ access.Actor, in appointment.BookSeries) (appointment.BookedSeries, error) {
	r.note("BookSeries", in)
	return appointment.BookedSeries{}, r.fail
}

func (r appointmentRoom) MoveSeries(_ context.Context, _ access.Actor, in appointment.MoveSeries) (appointment.ChangedVisits, error) {
	r.note("MoveSeries", in)
	return appointment.ChangedVisits{Appointments: []appointment.Appointment{r.visit}}, r.fail
}

func (r appointmentRoom) CancelSeries(_ context.Context, _ access.Actor, in appointment.CancelVisit) (appointment.ChangedVisits, error) {
	r.note("CancelSeries", in)
	return appointment.ChangedVisits{Appointments: []appointment.Appointment{r.visit}}, r.fail
}

func (r appointmentRoom) SeriesOptions(_ context.Context, _ access.Actor, in appointment.SeriesWanted) ([]appointment.SeriesDate, error) {
	r.note("SeriesOptions", in)
	return nil, r.fail
}

func (r appointmentRoom) Series(context.Context, access.Actor, []clinic.Ref) (map[clinic.Ref]appointment.Series, error) {
	return nil, r.fail
}

func (r appointmentRoom) Cancel(_ context.Context, _ access.Actor, in appointment.CancelVisit) (appointment.Cancellable, error) {
	r.note("Cancel", in)
	return appointment.Cancellable{Appointment: r.visit}, r.fail
}

func (r appointmentRoom) Change(_ context.Context, _ access.Actor, in appointment.ChangeState) (appointment.Appointment, error) {
	r.note("Change", in)
	return r.visit, r.fail
}

func (r appointmentRoom) Actions(access.Actor, appointment.Appointment, clinic.VisitKind) []appointment.ActionState {
	return []appointment.ActionState{{Action: appointment.Cancel, Allowed: true}, {Action: appointment.Approve, Reason: appointment.BarForbidden}}
}

func (r appointmentRoom) List(_ context.Context, _ access.Actor, f appointment.Filter, o appointment.Order, _ paging.Window) (paging.Page[appointment.Appointment], string, error) {
	r.note("List", f)
	r.ordered = o
	var page paging.Page[appointment.Appointment]
	for n := range r.visits {
		page.Items = append(page.Items, r.visitNumber(byte(100+n)))
	}
	return page, "here", r.fail
}

func (r appointmentRoom) Count(context.Context, access.Actor, appointment.Filter) (int, error) {
	r.note("Count", nil)
	return r.visits, r.fail
}

func (r appointmentRoom) Agendas(_ context.Context, _ access.Actor, providers []clinic.Ref, q appointment.Agenda) (map[clinic.Ref]appointment.AgendaPage, error) {
	r.note("Agendas", q)
	return only(providers, r.ref(r.provider.ID), appointment.AgendaPage{Page: pageOf(r.visit), StreamCursor: "here"}), r.fail
}

func (r appointmentRoom) CountAgendas(_ context.Context, _ access.Actor, providers []clinic.Ref, _ appointment.Agenda) (map[clinic.Ref]int, error) {
	r.note("CountAgendas", nil)
	return only(providers, r.ref(r.provider.ID), r.visits), r.fail
}

func (r appointmentRoom) OutsideHours(_ context.Context, _ access.Actor, c appointment.Clash, _ paging.Window) (paging.Page[appointment.Appointment], error) {
	r.note("OutsideHours", c)
	return pageOf(r.visit), nil
}

func (r appointmentRoom) StreamCursor(context.Context) (string, error) { return "here", nil }

func (r appointmentRoom) Appointments(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref]appointment.Appointment, error) {
	r.note("Appointments", refs)
	return only(refs, r.visit.Ref(), r.visit), nil
}

func (r appointmentRoom) Holds(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref]appointment.Hold, error) {
	return only(refs, r.ref(r.hold.ID), r.hold), nil
}

func (r appointmentRoom) Identifiers(_ context.Context, refs []clinic.Ref) (map[clinic.Ref][]clinic.Identifier, error) {
	r.note("Identifiers", refs)
	return nil, nil
}

func (r appointmentRoom) Overrides(_ context.Context, refs []clinic.Ref) (map[clinic.Ref][]appointment.Overridden, error) {
	r.note("Overrides", refs)
	return nil, nil
}

func (r appointmentRoom) ICS(_ context.Context, _ access.Actor, ref clinic.Ref) ([]byte, error) {
	r.note("ICS", ref)
	return []byte("BEGIN:VCALENDAR\r\n"), r.fail
}
