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

func TestServersInOneFolderAreNotMixed(t *testing.T) {
	page := func(server string, lines ...string) (entries []string) {
		for _, line := range lines {
			kind := strings.Split(line, `"`)[3]
			id := strings.Split(line[strings.Index(line, `"id"`):], `"`)[3]
			entries = append(entries, `{"fullUrl":"https://`+server+`.example/fhir/`+kind+"/"+id+`","resource":`+line+`}`)
		}
		return entries
	}
	w := newWorld(t)
	r := w.fhir(t, pages("searchset", page("a", openClinic, personLine, role("r", mondays)),
		page("b", strings.Replace(openClinic, "Clinic", "Office", 1), strings.Replace(personLine, "Doe", "Roe", 1), role("q", fridays))), nil)
	if got := w.timetable(t); !slices.Equal(got, []string{"Doe at Clinic 2026-03-05/ 1 09:00-12:00"}) {
		t.Errorf("%q\n%v", got, r)
	}
	for i, want := range []string{
		`entry 1: Location "l": one of this id that is another server's is in a.json line 1: import each server by itself`,
		`entry 2: Practitioner "p": one of this id that is another server's is in a.json line 1: import each server by itself`,
		`PractitionerRole "q": practitioner: "Practitioner/p" is not among what was read`,
	} {
		if len(r.Refused) <= i || r.Refused[i].Reason != want {
			t.Errorf("want %s, report\n%v", want, r)
		}
	}
}
