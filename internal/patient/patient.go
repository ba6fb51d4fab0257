// Package patient is a room: the people whose visits are booked.
package patient

import (
	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
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
}
