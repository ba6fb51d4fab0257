package intake_test

import (
	"slices"
	"strings"
	"testing"
)

func TestReferencesByIdentifierAreFollowed(t *testing.T) {
	person := saying(personLine, `"identifier":[{"system":"urn:example:no","value":"7"}]`)
	there := saying(openClinic, `"identifier":[{"system":"urn:example:site","value":"A 1"}]`)
	line := role("r", mondays)
	logical := strings.NewReplacer(`"reference":"Practitioner/p"`, `"identifier":{"system":"urn:example:no","value":"7"}`,
		`"reference":"Location/l"`, `"identifier":{"system":"urn:example:site","value":"A 1"}`).Replace(line)
	asking := strings.NewReplacer("Practitioner/p", "Practitioner?identifier=urn:example:no|7", "Location/l", "Location?identifier=urn:example:site%7CA%201").Replace(line)
	for name, c := range map[string]struct{ line, refused string }{
		"logical": {logical, ""}, "conditional": {asking, ""},
		"of another number": {strings.Replace(logical, `"7"`, `"8"`, 1), `PractitionerRole "r": practitioner: nothing that was read has the identifier "8"`},
		"of another type":   {strings.Replace(asking, "Practitioner?", "Person?", 1), `PractitionerRole "r": practitioner: nothing that was read has the identifier "7"`},
		"of a private one":  {strings.Replace(logical, "urn:example:no", "http://hl7.org/fhir/sid/us-ssn", 1), `PractitionerRole "r": practitioner: nothing that was read has this identifier`},
	} {
		w := newWorld(t)
		r := w.fhir(t, ndjson(there, person, c.line), nil)
		if open := slices.Equal(w.timetable(t), []string{"Doe at Clinic 2026-03-05/ 1 09:00-12:00"}); open != (c.refused == "") {
			t.Errorf("%s: %q\n%v", name, w.timetable(t), r)
		}
		if c.refused != "" && r.Refused[0].Reason != c.refused {
			t.Errorf("%s: report\n%v", name, r)
		}
	}
}
