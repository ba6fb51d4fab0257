package patient

import (
	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Register asks for a patient to be registered, or updated when the organisation has one with this identifier.
type Register struct {
	Organization          uuid.UUID // zero: the caller's own
	Identifier            clinic.Identifier
	GivenName, FamilyName access.Private
	BirthDate             *civil.Date
	Phone                 *access.Private // E.164
	Email                 *access.Private
	Language              *string // BCP 47
	TimeZone              *string // IANA
}

// Filter narrows a search for patients. All parts that are given must fit; at least one is needed.
type Filter struct {
	Organization uuid.UUID       // zero: the caller's own
	Name         *access.Private // beginning of a given or family name, at least 2 letters
	BirthDate    *civil.Date
	Phone        *access.Private // E.164
	Email        *access.Private
	Identifier   *clinic.Identifier
}
