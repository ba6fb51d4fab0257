package patient

import (
	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Register asks for a patient to be registered, or replaced when the organisation has one with this identifier.
type Register struct {
	Organization uuid.UUID // zero: the caller's own
	Identifier   clinic.Identifier
	GivenName    access.Private
	FamilyName   access.Private
	BirthDate    *civil.Date
	Phone        *access.Private // E.164
	Email        *access.Private
	Language     *string // BCP 47
	TimeZone     *string // IANA
}

// Filter finds the patients that agree with all of its parts, of which at least one is needed.
type Filter struct {
	Organization uuid.UUID       // zero: the caller's own
	Name         *access.Private // words that given or family names begin with, at least 2 letters each
	BirthDate    *civil.Date
	Phone        *access.Private
	Email        *access.Private
	Identifier   *clinic.Identifier
}

// The oldest person whose age is known lived for 122 years.
const maxAge = 130

// patient is what the input says once it is checked. Ids are still to be given.
func (in Register) patient(today civil.Date) (Patient, error) {
	var check form.Check
	identifier := in.Identifier.Checked(&check, "identifier")
	p := Patient{
		System:     identifier.System,
		Identifier: access.Private(identifier.Value),
		GivenName:  line(&check, in.GivenName, form.MaxName, "givenName"),
		FamilyName: line(&check, in.FamilyName, form.MaxName, "familyName"),
		BirthDate:  birth(&check, in.BirthDate, today),
		Phone:      private(check.Phone, in.Phone, "phone"),
		Email:      private(check.Email, in.Email, "email"),
		Language:   form.Optional(check.Language, in.Language, "language"),
		TimeZone:   form.Optional(check.Zone, in.TimeZone, "timeZone"),
	}
	return p, check.Err()
}

// handles are what the filter's parts are looked up by, the most telling first.
func (f Filter) handles(today civil.Date) ([]Handle, error) {
	var check form.Check
	var list []Handle
	if f.Identifier != nil {
		identifier := f.Identifier.Checked(&check, "identifier")
		list = append(list, byIdentifier(identifier.System, access.Private(identifier.Value)))
	}
	if email := private(check.Email, f.Email, "email"); email != nil {
		list = append(list, byEmail(*email))
	}
	if phone := private(check.Phone, f.Phone, "phone"); phone != nil {
		list = append(list, byPhone(*phone))
	}
	if date := birth(&check, f.BirthDate, today); date != nil {
		list = append(list, byBirthDate(*date))
	}
	if f.Name != nil {
		list = append(list, asked(&check, line(&check, *f.Name, form.MaxName, "name"))...)
	}
	check.That(len(list) > 0, "Give at least one of name, birth date, phone, e-mail and identifier.")
	return list, check.Err()
}

func birth(check *form.Check, d *civil.Date, today civil.Date) *civil.Date {
	if d == nil {
		return nil
	}
	check.That(d.IsValid(), "There is no such day.", "birthDate")
	check.That(!d.After(today.AddDays(1)), "This is in the future.", "birthDate") // it is tomorrow already east of here
	check.That(d.After(today.AddYears(-maxAge)), "This is too long ago.", "birthDate")
	return d
}

func line(check *form.Check, s access.Private, limit int, path ...string) access.Private {
	return access.Private(check.Line(s.Reveal(), limit, path...))
}

func private(read func(string, ...string) string, s *access.Private, path ...string) *access.Private {
	if s == nil {
		return nil
	}
	value := access.Private(read(s.Reveal(), path...))
	return &value
}
