package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/appointment"
)

// anyParams is what book_any() reads: whom a visit could be with, each as book() reads it.
type anyParams struct {
	writeParams
	Among   []uuid.UUID   `json:"among"`
	Options []writeParams `json:"options"`
}

func (p anyParams) under(key *keyParam) any { p.Key = key; return p }

// BookAny implements appointment.Store.
func (s *AppointmentStore) BookAny(ctx context.Context, w appointment.AnyWrite) (appointment.Answer, error) {
	p := anyParams{writeParams: seatParams(w.Write, w.Seat, "appointment.book"), Among: w.Among, Options: make([]writeParams, len(w.Options))}
	p.Appointment = idOf(w.Appointment.ID)
	if p.Among == nil {
		p.Among = []uuid.UUID{}
	}
	ctx, cancel := context.WithTimeout(ctx, WriteBound) // with the key that was taken: see pens
	defer cancel()
	if len(w.Options) > 0 {
		if err := s.private(ctx, &p.writeParams, w.BookingWrite); err != nil {
			return appointment.Answer{}, err
		}
	}
	for i, seat := range w.Options {
		o := seatParams(w.Write, seat, "appointment.book")
		o.placed(w.Appointment)
		o.limited(w.Limits)
		o.about(w.Appointment.PatientID, bookedFields(w.BookingWrite)...)
		o.Reason, o.Identifiers = p.Reason, p.Identifiers
		p.Options[i] = o
	}
	return s.call(ctx, callBookAny, p)
}
