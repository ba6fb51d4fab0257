package globalid

import (
	"encoding/base64"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
)

// OfMatch makes a match's id: organisation, provider, location, and what fits there.
func OfMatch(m availability.MatchID) string {
	b := append(start(Match), m.Provider.Organization[:]...)
	b = append(b, m.Provider.ID[:]...)
	b = append(b, m.Location[:]...)
	return base64.RawURLEncoding.EncodeToString(append(b, m.Fitting...))
}

func (id ID) match(b []byte) (ID, bool) {
	if len(b) < 2*size {
		return id, false
	}
	id.Ref.ID = uuid.UUID(b[:size])
	id.Match = availability.MatchID{Provider: id.Ref, Location: uuid.UUID(b[size : 2*size]), Fitting: string(b[2*size:])}
	_, ok := availability.ReadFitting(id.Match.Fitting)
	return id, ok
}
