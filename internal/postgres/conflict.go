package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
)

// ConflictStore reads what stands against a visit besides the provider's time.
type ConflictStore struct{ db *DB }

var _ conflict.Store = (*ConflictStore)(nil)

// NewConflictStore puts the store over a database.
func NewConflictStore(db *DB) *ConflictStore { return &ConflictStore{db} }

const lookAround = `SELECT facts, seen, none_free FROM neighbours($1, $2::jsonb[], true)`

// LookAround is documented at conflict.Store.
func (s *ConflictStore) LookAround(ctx context.Context, cases ...conflict.Case) ([]conflict.Around, error) {
	organization := cases[0].Plan.Organization
	rows, err := list[lookRow](ctx, s.db.tenant(organization), lookAround, organization, column(cases, aroundParams))
	if err != nil {
		return nil, err
	}
	around := column(rows, func(r lookRow) conflict.Around {
		return conflict.Around{Facts: r.facts(organization), Seen: r.Seen}
	})
	return around, s.born(ctx, cases, around)
}

// born adds birth dates where they decide anything.
func (s *ConflictStore) born(ctx context.Context, cases []conflict.Case, around []conflict.Around) error {
	var refs []clinic.Ref
	for _, c := range cases {
		if c.AgeMatters() {
			refs = append(refs, patientOf(c))
		}
	}
	if len(refs) == 0 {
		return nil
	}
	people, err := s.db.Directory().Patients(ctx, refs)
	for i, c := range cases {
		if c.AgeMatters() {
			around[i].Born = people[patientOf(c)].BirthDate
		}
	}
	return err
}

func patientOf(c conflict.Case) clinic.Ref {
	return clinic.Ref{Organization: c.Plan.Organization, ID: c.Patient}
}

// wasParam is where an appointment stood that is moved.
type wasParam struct {
	VisitKind uuid.UUID `json:"visitKind"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
}

// around adds what the database looks for neighbours by, beside what a seat says. Whatever decides and whatever writes ask with the same.
func (p *writeParams) around(c conflict.Case) {
	if c.Kind.ID == uuid.Nil { // it was never planned
		return
	}
	since := c.NewSince()
	p.Needs, p.Travels, p.NewSince = c.Needs(), c.Travels, &since
	p.OccupiedDays = datesOf(c.Plan.Occupied.Start, c.Plan.Occupied.End)
	if c.Travels { // zones are at most a day apart
		const far = clinic.MaxWay + 24*time.Hour
		p.AroundDays = datesOf(c.Plan.Occupied.Start.Add(-far), c.Plan.Occupied.End.Add(far))
	}
	for _, t := range c.Together {
		p.Beside = append(p.Beside, t.Appointment)
	}
	if c.Was != nil {
		p.Was = &wasParam{VisitKind: c.Was.VisitKind, Start: c.Was.Span.Start, End: c.Was.Span.End}
	}
}

// aroundParams ask for a case without writing anything.
func aroundParams(c conflict.Case) writeParams {
	p := writeParams{
		Organization: c.Plan.Organization, Now: c.Now, Provider: &c.Plan.Provider, Location: &c.Plan.Location, VisitKind: &c.Plan.VisitKind,
		Modality: string(c.Plan.Modality), StartsAt: &c.Plan.Start, EndsAt: &c.Plan.End,
		OccupiedFrom: &c.Plan.Occupied.Start, OccupiedTo: &c.Plan.Occupied.End,
		Patient: idOf(c.Patient), Hold: idOf(c.Hold), Holder: idOf(c.Holder), Appointment: idOf(c.Own),
	}
	p.around(c)
	if c.AsItWas {
		p.AsOf = &c.Now
	}
	return p
}

// lookRow is what neighbours() answers of a case; see the migrations.
type lookRow struct {
	Facts    factsJSON
	Seen     string
	NoneFree bool
}

type factsJSON struct {
	Travel            *travelJSON     `json:"travel"`
	Here              pointJSON       `json:"here"`
	ProviderElsewhere []elsewhereJSON `json:"providerElsewhere"`
	PatientElsewhere  []elsewhereJSON `json:"patientElsewhere"`
	Alike             []time.Time     `json:"alike"`
	Established       bool            `json:"established"`
	Before            []uuid.UUID     `json:"before"`
	After             []struct {
		Start  time.Time `json:"start"`
		Within int       `json:"within"`
	} `json:"after"`
	Caregivers  []uuid.UUID `json:"caregivers"`
	InTheirCare []struct {
		spanJSON
		Caregivers []uuid.UUID `json:"caregivers"`
	} `json:"inTheirCare"`
}

type travelJSON struct {
	Patients  bool        `json:"patients"`
	Providers bool        `json:"providers"`
	Speed     int         `json:"speed"`
	Margin    int         `json:"margin"`
	Routes    []routeJSON `json:"routes"`
}

type routeJSON struct {
	From    uuid.UUID `json:"from"`
	To      uuid.UUID `json:"to"`
	Seconds int       `json:"seconds"`
}

type pointJSON struct {
	Latitude  *float64 `json:"latitude"`
	Longitude *float64 `json:"longitude"`
}

func (p pointJSON) point() *clinic.GeoPoint {
	if p.Latitude == nil || p.Longitude == nil {
		return nil
	}
	return &clinic.GeoPoint{Latitude: *p.Latitude, Longitude: *p.Longitude}
}

type spanJSON struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

func (s spanJSON) span() availability.Span {
	return availability.Span{Start: s.Start.UTC(), End: s.End.UTC()}
}

type elsewhereJSON struct {
	Location uuid.UUID `json:"location"`
	pointJSON
	spanJSON
}

func elsewhere(rows []elsewhereJSON) []conflict.Elsewhere {
	return column(rows, func(e elsewhereJSON) conflict.Elsewhere {
		return conflict.Elsewhere{Location: e.Location, At: e.point(), Span: e.span()}
	})
}

func (j lookRow) facts(organization uuid.UUID) conflict.Facts {
	f := conflict.Facts{
		Travel: clinic.DefaultTravel(organization), Here: j.Facts.Here.point(), NoneFree: j.NoneFree,
		ProviderElsewhere: elsewhere(j.Facts.ProviderElsewhere), PatientElsewhere: elsewhere(j.Facts.PatientElsewhere),
		Alike: j.Facts.Alike, Established: j.Facts.Established, Before: j.Facts.Before, Caregivers: j.Facts.Caregivers,
	}
	if t := j.Facts.Travel; t != nil {
		f.Travel = t.rules(organization)
	}
	for _, d := range j.Facts.After {
		f.After = append(f.After, conflict.Dependent{Start: d.Start.UTC(), Within: lasting(d.Within)})
	}
	for _, v := range j.Facts.InTheirCare {
		f.InTheirCare = append(f.InTheirCare, conflict.Cared{Span: v.span(), Caregivers: v.Caregivers})
	}
	return f
}

func (t travelJSON) rules(organization uuid.UUID) clinic.TravelRules {
	return clinic.TravelRules{
		Organization: organization, Patients: t.Patients, Providers: t.Providers, Speed: t.Speed, Margin: lasting(t.Margin),
		Routes: column(t.Routes, func(r routeJSON) clinic.Route {
			return clinic.Route{From: r.From, To: r.To, Takes: lasting(r.Seconds)}
		}),
	}
}
