package postgres

import (
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// hoursJSON is one element of schedules.weekly and date_hours.hours; minutes of the wall clock.
type hoursJSON struct {
	Weekday    int               `json:"weekday,omitempty"`
	From       int               `json:"from"`
	To         int               `json:"to"`
	Capacity   int               `json:"capacity"`
	VisitKinds []uuid.UUID       `json:"visitKinds,omitempty"`
	Modalities []clinic.Modality `json:"modalities,omitempty"`
}

func hoursToJSON(hours []provider.Hours) []hoursJSON {
	out := make([]hoursJSON, len(hours))
	for i, h := range hours {
		out[i] = hoursJSON{From: h.From, To: h.To, Capacity: h.Capacity, VisitKinds: h.VisitKinds, Modalities: h.Modalities}
	}
	return out
}

func weeklyToJSON(weekly []provider.WeeklyHours) []hoursJSON {
	out := make([]hoursJSON, len(weekly))
	for i, w := range weekly {
		out[i] = hoursToJSON([]provider.Hours{w.Hours})[0]
		out[i].Weekday = int(w.Weekday)
	}
	return out
}

func hoursFromJSON(rows []hoursJSON) []provider.Hours {
	out := make([]provider.Hours, len(rows))
	for i, r := range rows {
		out[i] = r.hours()
	}
	return out
}

func weeklyFromJSON(rows []hoursJSON) []provider.WeeklyHours {
	out := make([]provider.WeeklyHours, len(rows))
	for i, r := range rows {
		out[i] = provider.WeeklyHours{Weekday: provider.Weekday(r.Weekday), Hours: r.hours()}
	}
	return out
}

func (r hoursJSON) hours() provider.Hours {
	return provider.Hours{From: r.From, To: r.To, Capacity: r.Capacity, VisitKinds: r.VisitKinds, Modalities: r.Modalities}
}
