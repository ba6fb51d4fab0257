package postgres

import (
	"context"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// AppointmentStore keeps appointments and holds. Its writes are one call of one function each: a statement, and so a
// transaction.
type AppointmentStore struct{ db *DB }

var _ appointment.Store = (*AppointmentStore)(nil)

// NewAppointmentStore puts the store over a database.
func NewAppointmentStore(db *DB) *AppointmentStore { return &AppointmentStore{db} }

// StreamCursor implements appointment.Store.
func (s *AppointmentStore) StreamCursor(ctx context.Context, now time.Time) (string, error) {
	return s.db.streamCursor(ctx, now)
}

const (
	callBook      = `SELECT book($1)`
	callBookAny   = `SELECT book_any($1)`
	callPlaceHold = `SELECT place_hold($1)`
	callHold      = `SELECT change_hold($1)`
	callMove      = `SELECT move_appointment($1)`
	callCancel    = `SELECT cancel_appointment($1)`
	callChange    = `SELECT change_appointment($1)`
	callRecall    = `SELECT recall($1)`
	callAffirm    = `SELECT affirm($1)`
	callOffer     = `SELECT offer_slot($1)`
	callKeep      = `SELECT keep_slot($1)`
	callTakeOffer = `SELECT take_offer($1)`
	callDisplace  = `SELECT displace($1)`
)

// Book implements appointment.Store.
func (s *AppointmentStore) Book(ctx context.Context, w appointment.BookingWrite) (appointment.Answer, error) {
	p := bookParams(w)
	ctx, cancel := context.WithTimeout(ctx, WriteBound) // with the key that was taken: see pens
	defer cancel()
	if err := s.private(ctx, &p, w); err != nil {
		return appointment.Answer{}, err
	}
	if err := s.over(ctx, &p, w.Seat); err != nil {
		return appointment.Answer{}, err
	}
	return s.call(ctx, p.taking(w.Seat, callBook), p)
}

// taking is the function that takes an offer, or brings away what a closure displaces, in place of the one that would do without.
func (p *writeParams) taking(seat appointment.Seat, without string) string {
	if seat.Displaced != uuid.Nil {
		p.Displaced = &displacedParam{Closure: seat.Displaced}
		return callDisplace
	}
	if seat.Offer == uuid.Nil {
		return without
	}
	p.Offer = &offerParam{ID: seat.Offer}
	return callTakeOffer
}

func bookParams(w appointment.BookingWrite) writeParams {
	p := seatParams(w.Write, w.Seat, "appointment.book")
	p.placed(w.Appointment)
	p.limited(w.Limits)
	p.about(w.Appointment.PatientID, bookedFields(w)...)
	return p
}

// private seals what a booking says about the patient.
func (s *AppointmentStore) private(ctx context.Context, p *writeParams, w appointment.BookingWrite) (err error) {
	p.Identifiers = []identifierParam{}
	if w.Appointment.Reason == nil && len(w.Identifiers) == 0 {
		return nil
	}
	pen, err := s.db.penOf(ctx, w.Appointment.OrganizationID, w.Appointment.PatientID)
	if err != nil {
		return err
	}
	p.Reason = base64Of(pen.sealed(pen.in("appointments", "reason", w.Appointment.ID), w.Appointment.Reason))
	p.Identifiers, err = s.identifierParams(ctx, pen, w.Appointment, w.Identifiers)
	return err
}

// overrideParam is what note_override() reads.
type overrideParam struct {
	ID     uuid.UUID           `json:"id"`
	Rules  []availability.Rule `json:"rules"`
	Reason *string             `json:"reason"` // base64, sealed
	Waits  bool                `json:"waits"`
}

// over says which rules a seat is taken over, and why.
func (s *AppointmentStore) over(ctx context.Context, p *writeParams, seat appointment.Seat) error {
	if len(seat.Over.Rules) == 0 {
		return nil
	}
	pen, err := s.db.penOf(ctx, seat.Slot.Organization, seat.Holder.Patient)
	if err != nil {
		return err
	}
	rules := slices.DeleteFunc(slices.Clone(seat.Over.Rules), func(r availability.Rule) bool { return r == availability.ProviderBusy })
	p.Override = &overrideParam{
		ID: seat.Over.ID, Rules: rules, Waits: seat.Over.Waits,
		Reason: base64Of(pen.seal(pen.in("rule_overrides", "reason", seat.Over.ID), seat.Override.Reason)),
	}
	p.Audit.Fields = append(p.Audit.Fields, "overrides")
	return nil
}

// seatFields are what a seat decides of an appointment.
var seatFields = []string{"start", "end", "localStart", "timeZone", "modality", "provider", "location", "visitKind"}

func bookedFields(w appointment.BookingWrite) []string {
	fields := append([]string{"status", "patient"}, seatFields...)
	if w.Appointment.Reason != nil {
		fields = append(fields, "reason")
	}
	if len(w.Identifiers) > 0 {
		fields = append(fields, "identifiers")
	}
	return fields
}

// PlaceHold implements appointment.Store.
func (s *AppointmentStore) PlaceHold(ctx context.Context, w appointment.HoldWrite) (appointment.Answer, error) {
	p := seatParams(w.Write, w.Seat, "hold.place")
	p.limited(w.Limits)
	p.about(w.NewHold.Patient, "slot", "expiresAt")
	p.NewHold, p.ExpiresAt, p.Moving = idOf(w.NewHold.ID), &w.NewHold.ExpiresAt, idOf(w.NewHold.Moving)
	return s.call(ctx, callPlaceHold, p)
}

// PlaceOffer implements appointment.Store.
func (s *AppointmentStore) PlaceOffer(ctx context.Context, w appointment.OfferWrite) (appointment.Answer, error) {
	p := seatParams(w.Write, w.Seat, "waitlist.offer")
	p.about(w.NewHold.Patient, "slot", "expiresAt")
	p.Hold, p.NewHold, p.ExpiresAt, p.Moving = idOf(w.Kept), idOf(w.NewHold.ID), &w.NewHold.ExpiresAt, idOf(w.NewHold.Moving)
	o := w.Offered
	zone, err := clock.Zone(w.Plan.TimeZone)
	if err != nil {
		return appointment.Answer{}, err
	}
	answer := civil.DateTimeOf(o.Until.In(zone))
	passed := o.PassedOver
	if passed == nil {
		passed = []appointment.PassedOver{}
	}
	p.Offer = &offerParam{
		ID: o.ID, Entry: idOf(o.Entry), ToldAt: &o.At, ExpiresAt: &o.Until, Wave: o.Wave, PassedOver: passed,
		LocalStart: &w.Plan.LocalStart, Answer: &answer, TimeZone: w.Plan.TimeZone,
	}
	if d := o.Displaced; d != nil {
		p.Displaced, p.Offer.Displaced, p.Offer.Otherwise = &displacedParam{Closure: d.Closure}, &d.Local, d.Otherwise
	}
	return s.call(ctx, callOffer, p)
}

// Keep implements appointment.Store.
func (s *AppointmentStore) Keep(ctx context.Context, w appointment.HoldWrite) (appointment.Answer, error) {
	p := seatParams(w.Write, w.Seat, "hold.place")
	p.about(uuid.Nil, "slot", "expiresAt")
	p.NewHold, p.ExpiresAt = idOf(w.NewHold.ID), &w.NewHold.ExpiresAt
	return s.call(ctx, callKeep, p)
}

// ExtendHold implements appointment.Store.
func (s *AppointmentStore) ExtendHold(ctx context.Context, w appointment.HoldChange) (appointment.Answer, error) {
	p := params(appointment.Write{Stamp: w.Stamp}, w.Hold.Organization, "hold.extend")
	p.about(w.Patient, "expiresAt")
	p.Hold, p.ExpiresAt, p.Topic = idOf(w.Hold.ID), &w.ExpiresAt, "hold.extended"
	return s.call(ctx, callHold, p)
}

// ReleaseHold implements appointment.Store.
func (s *AppointmentStore) ReleaseHold(ctx context.Context, w appointment.HoldChange) (appointment.Answer, error) {
	p := params(appointment.Write{Stamp: w.Stamp}, w.Hold.Organization, "hold.release")
	p.about(w.Patient, "state")
	p.Hold, p.Topic = idOf(w.Hold.ID), "hold.released"
	return s.call(ctx, callHold, p)
}

// Move implements appointment.Store.
func (s *AppointmentStore) Move(ctx context.Context, w appointment.MoveWrite) (appointment.Answer, error) {
	p := moveParams(w)
	if w.Rezoned {
		p.rezoned()
	}
	ctx, cancel := context.WithTimeout(ctx, WriteBound)
	defer cancel()
	if err := s.over(ctx, &p, w.Seat); err != nil {
		return appointment.Answer{}, err
	}
	p.Reserve = reserveParamOf(w.Reserve)
	return s.call(ctx, p.taking(w.Seat, callMove), p)
}

func moveParams(w appointment.MoveWrite) writeParams {
	p := seatParams(w.Write, w.Seat, "appointment.reschedule")
	p.placed(w.To)
	p.about(w.From.PatientID, seatFields...)
	p.OldProvider, p.Version, p.Reschedules = idOf(w.From.ProviderID), w.From.Version, w.To.Reschedules
	p.Released, p.ConfirmedAt, p.Topic = slotParamOf(w.From.Slot()), w.To.ConfirmedAt, "appointment.rescheduled"
	return p
}

// Cancel implements appointment.Store.
func (s *AppointmentStore) Cancel(ctx context.Context, w appointment.CancelWrite) (appointment.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, WriteBound)
	defer cancel()
	p, err := s.cancelParams(ctx, w)
	if err != nil {
		return appointment.Answer{}, err
	}
	if w.Displaced != uuid.Nil {
		return s.call(ctx, callDisplace, p)
	}
	return s.call(ctx, callCancel, p)
}

func (s *AppointmentStore) cancelParams(ctx context.Context, w appointment.CancelWrite) (cancelParams, error) {
	p := params(w.Write, w.From.OrganizationID, "appointment.cancel")
	p.about(w.From.PatientID, "status", "cancellation")
	c := w.To.Cancellation
	p.Appointment, p.Version, p.Action = idOf(w.From.ID), w.From.Version, string(w.To.LastAction)
	p.CancelReason, p.By, p.Reserve = string(c.Reason), string(c.By), reserveParamOf(w.Reserve)
	if c.Note != nil {
		pen, err := s.db.penOf(ctx, w.From.OrganizationID, w.From.PatientID)
		switch {
		case err == nil:
			p.Note = base64Of(pen.seal(pen.in("appointments", "cancel_note", w.From.ID), *c.Note))
		case errs.Of(err) != errs.NotFound: // nothing more is kept about a patient who was erased
			return cancelParams{}, err
		}
	}
	if c.Fee != nil {
		p.Fee = &feeParam{c.Fee.MinorUnits, c.Fee.Currency}
	}
	if w.Displaced != uuid.Nil {
		p.Displaced = &displacedParam{Closure: w.Displaced, Cause: w.Why}
	}
	return cancelParams{p, p.CancelReason}, nil
}

// Change implements appointment.Store.
func (s *AppointmentStore) Change(ctx context.Context, w appointment.StateWrite) (appointment.Answer, error) {
	p := params(w.Write, w.From.OrganizationID, "appointment."+string(w.To.LastAction))
	p.Appointment, p.Version, p.Status = idOf(w.From.ID), w.From.Version, string(w.To.Status)
	p.Doctor = w.Actor.Has(access.ConflictsClinical)
	p.about(w.From.PatientID, "status", "confirmedAt")
	p.ConfirmedAt, p.PriorConfirmedAt = w.To.ConfirmedAt, w.To.PriorConfirmedAt
	p.LastAction, p.PriorStatus, p.Topic = nonEmpty(string(w.To.LastAction)), nonEmpty(string(w.To.PriorStatus)), "appointment.changed"
	if w.Rezoned {
		p.about(w.From.PatientID, "localStart")
		p.LocalStart, p.TZDB = &w.To.LocalStart, w.To.TZDB
		p.rezoned()
	}
	return s.call(ctx, callChange, p)
}

func (p *writeParams) rezoned() {
	p.Topic, p.Audit.Action = "appointment.rezoned", "appointment.rezone"
}

// Recall implements appointment.Store.
func (s *AppointmentStore) Recall(ctx context.Context, organization uuid.UUID, w appointment.Write, booking *appointment.Seat) (appointment.Answer, error) {
	if booking != nil {
		return s.call(ctx, callRecall, seatParams(w, *booking, ""))
	}
	return s.call(ctx, callRecall, params(w, organization, ""))
}

// Affirm implements appointment.Store.
func (s *AppointmentStore) Affirm(ctx context.Context, w appointment.Write, ap appointment.Appointment) (appointment.Answer, error) {
	p := params(w, ap.OrganizationID, "")
	p.Appointment, p.Version = idOf(ap.ID), ap.Version
	return s.call(ctx, callAffirm, p)
}

// asked is what a function reads.
type asked interface {
	base() writeParams
	under(key *keyParam) any // with the key, as the database may know it
}

func (p writeParams) base() writeParams { return p }

func (p writeParams) under(key *keyParam) any { p.Key = key; return p }

func (p cancelParams) under(key *keyParam) any { p.Key = key; return p }

func (s *AppointmentStore) call(ctx context.Context, function string, p asked) (appointment.Answer, error) {
	var answer answerRow
	key, err := s.db.keyOf(ctx, p.base())
	if err != nil {
		return appointment.Answer{}, err
	}
	err = s.db.call(ctx, p.base().Organization, &answer, function, p.under(key))
	switch code(err) {
	case resourceTaken:
		return appointment.Answer{Outcome: appointment.NoResource}, nil
	case refusedByConstraint:
		return appointment.Answer{Outcome: appointment.LaneTaken}, nil
	}
	return answer.answer(), broken(err)
}

// keyOf is the key of a change, or nil.
func (db *DB) keyOf(ctx context.Context, p writeParams) (*keyParam, error) {
	if p.once == nil {
		return nil, nil
	}
	key, err := db.keyParam(ctx, p.Organization, p.stamp, *p.once)
	return &key, err
}
