package resolvers

import (
	"math"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

func placeHold(read *ids, in model.HoldSlotInput) appointment.PlaceHold {
	return appointment.PlaceHold{
		Slot:    read.slot(in.SlotID, "slotId"),
		Patient: read.optional(globalid.Patient, in.PatientID, "patientId"),
		Moving:  read.optional(globalid.Appointment, in.ReschedulingAppointmentID, "reschedulingAppointmentId"),
		Key:     in.IdempotencyKey,
	}
}

func bookVisit(read *ids, in model.BookAppointmentInput) appointment.BookVisit {
	return appointment.BookVisit{
		Target:      target(read, in.Target),
		Patient:     read.optional(globalid.Patient, in.PatientID, "patientId"),
		Reason:      private(in.Reason),
		Identifiers: identifiers(in.Identifiers),
		Override:    override(in.Override),
		Key:         in.IdempotencyKey,
	}
}

// override reads what is to be booked over; nothing is nil.
func override(in *model.RuleOverrideInput) *conflict.Override {
	if in == nil {
		return nil
	}
	return &conflict.Override{Rules: in.Rules, Reason: access.Private(in.Reason)}
}

func moveVisit(read *ids, in model.RescheduleAppointmentInput) appointment.MoveVisit {
	return appointment.MoveVisit{
		Appointment:     read.ref(globalid.Appointment, in.AppointmentID, "appointmentId"),
		Target:          target(read, in.Target),
		ExpectedVersion: in.ExpectedVersion,
		Override:        override(in.Override),
		Key:             in.IdempotencyKey,
	}
}

func swapVisits(read *ids, in model.SwapAppointmentsInput) appointment.SwapVisits {
	return appointment.SwapVisits{
		Appointments: [2]clinic.Ref{
			read.ref(globalid.Appointment, in.FirstAppointmentID, "firstAppointmentId"),
			read.ref(globalid.Appointment, in.SecondAppointmentID, "secondAppointmentId"),
		},
		Expected: [2]*int{in.FirstExpectedVersion, in.SecondExpectedVersion},
		Key:      in.IdempotencyKey,
	}
}

func target(read *ids, in *model.BookingTargetInput) appointment.Target {
	t := appointment.Target{Hold: read.optional(globalid.Hold, in.HoldID, "target", "holdId")}
	if in.SlotID != nil {
		slot := read.slot(*in.SlotID, "target", "slotId")
		t.Slot = &slot
	}
	if in.AnyProvider != nil {
		t.Any = anyProvider(read, *in.AnyProvider)
	}
	return t
}

func anyProvider(read *ids, in model.AnyProviderInput) *appointment.AnyProvider {
	at := []string{"target", "anyProvider"}
	return &appointment.AnyProvider{
		VisitKind: read.ref(globalid.VisitKind, in.VisitKindID, append(at, "visitKindId")...),
		Location:  read.ref(globalid.Location, in.LocationID, append(at, "locationId")...),
		Start:     in.Start.UTC(),
		Modality:  in.Modality,
		Providers: read.list(globalid.Provider, in.ProviderIds, append(at, "providerIds")...),
		Language:  in.Language,
	}
}

func cancelVisit(read *ids, in model.CancelAppointmentInput) appointment.CancelVisit {
	return appointment.CancelVisit{
		Appointment:     read.ref(globalid.Appointment, in.AppointmentID, "appointmentId"),
		Reason:          in.Reason,
		Note:            private(in.Note),
		ExpectedVersion: in.ExpectedVersion,
		AcceptFee:       acceptedFee(read, in.AcceptFeeMinorUnits),
		Preview:         in.Preview,
		Key:             in.IdempotencyKey,
	}
}

func acceptedFee(read *ids, units *int) *int {
	var check form.Check
	check.OptionalCount(units, 0, math.MaxInt32, "acceptFeeMinorUnits")
	if read.fault == nil {
		read.fault = check.Err()
	}
	return units
}

func changeState(read *ids, in model.TransitionAppointmentInput) appointment.ChangeState {
	return appointment.ChangeState{
		Appointment:     read.ref(globalid.Appointment, in.AppointmentID, "appointmentId"),
		Action:          in.Action,
		Reason:          in.Reason,
		Note:            private(in.Note),
		ExpectedVersion: in.ExpectedVersion,
		Key:             in.IdempotencyKey,
	}
}

func private(s *string) *access.Private {
	if s == nil {
		return nil
	}
	p := access.Private(*s)
	return &p
}

// orZero is what a pointer points to, or the zero value of what was left out.
func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// appointmentFilter reads a filter. The ids in it may name one organisation only, which is then the one searched.
func appointmentFilter(in *model.AppointmentFilterInput) (appointment.Filter, error) {
	var f appointment.Filter
	if in == nil {
		return f, nil
	}
	var read ids
	narrow := func(t globalid.Type, text *string, field string) uuid.UUID {
		ref := read.optional(t, text, "where", field)
		switch {
		case ref == nil:
			return uuid.Nil
		case f.Organization == uuid.Nil:
			f.Organization = ref.Organization
		case f.Organization != ref.Organization && read.fault == nil:
			read.fault = errs.Missing("thing in that organisation", "where", field)
		}
		return ref.ID
	}
	f.Patient = narrow(globalid.Patient, in.PatientID, "patientId")
	f.Provider = narrow(globalid.Provider, in.ProviderID, "providerId")
	f.Location = narrow(globalid.Location, in.LocationID, "locationId")
	f.Statuses = in.Status
	f.From, f.To = orZero(in.From), orZero(in.To)
	if in.Identifier != nil {
		named := identifier(*in.Identifier)
		f.Identifier = &named
	}
	return f, read.fault
}

func extendHold(read *ids, in model.ExtendHoldInput) clinic.Ref {
	return read.ref(globalid.Hold, in.HoldID, "holdId")
}

func releaseHold(read *ids, in model.ReleaseHoldInput) clinic.Ref {
	return read.ref(globalid.Hold, in.HoldID, "holdId")
}

// slotOf is where a target names the slot.
func slotOf(in *model.BookingTargetInput) []string {
	switch {
	case in.HoldID != nil:
		return []string{"target", "holdId"}
	case in.AnyProvider != nil:
		return []string{"target", "anyProvider"}
	}
	return []string{"target", "slotId"}
}
