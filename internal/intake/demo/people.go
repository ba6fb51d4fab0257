package demo

import (
	"strconv"
	"strings"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// people are invented. Their phone numbers are among those set aside for fiction (555-0100 to 555-0199), their addresses
// of a domain set aside for examples (RFC 2606, section 3).
var people = []struct {
	given, family, phone, language string
	born                           civil.Date
}{
	{"Ada", "Rivera", "+12015550101", "en", civil.Date{Year: 1984, Month: 5, Day: 17}},
	{"Mateo", "Okafor", "+16095550142", "es", civil.Date{Year: 1959, Month: 11, Day: 2}},
	{"June", "Castellano", "+18565550177", "en", civil.Date{Year: 2019, Month: 8, Day: 30}},
}

// People are the demo's patients. The first is whom the demo's patient token speaks for.
func People(organization uuid.UUID) []patient.Register {
	list := make([]patient.Register, len(people))
	for i, p := range people {
		zone, phone := Zone, access.Private(p.phone)
		email := access.Private(strings.ToLower(p.given + "." + p.family + "@example.com"))
		list[i] = patient.Register{
			Organization: organization, Identifier: clinic.Identifier{System: "https://demo.example/patients", Value: strconv.Itoa(i + 1)},
			GivenName: access.Private(p.given), FamilyName: access.Private(p.family), BirthDate: &p.born,
			Phone: &phone, Email: &email, Language: &p.language, TimeZone: &zone,
		}
	}
	return list
}
