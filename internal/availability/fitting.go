package availability

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Fitting is the part of a search that says which openings of a desk fit, and where distances begin.
type Fitting struct {
	VisitKind  uuid.UUID         `json:"k,omitzero"`
	Modalities []clinic.Modality `json:"m,omitempty"`
	From       *time.Time        `json:"f,omitempty"`
	To         *time.Time        `json:"t,omitempty"`
	TimesOfDay []TimeRange       `json:"d,omitempty"`
	TimeZone   *string           `json:"z,omitempty"`
	Moving     *clinic.Ref       `json:"a,omitempty"`
	Origin     *clinic.GeoPoint  `json:"o,omitempty"`
}

// Text writes it in the one way that ReadFitting accepts.
func (f Fitting) Text() string {
	text, err := json.Marshal(f)
	if err != nil {
		panic(err) // nothing in it can't be written
	}
	return string(text)
}

// ReadFitting reads what Text wrote, and nothing else.
func ReadFitting(text string) (Fitting, bool) {
	var f Fitting
	ok := json.Unmarshal([]byte(text), &f) == nil && f.Text() == text
	return f, ok
}

func (q Search) fitting(w Wanted) Fitting {
	f := Fitting{Modalities: q.Modalities, From: inUTC(q.From), To: inUTC(q.To), TimesOfDay: q.TimesOfDay, TimeZone: q.TimeZone, Moving: q.Moving}
	if q.VisitKind != nil {
		f.VisitKind = q.VisitKind.ID
	}
	if w.Area != nil && w.Area.Circle != nil {
		f.Origin = &w.Area.Circle.Center
	}
	return f
}

func inUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	at := t.UTC()
	return &at
}

// search is the search at one organisation's providers that has the same openings fit.
func (f Fitting) search(organization uuid.UUID, providers []clinic.Ref) Search {
	q := Search{
		Organization: organization, Providers: providers,
		Modalities: f.Modalities, From: f.From, To: f.To, TimesOfDay: f.TimesOfDay, TimeZone: f.TimeZone, Moving: f.Moving,
	}
	if f.VisitKind != uuid.Nil {
		q.VisitKind = &clinic.Ref{Organization: organization, ID: f.VisitKind}
	}
	return q
}
