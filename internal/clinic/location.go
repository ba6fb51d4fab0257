package clinic

import (
	"slices"

	"github.com/mediconnect/mediconnect/internal/form"
)

const maxAddressLines = 10

// location is what the input says once it is checked. Ids are still to be given.
func (in PutLocation) location() (Location, error) {
	var check form.Check
	l := Location{
		Identifier:     in.Identifier.Checked(&check, "identifier"),
		Name:           check.Line(in.Name, form.MaxName, "name"),
		TimeZone:       check.Zone(in.TimeZone, "timeZone"),
		AddressLines:   check.Lines(in.AddressLines, maxAddressLines, form.MaxName, "addressLines"),
		PostalCode:     check.OptionalLine(in.PostalCode, form.MaxPostalCode, "postalCode"),
		Country:        form.Optional(check.Country, in.Country, "country"),
		Position:       position(&check, in.Latitude, in.Longitude),
		StepFreeAccess: in.StepFreeAccess,
		Phone:          form.Optional(check.Phone, in.Phone, "phone"),
	}
	return l, check.Err()
}

func position(check *form.Check, latitude, longitude *float64) *GeoPoint {
	switch {
	case latitude == nil && longitude == nil:
		return nil
	case latitude == nil:
		check.Fail("A longitude needs a latitude.", "latitude")
		return nil
	case longitude == nil:
		check.Fail("A latitude needs a longitude.", "longitude")
		return nil
	}
	return &GeoPoint{
		Latitude:  check.Degrees(*latitude, 90, "latitude"),
		Longitude: check.Degrees(*longitude, 180, "longitude"),
	}
}

// Checked reads an identifier of an input.
func (i Identifier) Checked(check *form.Check, path ...string) Identifier {
	return Identifier{
		System: check.System(i.System, append(slices.Clone(path), "system")...),
		Value:  check.Line(i.Value, form.MaxValue, append(slices.Clone(path), "value")...),
	}
}

// Checked reads a coding of an input.
func (c Coding) Checked(check *form.Check, path ...string) Coding {
	return Coding{
		System:  check.System(c.System, append(slices.Clone(path), "system")...),
		Code:    check.Line(c.Code, form.MaxValue, append(slices.Clone(path), "code")...),
		Display: check.OptionalLine(c.Display, form.MaxName, append(slices.Clone(path), "display")...),
	}
}

// Same says whether two readings of a location agree in everything but their ids, and from where it was found.
func (l Location) Same(o Location) bool {
	return l.Identifier == o.Identifier && l.Name == o.Name && l.TimeZone == o.TimeZone &&
		slices.Equal(l.AddressLines, o.AddressLines) && Equal(l.PostalCode, o.PostalCode) && Equal(l.Country, o.Country) &&
		Equal(l.Position, o.Position) && Equal(l.StepFreeAccess, o.StepFreeAccess) && Equal(l.Phone, o.Phone)
}

// SamePlace says whether two readings of a location agree in what openings there follow from and are searched by.
func (l Location) SamePlace(o Location) bool {
	return l.TimeZone == o.TimeZone && Equal(l.Position, o.Position) && Equal(l.StepFreeAccess, o.StepFreeAccess)
}

// Equal compares fields that may be absent.
func Equal[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
