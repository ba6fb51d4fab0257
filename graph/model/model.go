// Package model belongs to the door: what the contract has and the rooms don't, such as inputs, payloads and connections.
package model

import (
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/relay"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/audit"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/breakglass"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/closure"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/partner"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// Query and Mutation are the roots.
type (
	Query    struct{}
	Mutation struct{}
)

// Specialty is a coded specialty as an organisation uses it.
type Specialty struct {
	Organization uuid.UUID
	Coding       clinic.Coding
}

// The connections of the contract and their edges.
type (
	ApiClientConnection         = relay.Connection[partner.Client]
	ApiClientEdge               = relay.Edge[partner.Client]
	ApiKeyConnection            = relay.Connection[partner.APIKey]
	ApiKeyEdge                  = relay.Edge[partner.APIKey]
	AppointmentConnection       = relay.Connection[appointment.Appointment]
	AppointmentEdge             = relay.Edge[appointment.Appointment]
	DeadLetterConnection        = relay.Connection[reminder.DeadLetter]
	DeadLetterEdge              = relay.Edge[reminder.DeadLetter]
	ReminderConnection          = relay.Connection[reminder.Message]
	ReminderEdge                = relay.Edge[reminder.Message]
	AuditEventConnection        = relay.Connection[audit.Event]
	AuditEventEdge              = relay.Edge[audit.Event]
	AvailabilityMatchConnection = relay.Connection[availability.Match]
	AvailabilityMatchEdge       = relay.Edge[availability.Match]
	AccountConnection           = relay.Connection[identity.Account]
	AccountEdge                 = relay.Edge[identity.Account]
	BreakGlassGrantConnection   = relay.Connection[breakglass.Grant]
	BreakGlassGrantEdge         = relay.Edge[breakglass.Grant]
	InsurancePlanConnection     = relay.Connection[clinic.InsurancePlan]
	InsurancePlanEdge           = relay.Edge[clinic.InsurancePlan]
	LocationConnection          = relay.Connection[clinic.Location]
	LocationEdge                = relay.Edge[clinic.Location]
	PatientConnection           = relay.Connection[patient.Patient]
	PatientEdge                 = relay.Edge[patient.Patient]
	ProviderConnection          = relay.Connection[provider.Provider]
	ProviderEdge                = relay.Edge[provider.Provider]
	ResourceConnection          = relay.Connection[clinic.Resource]
	ResourceEdge                = relay.Edge[clinic.Resource]
	ScheduleExceptionConnection = relay.Connection[provider.Exception]
	ScheduleExceptionEdge       = relay.Edge[provider.Exception]
	SlotConnection              = relay.Connection[availability.Slot]
	SlotEdge                    = relay.Edge[availability.Slot]
	ClosureConnection           = relay.Connection[closure.Closure]
	ClosureEdge                 = relay.Edge[closure.Closure]
	ClosureItemConnection       = relay.Connection[closure.Item]
	ClosureItemEdge             = relay.Edge[closure.Item]
	WaitlistEntryConnection     = relay.Connection[waitlist.Entry]
	WaitlistEntryEdge           = relay.Edge[waitlist.Entry]
	WaitlistOfferConnection     = relay.Connection[waitlist.Offer]
	WaitlistOfferEdge           = relay.Edge[waitlist.Offer]
	VisitKindConnection         = relay.Connection[clinic.VisitKind]
	VisitKindEdge               = relay.Edge[clinic.VisitKind]
)
