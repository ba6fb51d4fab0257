package resolvers

import (
	"time"

	"cloud.google.com/go/civil"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/provider"
)

func putProvider(read *ids, in model.PutProviderInput) provider.PutProvider {
	command := provider.PutProvider{
		Organization:         read.organization(in.OrganizationID, "organizationId"),
		Identifier:           identifier(*in.Identifier),
		Name:                 in.Name,
		Languages:            in.Languages,
		VisitKinds:           read.list(globalid.VisitKind, in.VisitKindIds, "visitKindIds"),
		MaxDailyAppointments: in.MaxDailyAppointments,
	}
	for _, c := range in.Specialties {
		command.Specialties = append(command.Specialties, clinic.Coding{System: c.System, Code: c.Code, Display: c.Display})
	}
	for _, p := range in.AcceptedPlans {
		command.AcceptedPlans = append(command.AcceptedPlans, provider.AcceptedPlan{Carrier: p.Carrier, Name: p.Name})
	}
	return command
}

func setSchedule(read *ids, in model.SetProviderScheduleInput) provider.SetSchedule {
	command := provider.SetSchedule{
		Provider:       read.ref(globalid.Provider, in.ProviderID, "providerId"),
		Location:       read.ref(globalid.Location, in.LocationID, "locationId"),
		EffectiveFrom:  in.EffectiveFrom,
		EffectiveUntil: in.EffectiveUntil,
	}
	for i, h := range in.Hours {
		command.Hours = append(command.Hours, provider.WeeklyOpening{Weekday: h.Weekday, Opening: opening(read, i, model.DateHoursInput{
			From: h.From, To: h.To, Capacity: h.Capacity, VisitKindIds: h.VisitKindIds, Modalities: h.Modalities,
		})})
	}
	return command
}

func setDateHours(read *ids, in model.SetDateHoursInput) provider.SetDateHours {
	command := provider.SetDateHours{
		Provider: read.ref(globalid.Provider, in.ProviderID, "providerId"),
		Location: read.ref(globalid.Location, in.LocationID, "locationId"),
		Date:     in.Date,
	}
	if in.Hours != nil {
		command.Hours = make([]provider.Opening, 0, len(in.Hours)) // empty closes the date, nil brings the weekly hours back
	}
	for i, h := range in.Hours {
		command.Hours = append(command.Hours, opening(read, i, *h))
	}
	return command
}

func opening(read *ids, i int, in model.DateHoursInput) provider.Opening {
	return provider.Opening{
		From: in.From, To: in.To, Capacity: in.Capacity, Modalities: in.Modalities,
		VisitKinds: read.list(globalid.VisitKind, in.VisitKindIds, form.At([]string{"hours"}, i, "visitKindIds")...),
	}
}

func addException(read *ids, in model.AddScheduleExceptionInput) provider.AddException {
	return provider.AddException{
		Provider:        read.optional(globalid.Provider, in.ProviderID, "providerId"),
		Location:        read.optional(globalid.Location, in.LocationID, "locationId"),
		From:            in.From,
		To:              in.To,
		Effect:          in.Effect,
		Capacity:        in.Capacity,
		MaxAppointments: in.MaxAppointments,
		Reason:          in.Reason,
		Repeat:          repeat(in.Repeat),
		Key:             in.IdempotencyKey,
	}
}

func repeat(in *model.ScheduleRepeatInput) *provider.AddRepeat {
	if in == nil {
		return nil
	}
	command := &provider.AddRepeat{EveryWeeks: in.EveryWeeks, Until: in.Until}
	for _, d := range in.Except {
		command.Except = append(command.Except, *d)
	}
	return command
}

// The questions which visits a change left outside the hours. They ask for the local days of the change: no zone is further
// than a day from UTC, and as each visit is looked at, a day more on either side does no harm.

func clashOfSchedule(in model.SetProviderScheduleInput) appointment.Clash {
	return clashAt(in.ProviderID, in.LocationID, in.EffectiveFrom, in.EffectiveUntil)
}

func clashOfDate(in model.SetDateHoursInput) appointment.Clash {
	return clashAt(in.ProviderID, in.LocationID, in.Date, &in.Date)
}

func clashOfException(e provider.Exception) appointment.Clash {
	of := clinic.Ref{Organization: e.OrganizationID, ID: e.ProviderID}
	c := clashOn(of, e.LocationID, e.From.Date, &e.To.Date)
	if e.Repeat == nil {
		return c
	}
	for _, d := range e.Repeat.Dates {
		until := e.To.Date.AddDays(d.DaysSince(e.From.Date))
		at := clashOn(of, e.LocationID, d, &until)
		c.Spans, c.To = append(c.Spans, availability.Span{Start: at.From, End: at.To}), at.To
	}
	return c
}

// clashAt takes ids that a change has gone through with.
func clashAt(providerID, locationID string, from civil.Date, until *civil.Date) appointment.Clash {
	var read ids
	location := read.ref(globalid.Location, locationID)
	return clashOn(read.ref(globalid.Provider, providerID), location.ID, from, until)
}

func clashOn(provider clinic.Ref, location uuid.UUID, from civil.Date, until *civil.Date) appointment.Clash {
	c := appointment.Clash{
		Organization: provider.Organization, Provider: provider.ID, Location: location,
		From: from.AddDays(-1).In(time.UTC), To: farAway,
	}
	if until != nil {
		c.To = until.AddDays(2).In(time.UTC)
	}
	return c
}

var farAway = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
