package intake

import (
	"slices"
	"strings"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/form"
)

func (d *directory) takePractitioner(r *resource) error {
	published := r.body.(*r4Practitioner)
	identifier, err := d.identify(r, preferred(published.Identifier))
	if err != nil {
		return err
	}
	if other := d.persons[identifier]; other != nil {
		return d.joinPeople(r, other, identifier)
	}
	m := &member{at: r.at, label: r.label(), identifier: identifier, name: published.name()}
	var check form.Check
	if check.Line(m.name, form.MaxName, "name"); m.name == "" {
		return refusal("no name")
	}
	if err := brief(check, m.name); err != nil {
		return err
	}
	m.languages = d.languages(r, published.Communication)
	p := &person{member: m, over: inactive(published.Active)}
	d.people[r], d.persons[identifier] = p, r
	d.everyone = append(d.everyone, p)
	return nil
}

// joinPeople makes one provider of two practitioners whom an identifier and the family's name show to be the same.
func (d *directory) joinPeople(r, other *resource, identifier clinic.Identifier) error {
	published := r.body.(*r4Practitioner)
	if !strings.EqualFold(published.family(), other.body.(*r4Practitioner).family()) {
		return refuse("the identifier %s is that of line %d of %s, who is called otherwise", quoted(identifier.Value), other.at.line, d.files[other.at.file])
	}
	d.noteAt(r.at)(PersonJoined, r.name(), other.name())
	d.people[r] = d.people[other]
	d.people[r].over = d.people[r].over && inactive(published.Active)
	return nil
}

// preferred puts the numbers first that US providers are known by, and leaves out those that are nobody's business.
func preferred(published []r4Identifier) (list []fhirIdentifier) {
	for _, i := range published {
		if !i.private() {
			list = append(list, i.fhirIdentifier)
		}
	}
	slices.SortStableFunc(list, func(a, b fhirIdentifier) int { return rank(a) - rank(b) })
	return list
}

// Numbers of persons rather than of providers, by their systems (https://hl7.org/fhir/R4/identifier-registry.html) and by their types
// (https://terminology.hl7.org/CodeSystem-v2-0203.html).
var (
	privateSystems = []string{"http://hl7.org/fhir/sid/us-ssn", "urn:oid:2.16.840.1.113883.4.1"}
	privateTypes   = []string{"SS", "TAX", "DL", "PPN", "NI"}
)

func (i fhirIdentifier) private() bool { return slices.Contains(privateSystems, i.System) }

func (i r4Identifier) private() bool {
	return i.fhirIdentifier.private() ||
		slices.ContainsFunc(i.Type.Coding, func(c fhirCoding) bool { return slices.Contains(privateTypes, c.Code) })
}

func rank(i fhirIdentifier) int {
	if i.System == npiSystem {
		return 0
	}
	return 1
}

// name is the official one, else the usual one, else the first.
func (p r4Practitioner) name() string {
	for _, use := range []string{"official", "usual"} {
		for _, n := range p.Name {
			if n.Use == use && n.spelled() != "" {
				return n.spelled()
			}
		}
	}
	for _, n := range p.Name {
		if n.spelled() != "" {
			return n.spelled()
		}
	}
	return ""
}

// family is the first family name, or of somebody without one the whole name.
func (p r4Practitioner) family() string {
	for _, n := range p.Name {
		if family := clean(n.Family); family != "" {
			return family
		}
	}
	return p.name()
}

func (n r4HumanName) spelled() string {
	if text := clean(n.Text); text != "" {
		return text
	}
	return clean(strings.Join(slices.Concat(n.Prefix, n.Given, []string{n.Family}), " "))
}

func (d *directory) languages(r *resource, spoken []fhirConcept) (tags []string) {
	for _, concept := range spoken {
		tag := ""
		for _, coding := range concept.Coding {
			var check form.Check
			if known := check.Language(clean(coding.Code)); check.Err() == nil && tag == "" {
				tag = known
			}
		}
		switch {
		case tag == "":
			d.noteAt(r.at)(LanguageDropped, concept.said(), "")
		case !slices.Contains(tags, tag) && len(tags) < maxTags:
			tags = append(tags, tag)
		}
	}
	return tags
}

// maxTags bounds the languages and the specialties of a provider.
const maxTags = 50

func (c fhirConcept) said() string {
	if len(c.Coding) > 0 && c.Coding[0].Code != "" {
		return c.Coding[0].Code
	}
	return c.Text
}

func (d *directory) takeRole(r *resource) error {
	role := r.body.(*r4Role)
	if role.Practitioner == nil {
		return refusal("no practitioner")
	}
	found, err := d.resolve(r, *role.Practitioner, resourcePractitioner)
	if err == nil && d.people[found] == nil {
		err = refuse("%s is refused itself", quoted(found.name()))
	}
	if err != nil {
		return refuse("practitioner: %s", err)
	}
	who, offers := d.people[found], d.offersOf(r, role.HealthcareService)
	sites := d.sitesOf(r, role.Location)
	if len(role.Location) == 0 {
		for _, o := range offers {
			sites = append(sites, o.sites...)
		}
	}
	if len(sites) == 0 {
		return refusal("no location")
	}
	own := d.available(r, role.AvailableTime)
	for i, at := range sites {
		if slices.Contains(sites[:i], at) {
			continue
		}
		if err := d.work(r, who, at, offers, own); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(d.byRole[r], func(s *stint) bool { return !s.over && !s.past }) {
		d.specialize(r, who, role.Specialty)
	}
	return nil
}

func (d *directory) offersOf(r *resource, references []r4Reference) (list []*offer) {
	for _, reference := range d.bounded(r, "healthcareService", references) {
		found, err := d.resolve(r, reference, resourceService)
		if err == nil && d.offers[found] == nil {
			err = refuse("%s is refused itself", quoted(found.name()))
		}
		if err != nil {
			d.partly(r, "healthcareService", err)
			continue
		}
		if o := d.offers[found]; !slices.Contains(list, o) {
			list = append(list, o)
		}
	}
	return list
}

func (d *directory) specialize(r *resource, who *person, concepts []fhirConcept) {
	for _, concept := range concepts {
		known, ok := concept.coding()
		twice := slices.ContainsFunc(who.specialties, func(c clinic.Coding) bool { return c.System == known.System && c.Code == known.Code })
		switch {
		case !ok:
			d.noteAt(r.at)(SpecialtyDropped, concept.said(), "")
		case !twice && len(who.specialties) < maxTags:
			who.specialties = append(who.specialties, known)
		}
	}
}

// coding is the first that the directory takes.
func (c fhirConcept) coding() (clinic.Coding, bool) {
	for _, published := range c.Coding {
		var check form.Check
		display := clean(published.Display)
		known := clinic.Coding{System: published.System, Code: clean(published.Code), Display: present(display)}.Checked(&check)
		if check.Err() == nil {
			return known, true
		}
	}
	return clinic.Coding{}, false
}

// work adds a role's stints at a site: one, or where the role says no hours, one for each of the services, as these may have
// hours of their own.
func (d *directory) work(r *resource, who *person, at *site, offers []*offer, own *week) error {
	role := r.body.(*r4Role)
	days, err := role.Period.days(at.zone)
	if err != nil {
		return refuse("period: %s", err)
	}
	if offers = offeredAt(at, offers); len(offers) == 0 {
		offers = d.offered[at]
	}
	s := stint{who: who, role: r, site: at, days: days, offers: offers, over: who.over || at.over || inactive(role.Active), week: own}
	s.closed = append(d.absences(r, role.NotAvailable, at), d.holidays(r, offers, at)...)
	switch {
	case inactive(role.Active) && !who.over:
		d.partly(r, "active", refusal("it is not active: its hours end"))
	case !s.over && days.until != nil && days.until.Before(d.today(at)):
		d.partly(r, "period", refuse("it ended on %s", days.until))
		s.past = true
	}
	for _, part := range s.parts() {
		if d.stints++; d.stints > maxStints {
			return refuse("more than %d times a provider at a location", maxStints)
		}
		who.stints = append(who.stints, d.scheduled(r, part))
		d.byRole[r] = append(d.byRole[r], part)
		for _, o := range part.offers {
			d.byOffer[o] = append(d.byOffer[o], part)
		}
	}
	return nil
}

// offeredAt are those services of a role that are at a site, as far as they say where they are: all when none of them is there.
func offeredAt(at *site, offers []*offer) (there []*offer) {
	for _, o := range offers {
		if len(o.sites) == 0 || slices.Contains(o.sites, at) {
			there = append(there, o)
		}
	}
	if len(there) == 0 {
		return offers
	}
	return there
}

// parts are the stint, or where its role says no hours, one of it for each service.
func (s stint) parts() (list []*stint) {
	if s.week != nil || len(s.offers) == 0 {
		return []*stint{&s}
	}
	for _, o := range s.offers {
		part := s
		part.offers, part.week = []*offer{o}, o.week
		list = append(list, &part)
	}
	return list
}

// scheduled fills in the hours of a stint that says none, and its services.
func (d *directory) scheduled(r *resource, s *stint) *stint {
	if s.week == nil {
		s.week = d.weeks[s.site]
	}
	if s.week == nil {
		s.week, s.silent = d.once(new(week)), true
		d.noteAt(r.at)(HoursMissing, "", "")
	}
	for _, o := range s.offers {
		s.services = append(s.services, o.service)
	}
	if len(s.services) == 0 {
		s.services = []service{anyService}
	}
	return s
}

func (d *directory) absences(r *resource, times []r4NotAvailable, at *site) (list []closure) {
	for _, n := range times {
		c, err := n.closure(r.at, at.zone)
		if err != nil {
			d.partly(r, "notAvailable", err)
			continue
		}
		list = append(list, c)
	}
	return list
}

func (d *directory) today(at *site) civil.Date { return civil.DateOf(d.now.In(at.zone)) }
