package demo

import (
	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// people are invented. Their phone numbers are among those set aside for fiction (555-0100 to 555-0199), their addresses
// of a domain that nobody can own (RFC 2606, section 3).
var people = []struct {
	given, family, born, phone, language string
}{
	{"Ada", "Rivera", "1984-05-17", "+12015550101", "en"},
	{"Mateo", "Okafor", "1959-11-02", "+16095550142", "es"},
	{"June", "Castellano", "2019-08-30", "+18565550177", "en"},
}

// People are the demo's patients, in the same order each time. The first is whom the demo's patient token speaks for.
func People(organization uuid.UUID) []patient.Register {
	list := make([]patient.Register, len(people))
	for i, p := range people {
		born, err := civil.ParseDate(p.born)
		if err != nil {
			panic(err) // they are written above
		}
		zone, phone := Zone, access.Private(p.phone)
		email := access.Private(p.given + "." + p.family + "@example.com")
		list[i] = patient.Register{
			Organization: organization,
			Identifier:   clinic.Identifier{System: "https://demo.mediconnect.example/patients", Value: string(rune('1' + i))},
			GivenName:    access.Private(p.given), FamilyName: access.Private(p.family),
			BirthDate: &born, Phone: &phone, Email: &email, Language: &p.language, TimeZone: &zone,
		}
	}
	return list
}
