package live

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
)

// Mirror is what is taken of one provider's time, kept up to date from the log alone. Applying an entry twice, or one that
// the seed held already, does no harm: entries carry states, and the last one stands.
type Mirror struct {
	claims  map[uuid.UUID]availability.Claim
	days    map[civil.Date]availability.Day
	windows map[uuid.UUID]int
}

// NewMirror starts from what was read at a cursor. Entries after that cursor bring it up to date.
func NewMirror(seed availability.Taken) *Mirror {
	m := &Mirror{claims: map[uuid.UUID]availability.Claim{}, days: map[civil.Date]availability.Day{}, windows: map[uuid.UUID]int{}}
	maps.Copy(m.days, seed.Days)
	maps.Copy(m.windows, seed.Windows)
	for _, c := range seed.Claims {
		m.claims[c.ID] = c
	}
	return m
}

// changes is the payload of an entry that changed a provider's claims.
type changes struct {
	Freed []uuid.UUID `json:"freed"`
	Taken []struct {
		ID          uuid.UUID  `json:"id"`
		Lane        int        `json:"lane"`
		From        time.Time  `json:"from"`
		To          time.Time  `json:"to"`
		Appointment uuid.UUID  `json:"appointment"`
		Hold        uuid.UUID  `json:"hold"`
		ExpiresAt   *time.Time `json:"expiresAt"`
	} `json:"taken"`
	Days map[civil.Date]struct {
		Revision int64 `json:"revision"`
		Booked   int   `json:"booked"`
	} `json:"days"`
	Windows map[uuid.UUID]int `json:"windows"`
}

// Apply brings the mirror up to an entry about its provider.
func (m *Mirror) Apply(e Entry) error {
	var c changes
	if err := json.Unmarshal(e.Payload, &c); err != nil {
		return err
	}
	for _, id := range c.Freed {
		delete(m.claims, id)
	}
	for _, t := range c.Taken {
		claim := availability.Claim{
			ID: t.ID, Lane: t.Lane, Start: t.From.UTC(), End: t.To.UTC(), Appointment: t.Appointment, Hold: t.Hold,
		}
		if t.ExpiresAt != nil {
			claim.ExpiresAt = t.ExpiresAt.UTC()
		}
		m.claims[t.ID] = claim
	}
	for d, day := range c.Days {
		m.days[d] = availability.Day{Revision: day.Revision, Booked: day.Booked}
	}
	maps.Copy(m.windows, c.Windows)
	return nil
}

// Taken is what the mirror shows.
func (m *Mirror) Taken() availability.Taken {
	return availability.Taken{
		Claims: slices.Collect(maps.Values(m.claims)), Days: maps.Clone(m.days), Windows: maps.Clone(m.windows),
	}
}
