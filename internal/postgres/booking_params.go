package postgres

import (
	"encoding/base64"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// writeParams is what the booking functions read; see the migrations.
type writeParams struct {
	Organization uuid.UUID  `json:"organization"`
	Now          time.Time  `json:"now"`
	Forgotten    time.Time  `json:"forgotten"`
	Key          *keyParam  `json:"key"`
	Audit        auditParam `json:"audit"`

	Limits *limitsParam `json:"limits,omitempty"`
	once   *clinic.Once // of the key; nil: none
	stamp  clinic.Stamp

	Provider      *uuid.UUID    `json:"provider,omitempty"`
	Location      *uuid.UUID    `json:"location,omitempty"`
	VisitKind     *uuid.UUID    `json:"visitKind,omitempty"`
	Modality      string        `json:"modality,omitempty"`
	StartsAt      *time.Time    `json:"startsAt,omitempty"`
	EndsAt        *time.Time    `json:"endsAt,omitempty"`
	OccupiedFrom  *time.Time    `json:"occupiedFrom,omitempty"`
	OccupiedTo    *time.Time    `json:"occupiedTo,omitempty"`
	Lanes         int           `json:"lanes,omitempty"`
	Day           *civil.Date   `json:"day,omitempty"`
	DailyCap      *int          `json:"dailyCap,omitempty"`
	Windows       []windowParam `json:"windows,omitempty"`
	ProviderDays  []civil.Date  `json:"providerDays,omitempty"`
	PatientDays   []civil.Date  `json:"patientDays,omitempty"`
	RulesRevision int64         `json:"rulesRevision,omitempty"`
	Holder        *uuid.UUID    `json:"holder,omitempty"`
	Patient       *uuid.UUID    `json:"patient,omitempty"`
	Hold          *uuid.UUID    `json:"hold,omitempty"`
	ProviderClaim *uuid.UUID    `json:"providerClaim,omitempty"`
	SecondClaim   *uuid.UUID    `json:"secondClaim,omitempty"`
	PatientClaim  *uuid.UUID    `json:"patientClaim,omitempty"`

	NewHold   *uuid.UUID `json:"newHold,omitempty"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	Moving    *uuid.UUID `json:"moving,omitempty"`
	Topic     string     `json:"topic,omitempty"`

	Appointment *uuid.UUID        `json:"appointment,omitempty"`
	Version     int               `json:"version,omitempty"`
	Status      string            `json:"status,omitempty"`
	LocalStart  *civil.DateTime   `json:"localStart,omitempty"`
	TimeZone    string            `json:"timeZone,omitempty"`
	TZDB        string            `json:"tzdb,omitempty"`
	Reason      *string           `json:"reason,omitempty"` // base64, sealed
	Identifiers []identifierParam `json:"identifiers,omitempty"`

	Needs        []string       `json:"needs,omitempty"`
	OccupiedDays []civil.Date   `json:"occupiedDays,omitempty"`
	AroundDays   []civil.Date   `json:"aroundDays,omitempty"`
	Travels      bool           `json:"travels,omitempty"`
	NewSince     *time.Time     `json:"newSince,omitempty"`
	AsOf         *time.Time     `json:"asOf,omitempty"`
	Was          *wasParam      `json:"was,omitempty"`
	Beside       []uuid.UUID    `json:"beside,omitempty"`
	Seen         string         `json:"seen,omitempty"`
	Squeeze      bool           `json:"squeeze,omitempty"`
	Override     *overrideParam `json:"override,omitempty"`
	AwaitsDoctor bool           `json:"awaitsDoctor,omitempty"`
	Doctor       bool           `json:"doctor,omitempty"`

	Reserve *reserveParam `json:"reserve,omitempty"`
	Offer   *offerParam   `json:"offer,omitempty"`

	Displaced *displacedParam `json:"displaced,omitempty"`

	OldProvider *uuid.UUID `json:"oldProvider,omitempty"`
	Reschedules int        `json:"reschedules"`
	Released    *slotParam `json:"released,omitempty"`

	Action           string     `json:"action,omitempty"`
	CancelReason     string     `json:"-"`
	By               string     `json:"by,omitempty"`
	Note             *string    `json:"note,omitempty"` // base64, sealed
	Fee              *feeParam  `json:"fee,omitempty"`
	ConfirmedAt      *time.Time `json:"confirmedAt,omitempty"`
	LastAction       *string    `json:"lastAction,omitempty"`
	PriorStatus      *string    `json:"priorStatus,omitempty"`
	PriorConfirmedAt *time.Time `json:"priorConfirmedAt,omitempty"`
}

type cancelParams struct {
	writeParams
	Reason string `json:"reason"`
}

type keyParam struct {
	Actor     uuid.UUID `json:"actor"`
	Client    string    `json:"client"`
	Key       string    `json:"key"`
	Operation string    `json:"operation"`
	Hash      string    `json:"hash"`
	Most      int       `json:"most"` // keys of the account's that may be remembered
}

// limitsParam are limits that a change is held to; zero is none.
type limitsParam struct {
	PatientHolds int `json:"patientHolds,omitempty"`
	AccountHolds int `json:"accountHolds,omitempty"`
	HoldsAnHour  int `json:"holdsAnHour,omitempty"`
	Ahead        int `json:"ahead,omitempty"`
}

type auditParam struct {
	ID      uuid.UUID        `json:"id"`
	Kind    access.Kind      `json:"kind"`
	Actor   uuid.UUID        `json:"actor"`
	Client  string           `json:"client"`
	Request string           `json:"request"`
	Action  string           `json:"action"`
	Patient *uuid.UUID       `json:"patient,omitempty"`
	Purpose access.Purpose   `json:"purpose"`
	Grant   *uuid.UUID       `json:"grant,omitempty"`
	Fields  []string         `json:"fields,omitempty"`
	Flags   []access.Feature `json:"flags,omitempty"`
}

// reserveParam is how what a visit leaves is kept.
type reserveParam struct {
	Hold      *uuid.UUID `json:"hold,omitempty"`
	Holder    *uuid.UUID `json:"holder,omitempty"`
	ExpiresAt time.Time  `json:"expiresAt"`
}

func reserveParamOf(r *appointment.Reserve) *reserveParam {
	if r == nil {
		return nil
	}
	return &reserveParam{idOf(r.Hold), idOf(r.Holder), r.ExpiresAt}
}

// offerParam is an offer that is made, taken or ended.
type offerParam struct {
	ID         uuid.UUID                `json:"id"`
	Entry      *uuid.UUID               `json:"entry,omitempty"`
	ToldAt     *time.Time               `json:"toldAt,omitempty"`
	ExpiresAt  *time.Time               `json:"expiresAt,omitempty"`
	Wave       int                      `json:"wave,omitempty"`
	PassedOver []appointment.PassedOver `json:"passedOver"`
	LocalStart *civil.DateTime          `json:"localStart,omitempty"`
	Answer     *civil.DateTime          `json:"localExpires,omitempty"`
	TimeZone   string                   `json:"timeZone,omitempty"`
	State      string                   `json:"state,omitempty"`
	EntryState string                   `json:"entryState,omitempty"`
	Displaced  *civil.DateTime          `json:"displacedLocal,omitempty"`
	Otherwise  string                   `json:"otherwise,omitempty"`
}

type windowParam struct {
	ID  uuid.UUID `json:"id"`
	Cap int       `json:"cap"`
}

type feeParam struct {
	MinorUnits int    `json:"minorUnits"`
	Currency   string `json:"currency"`
}

func params(w appointment.Write, organization uuid.UUID, action string) writeParams {
	p := writeParams{
		Organization: organization, Now: w.At, Forgotten: w.At.Add(-clinic.KeyLife),
		Audit: auditParam{
			ID: w.AuditID, Kind: w.Actor.Kind, Actor: w.Actor.ID, Client: w.Actor.Client, Request: w.Actor.RequestID, Action: action,
			Purpose: w.Actor.Purpose(), Grant: idOf(w.Actor.Grant),
		},
	}
	p.once, p.stamp = w.Once, w.Stamp
	return p
}

// about says in the audit row whom a change is about, and which fields it changes.
func (p *writeParams) about(patient uuid.UUID, fields ...string) {
	p.Audit.Patient, p.Audit.Fields = idOf(patient), fields
}

func seatParams(w appointment.Write, s appointment.Seat, action string) writeParams {
	p := params(w, s.Slot.Organization, action)
	p.Provider, p.Location, p.VisitKind = &s.Slot.Provider, &s.Slot.Location, &s.Slot.VisitKind
	p.Modality, p.StartsAt, p.EndsAt = string(s.Slot.Modality), &s.Slot.Start, &s.Plan.End
	p.OccupiedFrom, p.OccupiedTo, p.Lanes = &s.Plan.Occupied.Start, &s.Plan.Occupied.End, s.Plan.Lanes
	p.Day, p.DailyCap, p.ProviderDays = &s.Plan.Day, s.Plan.MaxDaily, s.Plan.Days
	p.Windows = []windowParam{}
	for _, w := range s.Plan.Windows {
		p.Windows = append(p.Windows, windowParam(w))
	}
	p.PatientDays = datesOf(s.Slot.Start, s.Plan.End)
	p.RulesRevision, p.Holder, p.Patient, p.Hold = s.RulesRevision, &s.Holder.Actor, idOf(s.Holder.Patient), idOf(s.Hold)
	p.ProviderClaim, p.SecondClaim, p.PatientClaim = &s.Claims[0], &s.Claims[1], &s.PatientClaim
	p.around(s.Case)
	p.Seen, p.Squeeze, p.Audit.Flags = s.Seen(), s.Squeeze, s.Features()
	return p
}

func (p *writeParams) limited(l appointment.Limits) {
	if l != (appointment.Limits{}) {
		limits := limitsParam(l)
		p.Limits = &limits
	}
}

func (p *writeParams) placed(ap appointment.Appointment) {
	p.Appointment, p.Status, p.AwaitsDoctor = idOf(ap.ID), string(ap.Status), ap.AwaitsDoctor
	p.LocalStart, p.TimeZone, p.TZDB = &ap.LocalStart, ap.TimeZone, ap.TZDB
}

// datesOf lists the UTC dates of [from, to): the day rows of a patient, whom no zone belongs to.
func datesOf(from, to time.Time) []civil.Date {
	var days []civil.Date
	last := civil.DateOf(to.UTC().Add(-time.Microsecond))
	for d := civil.DateOf(from.UTC()); !d.After(last); d = d.AddDays(1) {
		days = append(days, d)
	}
	return days
}

// base64Of is how a value travels in JSON.
func base64Of(value []byte) *string {
	if value == nil {
		return nil
	}
	text := base64.StdEncoding.EncodeToString(value)
	return &text
}

func idOf(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// slotParam is a slot in an answer that is kept for an idempotency key.
type slotParam struct {
	Organization uuid.UUID       `json:"organization"`
	Provider     uuid.UUID       `json:"provider"`
	Location     uuid.UUID       `json:"location"`
	VisitKind    uuid.UUID       `json:"visitKind"`
	Modality     clinic.Modality `json:"modality"`
	Start        time.Time       `json:"start"`
}

func (p slotParam) id() availability.SlotID {
	slot := availability.SlotID(p)
	slot.Start = slot.Start.UTC()
	return slot
}

func slotParamOf(s availability.SlotID) *slotParam {
	p := slotParam(s)
	return &p
}

// answerRow is what the booking functions answer.
type answerRow struct {
	Outcome     appointment.Outcome `json:"outcome"`
	Appointment uuid.UUID           `json:"appointment"`
	Version     int                 `json:"version"`
	Hold        uuid.UUID           `json:"hold"`
	Released    *slotParam          `json:"released"`
	With        uuid.UUID           `json:"with"`
	At          time.Time           `json:"at"`
	FirstUsedAt time.Time           `json:"firstUsedAt"`
	Part        int                 `json:"part"`

	Appointments []uuid.UUID           `json:"appointments"`
	Series       uuid.UUID             `json:"series"`
	Skipped      []skippedRow          `json:"skipped"`
	Option       int                   `json:"option"`
	Refused      []appointment.Outcome `json:"refused"`
	limitRow
}

// limitRow is what they answer besides when a limit is reached.
type limitRow struct {
	Limit errs.Limit `json:"limit"`
	Most  int        `json:"most"`
	InUse int        `json:"inUse"`
}

func (r limitRow) reached(at time.Time) errs.LimitReached {
	if r.Limit == errs.IdempotencyKeys { // at is when the key was used that has to be forgotten first
		at = at.Add(clinic.KeyLife)
	}
	return errs.LimitReached{Limit: r.Limit, Most: r.Most, InUse: r.InUse, RetryAt: at.UTC()}
}

func (r answerRow) answer() appointment.Answer {
	a := appointment.Answer{
		Outcome: r.Outcome, Appointment: r.Appointment, Version: r.Version, Hold: r.Hold, With: r.With, At: r.At.UTC(), Part: r.Part,
		Option: r.Option, Refused: r.Refused,
	}
	if !r.FirstUsedAt.IsZero() {
		a.At = r.FirstUsedAt.UTC()
	}
	if r.Limit != "" {
		a.Reached = r.reached(r.At)
	}
	a.Appointments, a.Series, a.Skipped = r.Appointments, r.Series, column(r.Skipped, skippedRow.date)
	if r.Released != nil {
		slot := r.Released.id()
		a.Released = &slot
	}
	return a
}
