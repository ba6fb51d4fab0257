package waitlist

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Span is when a patient is told of an offer, and until when they can answer.
type Span struct{ Told, Until time.Time }

// Ask asks the patient of a visit that can't take place whether they want another time instead.
type Ask struct {
	Closure   uuid.UUID
	Visit     appointment.Appointment
	Slot      availability.SlotID
	Span      Span
	Otherwise string // what becomes of the visit unless they do
}

// callAhead is how long before its start a visit is over that its patient didn't want to exchange: so that they hear of that in time.
const callAhead = 15 * time.Minute

// Asked is when the patient of a visit that can't take place would be asked, who has so long to answer. Not ok: too late.
func (s *Service) Asked(ctx context.Context, ap appointment.Appointment, within time.Duration) (span Span, ok bool, err error) {
	ref := clinic.Ref{Organization: ap.OrganizationID, ID: ap.PatientID}
	contacts, err := s.Contacts.Contacts(ctx, []clinic.Ref{ref})
	if err != nil || contacts[ref].Contact.Erased {
		return span, false, err
	}
	span.Told = toldAt(contacts[ref].Contact, ap.TimeZone, s.Clock.Now())
	span.Until = span.Told.Add(within)
	if last := ap.Start.Add(-callAhead); last.Before(span.Until) {
		span.Until = last
	}
	return span, span.Until.Sub(span.Told) >= leastAnswer, nil
}

// AskDisplaced holds a time for the patient of a visit that can't take place, and offers it in exchange. The answer's Outcome is Done, NotWaiting while
// they have another offer, StaleAppointment when the closure's item was dealt with or the visit stands elsewhere, or why the time can't be had.
// Other failures: those of Hold.
func (s *Service) AskDisplaced(ctx context.Context, in Ask) (appointment.Answer, error) {
	visit := in.Visit.Ref()
	return s.Visits.Offer(ctx, onBehalf(visit.Organization), appointment.OfferVisit{
		Slot: in.Slot, Patient: in.Visit.PatientID, Moving: &visit, HeldUntil: in.Span.Until.Add(grace),
		Offered: appointment.Offered{
			ID: s.NewID(), Entry: s.NewID(), At: in.Span.Told, Until: in.Span.Until, Wave: 1,
			Displaced: &appointment.Displacing{Closure: in.Closure, Was: in.Visit.Slot(), Local: in.Visit.LocalStart, Otherwise: in.Otherwise},
		},
	})
}
