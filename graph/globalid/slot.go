package globalid

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// A slot's id holds provider, location, kind, modality and the start in seconds since 1970.
const (
	slotSize  = 3*size + 1 + 8
	startSize = 8
)

// The starts that an id can hold: the instants that the database can hold, with room to spare.
var latest = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

// OfSlot makes a slot's id.
func OfSlot(s availability.SlotID) string {
	b := append(start(Slot), s.Organization[:]...)
	b = append(b, s.Provider[:]...)
	b = append(b, s.Location[:]...)
	b = append(b, s.VisitKind[:]...)
	b = append(b, byte(slices.Index(clinic.Modalities, s.Modality)+1))
	b = binary.BigEndian.AppendUint64(b, uint64(s.Start.Unix()))
	return base64.RawURLEncoding.EncodeToString(b)
}

func (id ID) slot(b []byte) (ID, bool) {
	if len(b) != slotSize {
		return id, false
	}
	modality := int(b[3*size]) - 1
	at := binary.BigEndian.Uint64(b[slotSize-startSize:])
	if modality < 0 || modality >= len(clinic.Modalities) || at >= uint64(latest) {
		return id, false
	}
	id.Ref.ID = uuid.UUID(b[:size])
	id.Slot = availability.SlotID{
		Organization: id.Ref.Organization,
		Provider:     id.Ref.ID,
		Location:     uuid.UUID(b[size : 2*size]),
		VisitKind:    uuid.UUID(b[2*size : 3*size]),
		Modality:     clinic.Modalities[modality],
		Start:        time.Unix(int64(at), 0).UTC(),
	}
	return id, true
}

// OfSpecialty makes the id of a specialty in an organisation.
func OfSpecialty(organization uuid.UUID, c clinic.Coding) string {
	b := append(start(Specialty), organization[:]...)
	b = append(b, c.System...)
	b = append(b, 0)
	return base64.RawURLEncoding.EncodeToString(append(b, c.Code...))
}

func (id ID) specialty(b []byte) (ID, bool) {
	system, code, found := bytes.Cut(b, []byte{0})
	if !found || len(system) == 0 || len(code) == 0 || !utf8.Valid(b) || bytes.IndexByte(code, 0) >= 0 {
		return id, false
	}
	id.Coding = clinic.Coding{System: string(system), Code: string(code)}
	return id, true
}
