package loader

import (
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/breakglass"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/closure"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// OfAppointments says that what these appointments refer to belongs together.
func (l *Loaders) OfAppointments(lists ...[]appointment.Appointment) {
	n := 0
	for _, list := range lists {
		n += len(list)
	}
	room := func() []clinic.Ref { return make([]clinic.Ref, 0, n) }
	patients, providers, locations, kinds, visits := room(), room(), room(), room(), room()
	for _, list := range lists {
		for i := range list {
			a := &list[i]
			providers = append(providers, in(a, a.ProviderID))
			locations, kinds = append(locations, in(a, a.LocationID)), append(kinds, in(a, a.VisitKindID))
			if !a.Veiled() {
				patients, visits = append(patients, in(a, a.PatientID)), append(visits, a.Ref())
			}
		}
	}
	l.Patients.Together(patients)
	l.Providers.Together(providers)
	l.Locations.Together(locations)
	l.VisitKinds.Together(kinds)
	l.Identifiers.Together(visits)
	l.Overrides.Together(visits)
	l.ResourcesOf.Together(visits)
	l.told.together(visits)
	l.toldCounts.together(visits)
}

// OfResources says that the locations of these resources belong together.
func (l *Loaders) OfResources(list []clinic.Resource) {
	l.Locations.Together(each(list, func(r clinic.Resource) clinic.Ref { return clinic.Ref{Organization: r.OrganizationID, ID: r.Location} }))
}

// OfTravel says that the locations of these rules belong together.
func (l *Loaders) OfTravel(t clinic.TravelRules) {
	var places []clinic.Ref
	for _, r := range t.Routes {
		places = append(places, clinic.Ref{Organization: t.Organization, ID: r.From}, clinic.Ref{Organization: t.Organization, ID: r.To})
	}
	l.Locations.Together(places)
}

// OfKinds says that the kinds that come before these belong together.
func (l *Loaders) OfKinds(list []clinic.VisitKind) {
	var before []clinic.Ref
	for _, k := range list {
		for _, p := range k.Requires.Prerequisites {
			before = append(before, clinic.Ref{Organization: k.OrganizationID, ID: p.VisitKind})
		}
	}
	l.VisitKinds.Together(before)
}

// OfReminders says that the attempts of these messages belong together, and their visits.
func (l *Loaders) OfReminders(list []reminder.Message) {
	l.Attempts.Together(each(list, reminder.Message.Ref))
	l.Appointments.Together(each(list, reminder.Message.Visit))
}

// OfDeadLetters says that the messages of these letters belong together.
func (l *Loaders) OfDeadLetters(list []reminder.DeadLetter) {
	l.Reminders.Together(each(list, reminder.DeadLetter.Message))
}

// OfWaitlist says that what these entries refer to belongs together.
func (l *Loaders) OfWaitlist(list []waitlist.Entry) {
	l.Patients.Together(each(list, waitlist.Entry.Patient))
	l.Positions.Together(each(list, waitlist.Entry.Ref))
	l.VisitKinds.Together(each(list, func(e waitlist.Entry) clinic.Ref {
		return clinic.Ref{Organization: e.OrganizationID, ID: e.VisitKindID}
	}))
}

// OfDisplaced says that what these items refer to belongs together.
func (l *Loaders) OfDisplaced(list []closure.Item) {
	l.Appointments.Together(each(list, closure.Item.Visit))
	var people, offers []clinic.Ref
	for _, i := range list {
		people = append(people, i.People()...)
		if i.OfferID != uuid.Nil {
			offers = append(offers, clinic.Ref{Organization: i.OrganizationID, ID: i.OfferID})
		}
	}
	l.WaitlistOffers.Together(offers)
	l.Providers.Together(people)
}

// OfClosures says that what these closures refer to belongs together.
func (l *Loaders) OfClosures(list []closure.Closure) {
	var providers, locations []clinic.Ref
	for _, c := range list {
		if c.Provider != uuid.Nil {
			providers = append(providers, clinic.Ref{Organization: c.Organization, ID: c.Provider})
		}
		if c.Location != uuid.Nil {
			locations = append(locations, clinic.Ref{Organization: c.Organization, ID: c.Location})
		}
	}
	l.Providers.Together(providers)
	l.Locations.Together(locations)
}

// ofAgendas says that what the appointments of several providers refer to belongs together.
func (l *Loaders) ofAgendas(pages map[clinic.Ref]appointment.AgendaPage) {
	lists := make([][]appointment.Appointment, 0, len(pages))
	for _, page := range pages {
		lists = append(lists, page.Items)
	}
	l.OfAppointments(lists...)
}

// OfSlots says that what these slots refer to belongs together.
func (l *Loaders) OfSlots(list []availability.Slot) {
	l.Providers.Together(each(list, func(s availability.Slot) clinic.Ref { return clinic.Ref{Organization: s.Organization, ID: s.Provider} }))
	l.Locations.Together(each(list, func(s availability.Slot) clinic.Ref { return clinic.Ref{Organization: s.Organization, ID: s.Location} }))
	l.VisitKinds.Together(each(list, func(s availability.Slot) clinic.Ref { return clinic.Ref{Organization: s.Organization, ID: s.VisitKind} }))
}

// OfMatches says that what these matches refer to belongs together.
func (l *Loaders) OfMatches(list []availability.Match) {
	next := make([]availability.Slot, len(list))
	for i, m := range list {
		next[i] = m.NextAvailable
	}
	l.OfSlots(next)
}

// OfGrants says that what these grants refer to belongs together.
func (l *Loaders) OfGrants(list []breakglass.Grant) {
	l.Patients.Together(each(list, func(g breakglass.Grant) clinic.Ref {
		return clinic.Ref{Organization: g.OrganizationID, ID: g.PatientID}
	}))
	l.Providers.Together(each(list, func(g breakglass.Grant) clinic.Ref {
		return clinic.Ref{Organization: g.OrganizationID, ID: g.ProviderID}
	}))
}

// OfHolds says that the slots of these holds belong together.
func (l *Loaders) OfHolds(list []appointment.Hold) {
	slots := make([]availability.SlotID, len(list))
	for i, h := range list {
		slots[i] = h.Slot
	}
	l.Slots.Together(slots)
}

// OfProviders says that what these providers refer to belongs together.
func (l *Loaders) OfProviders(list []provider.Provider) {
	var kinds, plans []clinic.Ref
	for _, p := range list {
		for _, kind := range p.VisitKindIDs {
			kinds = append(kinds, clinic.Ref{Organization: p.OrganizationID, ID: kind})
		}
		for _, plan := range p.PlanIDs {
			plans = append(plans, clinic.Ref{Organization: p.OrganizationID, ID: plan})
		}
	}
	l.VisitKinds.Together(kinds)
	l.Plans.Together(plans)
	page := make([]clinic.Ref, len(list))
	for i, p := range list {
		page[i] = clinic.Ref{Organization: p.OrganizationID, ID: p.ID}
	}
	l.agendas.together(page)
	l.counts.together(page)
}

// OfNodes says that things asked for by their ids belong together.
func (l *Loaders) OfNodes(ids []globalid.ID) {
	refs := map[globalid.Type][]clinic.Ref{}
	var organizations []uuid.UUID
	var slots []availability.SlotID
	var matches []availability.MatchID
	for _, id := range ids {
		refs[id.Type] = append(refs[id.Type], id.Ref)
		if id.Type == globalid.Organization {
			organizations = append(organizations, id.Ref.ID)
		}
		if id.Type == globalid.Slot {
			slots = append(slots, id.Slot)
		}
		if id.Type == globalid.Match {
			matches = append(matches, id.Match)
		}
	}
	l.Organizations.Together(organizations)
	l.Slots.Together(slots)
	l.Matches.Together(matches)
	l.Locations.Together(refs[globalid.Location])
	l.VisitKinds.Together(refs[globalid.VisitKind])
	l.Resources.Together(refs[globalid.Resource])
	l.Providers.Together(refs[globalid.Provider])
	l.Plans.Together(refs[globalid.InsurancePlan])
	l.Patients.Together(refs[globalid.Patient])
	l.Appointments.Together(refs[globalid.Appointment])
	l.Holds.Together(refs[globalid.Hold])
	l.Grants.Together(refs[globalid.BreakGlassGrant])
	l.LegalHolds.Together(refs[globalid.LegalHold])
	l.Exceptions.Together(refs[globalid.ScheduleException])
	l.AuditEvents.Together(refs[globalid.AuditEvent])
	l.Reminders.Together(refs[globalid.Reminder])
	l.Attempts.Together(refs[globalid.Reminder])
	l.DeadLetters.Together(refs[globalid.DeadLetter])
	l.Clients.Together(refs[globalid.APIClient])
	l.APIKeys.Together(refs[globalid.APIKey])
	l.Accounts.Together(refs[globalid.Account])
}

func each[T any](list []T, of func(T) clinic.Ref) []clinic.Ref {
	refs := make([]clinic.Ref, len(list))
	for i, item := range list {
		refs[i] = of(item)
	}
	return refs
}

func in(a *appointment.Appointment, id uuid.UUID) clinic.Ref {
	return clinic.Ref{Organization: a.OrganizationID, ID: id}
}
