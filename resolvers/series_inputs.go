package resolvers

import (
	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/form"
)

func bookSeries(read *ids, in model.BookSeriesInput) appointment.BookSeries {
	out := appointment.BookSeries{
		Recurrence: appointment.Recurrence{First: read.slot(in.FirstSlotID, "firstSlotId"), EveryWeeks: in.EveryWeeks, Count: in.Count},
		Patient:    read.optional(globalid.Patient, in.PatientID, "patientId"),
		Take:       in.Take,
		Reason:     private(in.Reason),
		Key:        in.IdempotencyKey,
	}
	for i, c := range in.Choices {
		slot := read.slot(c.SlotID, append(form.At([]string{"choices"}, i), "slotId")...)
		out.Choices = append(out.Choices, appointment.Choice{Index: c.Index, Slot: slot})
	}
	return out
}

func moveSeries(read *ids, in model.RescheduleSeriesInput) appointment.MoveSeries {
	return appointment.MoveSeries{
		Appointment:     read.ref(globalid.Appointment, in.AppointmentID, "appointmentId"),
		Slot:            read.slot(in.SlotID, "slotId"),
		ExpectedVersion: in.ExpectedVersion,
		Key:             in.IdempotencyKey,
	}
}

func cancelSeries(read *ids, in model.CancelSeriesInput) appointment.CancelVisit {
	return cancelVisit(read, model.CancelAppointmentInput(in))
}

func seriesWanted(slotID string, everyWeeks, count int, patientID *string) (appointment.SeriesWanted, error) {
	var read ids
	wanted := appointment.SeriesWanted{
		Recurrence: appointment.Recurrence{First: read.slot(slotID, "firstSlotId"), EveryWeeks: everyWeeks, Count: count},
		Patient:    read.optional(globalid.Patient, patientID, "patientId"),
	}
	return wanted, read.fault
}
