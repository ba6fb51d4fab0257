package appointment

import (
	"context"
	"strings"

	ics "github.com/arran4/golang-ical"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// ICS is the appointment as an iCalendar file (RFC 5545): one event whose UID stays over moves, whose SEQUENCE rises with
// each change, and which is CANCELLED with the appointment. It says when and where, not why. It is a plain object without a
// METHOD: as a message (RFC 5546) it would need an ORGANIZER, whom clients write to.
func (s *Service) ICS(ctx context.Context, a access.Actor, ref clinic.Ref) ([]byte, error) {
	ap, err := s.shown(ctx, a, ref)
	if err != nil {
		return nil, err
	}
	where := clinic.Ref{Organization: ref.Organization, ID: ap.LocationID}
	locations, err := s.clinic.Locations(ctx, []clinic.Ref{where})
	if err != nil {
		return nil, err
	}
	return calendar(ap, locations[where]), nil
}

func calendar(ap Appointment, at clinic.Location) []byte {
	cal := ics.NewCalendar()
	cal.SetProductId("-//MediConnect//Appointments//EN")
	event := cal.AddEvent(ap.ID.String() + "@mediconnect")
	event.SetDtStampTime(ap.UpdatedAt)
	event.SetSequence(ap.Version - 1)
	event.SetStartAt(ap.Start)
	event.SetEndAt(ap.End)
	event.SetSummary("Appointment")
	event.SetClass(ics.ClassificationPrivate)
	event.SetStatus(calendarStatus(ap.Status))
	if ap.Modality == clinic.InPerson {
		event.SetLocation(strings.Join(append([]string{at.Name}, at.AddressLines...), ", "))
	}
	return []byte(cal.Serialize(ics.WithNewLine("\r\n")))
}

func calendarStatus(s Status) ics.ObjectStatus {
	switch s {
	case Pending, Waitlisted:
		return ics.ObjectStatusTentative
	case Cancelled, EnteredInError: // a missed visit was not called off
		return ics.ObjectStatusCancelled
	}
	return ics.ObjectStatusConfirmed
}
