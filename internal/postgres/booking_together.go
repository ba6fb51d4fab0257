package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

const (
	callMoveTogether   = `SELECT move_together($1)`
	callCancelTogether = `SELECT cancel_together($1)`
	callBookTogether   = `SELECT book_together($1)`
)

// togetherParams is what the functions for changes of several appointments read.
type togetherParams struct {
	writeParams
	Parts  []asked `json:"parts"`
	Leaves bool    `json:"leaves,omitempty"`
}

func (p togetherParams) under(key *keyParam) any { p.Key = key; return p }

// MoveTogether implements appointment.Store.
func (s *AppointmentStore) MoveTogether(ctx context.Context, w appointment.TogetherWrite) (appointment.Answer, error) {
	p := togetherParams{writeParams: params(w.Write, w.Moves[0].From.OrganizationID, ""), Leaves: !w.Swap}
	for _, m := range w.Moves {
		part := moveParams(m)
		if w.Swap {
			part.Audit.Action = "appointment.swap"
		}
		p.Parts = append(p.Parts, part)
	}
	return s.call(ctx, callMoveTogether, p)
}

// CancelTogether implements appointment.Store.
func (s *AppointmentStore) CancelTogether(ctx context.Context, w appointment.Write, all []appointment.CancelWrite) (appointment.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, WriteBound)
	defer cancel()
	p := togetherParams{writeParams: params(w, all[0].From.OrganizationID, "")}
	for _, one := range all {
		part, err := s.cancelParams(ctx, one)
		if err != nil {
			return appointment.Answer{}, err
		}
		p.Parts = append(p.Parts, part)
	}
	return s.call(ctx, callCancelTogether, p)
}

// seriesParams is what book_together() reads, seriesPart what it reads of a date.
type seriesParams struct {
	togetherParams
	Series     uuid.UUID      `json:"series"`
	EveryWeeks int            `json:"everyWeeks"`
	All        bool           `json:"all"`
	Skipped    []skippedParam `json:"skipped"`
}

type seriesPart struct {
	writeParams
	SeriesIndex int        `json:"seriesIndex"`
	Slot        *slotParam `json:"slot"`
}

func (p seriesParams) under(key *keyParam) any { p.Key = key; return p }

// skippedParam is a date that was left out before the database was asked.
type skippedParam struct {
	Index     int                 `json:"index"`
	Slot      *slotParam          `json:"slot"`
	BlockedBy []availability.Rule `json:"blockedBy"`
}

// skippedRow is one of either.
type skippedRow struct {
	skippedParam
	Outcome appointment.Outcome `json:"outcome"`
}

var lostBy = map[appointment.Outcome]availability.Rule{
	appointment.DailyCap: availability.DailyCapReached, appointment.LaneTaken: availability.ProviderBusy, appointment.NoResource: availability.ResourceBusy,
	appointment.PatientBusy: availability.PatientBusy, appointment.WindowCap: availability.WindowCapReached,
}

func (r skippedRow) date() appointment.SkippedDate {
	if rule, lost := lostBy[r.Outcome]; lost {
		r.BlockedBy = []availability.Rule{rule}
	}
	return appointment.SkippedDate{Index: r.Index, Slot: r.Slot.id(), BlockedBy: r.BlockedBy}
}

// BookSeries implements appointment.Store.
func (s *AppointmentStore) BookSeries(ctx context.Context, w appointment.SeriesWrite) (appointment.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, WriteBound)
	defer cancel()
	p := seriesParams{togetherParams: togetherParams{writeParams: params(w.Write, w.Series.OrganizationID, "")}}
	p.Series, p.EveryWeeks, p.All, p.Patient = w.Series.ID, w.Series.EveryWeeks, w.All, &w.Series.PatientID
	p.Skipped = []skippedParam{}
	for _, d := range w.Skipped {
		p.Skipped = append(p.Skipped, skippedParam{d.Index, slotParamOf(d.Slot), d.BlockedBy})
	}
	for _, b := range w.Parts {
		part := seriesPart{bookParams(b.BookingWrite), b.Index, slotParamOf(b.Slot)}
		part.Audit.Fields = append(part.Audit.Fields, "series")
		if err := s.private(ctx, &part.writeParams, b.BookingWrite); err != nil {
			return appointment.Answer{}, err
		}
		p.Parts = append(p.Parts, part)
	}
	return s.call(ctx, callBookTogether, p)
}

const selectSeries = `
SELECT s.organization_id, s.id, s.patient_id, s.every_weeks FROM appointment_series s
JOIN unnest($1::uuid[], $2::uuid[]) r(organization, id) ON s.organization_id = r.organization AND s.id = r.id`

type seriesRow struct {
	OrganizationID, ID, PatientID uuid.UUID
	EveryWeeks                    int
}

// Series implements appointment.Store.
func (s *AppointmentStore) Series(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]appointment.Series, error) {
	found := make(map[clinic.Ref]appointment.Series, len(refs))
	rows, err := listOf[seriesRow](ctx, s.db, refs, selectSeries)
	for _, r := range rows {
		found[clinic.Ref{Organization: r.OrganizationID, ID: r.ID}] = appointment.Series{
			ID: r.ID, OrganizationID: r.OrganizationID, PatientID: r.PatientID, EveryWeeks: r.EveryWeeks,
		}
	}
	return found, err
}

const selectVisitsOf = `SELECT ` + appointmentColumns + ` FROM appointments a WHERE a.organization_id = $1 AND a.series_id = $2 ORDER BY a.series_index`

// VisitsOf implements appointment.Store.
func (s *AppointmentStore) VisitsOf(ctx context.Context, series clinic.Ref) ([]appointment.Appointment, error) {
	var visits visitRows
	if err := s.db.tenant(series.Organization).ask(ctx, visits.read, selectVisitsOf, series.Organization, series.ID); err != nil {
		return nil, err
	}
	return visits.open(ctx, s.db)
}
