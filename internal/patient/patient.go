// Package patient is a room: the people whose visits are booked.
package patient

import (
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Patient is a person known to an organisation. Every datum about the person is private.
type Patient struct {
	ID             uuid.UUID
	OrganizationID uuid.UUID
	System         string // namespace of the identifier
	Identifier     access.Private
	GivenName      access.Private
	FamilyName     access.Private
	BirthDate      *civil.Date
	Phone          *access.Private // E.164
	Email          *access.Private
	Language       *string // BCP 47
	TimeZone       *string // IANA
	Erased         bool    // all the above is gone for good
	ErasedAt       *time.Time
}

// Same says whether two readings of a patient agree in everything but their ids.
func (p Patient) Same(o Patient) bool {
	return p.Erased == o.Erased && clinic.Equal(p.ErasedAt, o.ErasedAt) && p.System == o.System && p.Identifier == o.Identifier && p.GivenName == o.GivenName && p.FamilyName == o.FamilyName &&
		clinic.Equal(p.BirthDate, o.BirthDate) && clinic.Equal(p.Phone, o.Phone) && clinic.Equal(p.Email, o.Email) &&
		clinic.Equal(p.Language, o.Language) && clinic.Equal(p.TimeZone, o.TimeZone)
}
