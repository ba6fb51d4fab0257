package load

import (
	"fmt"
	"strings"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// visitsEach is how many appointments a patient has on average.
const visitsEach = 4

// Codes of areas all over the United States; in each the numbers 555-0100 to 555-0199 are set aside for fiction.
var areaCodes = []string{"201", "206", "213", "214", "303", "312", "405", "480", "503", "512", "602", "617", "702", "713", "808", "907"}

// tongues are a patient's language, by percentage.
var tongues = []struct {
	tag    string
	weight int
}{{"en", 76}, {"es", 14}, {"zh", 2}, {"tl", 2}, {"vi", 2}, {"fr", 1}, {"ar", 1}, {"ko", 1}, {"ru", 1}}

// people are a batch's patients, with what they do when.
type people struct {
	c     *crowd
	d     dice
	first int // number of the first among all
	zones []string
	list  []Person
	busy  [][]availability.Span
}

// newPeople are those of a batch at these places. Numbers leave a gap between batches, for whoever comes on top.
func (c *crowd) newPeople(n int, zones []string, visits int) *people {
	p := &people{c: c, d: c.dice("people of "+c.Today.String(), n), first: n * 4 * visitsAtOnce, zones: zones}
	for range (visits + visitsEach - 1) / visitsEach {
		p.join()
	}
	return p
}

// join registers one more.
func (p *people) join() {
	d, n := p.d, p.first+len(p.list)
	given, family := pick(d, givenNames), pick(d, familyNames)
	born := p.c.Today.AddDays(-d.between(200, 33_000))
	phone := fmt.Sprintf("+1%s55501%02d", pick(d, areaCodes), d.IntN(100))
	email := fmt.Sprintf("%s.%s.%s@example.com", plain(given), plain(family), p.c.label(n))
	at := p.c.founded(0).Add(d.during(time.Hour, 5*day))
	zone := pick(d, p.zones)
	p.list = append(p.list, Person{
		Registered: clinic.Stamp{Actor: p.c.frontDesk, At: at, AuditID: d.id(at)},
		Patient: patient.Patient{
			ID: d.id(at), OrganizationID: p.c.Organization, System: "https://demo.example/patients", Identifier: access.Private(p.c.label(n)),
			GivenName: access.Private(given), FamilyName: access.Private(family), BirthDate: &born,
			Phone: private(phone), Email: private(email), TimeZone: &zone,
			Language: &tongues[d.weighted(weightsOf(tongues, func(i int) int { return tongues[i].weight }))].tag,
		},
	})
	p.busy = append(p.busy, nil)
}

func private(s string) *access.Private { return new(access.Private(s)) }

// plain is a name as people write it in an address.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r < 'a' || r > 'z' {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// free finds somebody who is free during a visit, and keeps them busy. Whoever is not there yet joins.
func (p *people) free(visit availability.Span) int {
	for range 10 {
		if i := p.d.IntN(max(1, len(p.list))); i < len(p.list) && p.keep(i, visit) {
			return i
		}
	}
	for i := range p.list {
		if p.keep(i, visit) {
			return i
		}
	}
	p.join()
	p.keep(len(p.list)-1, visit)
	return len(p.list) - 1
}

func (p *people) keep(i int, visit availability.Span) bool {
	for _, s := range p.busy[i] {
		if s.Overlaps(visit) {
			return false
		}
	}
	p.busy[i] = append(p.busy[i], visit)
	return true
}

// caller is a patient who acts for themself.
func (p *people) caller(i int) access.Actor {
	return access.Actor{Kind: access.Patient, ID: p.c.named("account", p.first+i), Client: p.c.Actor.Client, PatientID: p.list[i].ID}
}
