package intake

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// Whatever stands in a bundle and in a line: it is taken or refused with a sentence that a terminal can show, and whoever is taken
// has terms that follow each other, with hours that the provider room takes.
func FuzzDirectory(f *testing.F) {
	f.Add([]byte(`{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"HealthcareService","name":"A"}}]}`), []byte(`{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/p"},"location":[{"reference":"Location/l"}],`+
		`"period":{"start":"2026-03-01","end":"2026-06"},"availableTime":[{"allDay":true},{"availableStartTime":"22:00:00","availableEndTime":"23:59:59"}],`+
		`"notAvailable":[{"during":{"start":"2026-05","end":"2026-05-31T12:00:00Z"}}]}`))
	f.Add([]byte(`{"resourceType":"Bundle","type":"history","entry":[{"resource":{"resourceType":"Location","id":"m"}}]}`),
		[]byte(`{"resourceType":"Schedule","id":"s","actor":[{"reference":"Location/l"}],"planningHorizon":{"end":"2026-12-31"}}`))
	const known = `{"resourceType":"Location","id":"l","name":"A","position":{"latitude":40,"longitude":-75}}` + "\n" +
		`{"resourceType":"Practitioner","id":"p","name":[{"text":"B"}]}` + "\n"
	f.Fuzz(func(t *testing.T, file, line []byte) {
		var report RosterReport
		s := newResourceSet(&report, func(Progress) {})
		files := fstest.MapFS{"a.ndjson": {Data: append([]byte(known), line...)}, "b.json": {Data: file}}
		if err := s.read(t.Context(), ResourcesIn(files)); err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
		d := newDirectory(s, DefaultBase, newZoning(func(clinic.GeoPoint) string { return "America/New_York" }, now), now)
		d.build()
		for _, r := range report.Refused {
			if len(r.Reason) > 1000 || strings.ContainsFunc(r.Reason, unicode.IsControl) {
				t.Errorf("a refusal says %q", r.Reason)
			}
		}
		for _, m := range d.roster.members {
			if m.name == "" || len(m.services) == 0 || len(m.posts) == 0 {
				t.Errorf("somebody was taken as %+v", m)
			}
			for _, p := range m.posts {
				checkTerms(t, m, p.terms)
			}
		}
	})
}

// checkTerms fails unless terms cover all days up to the last, each once, and no service has two openings at once.
func checkTerms(t *testing.T, m *member, terms []term) {
	t.Helper()
	for i, term := range terms {
		follows := i == 0 && term.from.IsZero() || i > 0 && terms[i-1].until.AddDays(1) == term.from
		if !follows || i < len(terms)-1 && (term.until == nil || term.until.Before(term.from)) || term.last != (i == len(terms)-1 && term.until != nil) {
			t.Errorf("terms don't follow each other: %+v", terms)
			return
		}
		open := map[string]*week{}
		for _, s := range term.hours {
			services := s.services
			if services == nil {
				for _, all := range m.services {
					services = append(services, all.key)
				}
			}
			for _, key := range services {
				if open[key] == nil {
					open[key] = new(week)
				}
				if s.Weekday < 1 || s.Weekday > 7 || s.From >= s.To || !open[key].open(provider.Weekday(s.Weekday), s.From, s.To) ||
					!slices.ContainsFunc(m.services, func(known service) bool { return known.key == key }) {
					t.Errorf("hours were taken as %+v", term.hours)
				}
			}
		}
	}
}
