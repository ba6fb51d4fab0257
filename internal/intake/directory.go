package intake

import (
	"slices"
	"strings"
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/form"
)

// directory is made of resources: who offers what, where and when.
type directory struct {
	*resourceSet
	base     string // of the server: the system of ids is this and the type
	zoning   zoning
	now      time.Time
	sites    map[*resource]*site
	weeks    map[*site]*week // of sites that say their hours
	offers   map[*resource]*offer
	offered  map[*site][]*offer
	people   map[*resource]*person
	known    map[clinic.Identifier]*resource // of sites
	persons  map[clinic.Identifier]*resource
	codes    map[string]string // the system of each service's code
	stints   int
	limits   int
	byRole   map[*resource][]*stint
	byOffer  map[*offer][]*stint
	unique   map[week]*week // so that equal hours are kept once
	roster   roster
	everyone []*person // in the order of the files, desks last
}

// offer is a HealthcareService that was taken.
type offer struct {
	service service
	week    *week // nil where it says none
	sites   []*site
	from    *resource
	away    []r4NotAvailable
}

// The bounds of what one resource may refer to, and of the work that follows from all.
const (
	maxReferences = 200
	maxStints     = 1_000_000
)

// person is a provider with all that is said about its work.
type person struct {
	*member
	over   bool // the record itself is out of use
	stints []*stint
}

// stint is work of a person at a site.
type stint struct {
	who      *person
	role     *resource // nil where only a schedule says so
	site     *site
	offers   []*offer
	services []service
	days     days
	week     *week // never nil; closed where nothing is said
	silent   bool  // nothing is said
	over     bool  // out of use
	past     bool  // its period is over
	closed   []closure
	limits   []limit // of the schedules about it; none for no schedule
}

// limit is what a schedule allows.
type limit struct {
	days     days
	services []service // none for the stint's own
}

func newDirectory(s *resourceSet, base string, zoning zoning, now time.Time) *directory {
	return &directory{
		resourceSet: s, base: base, zoning: zoning, now: now,
		sites: map[*resource]*site{}, weeks: map[*site]*week{}, offers: map[*resource]*offer{}, offered: map[*site][]*offer{}, people: map[*resource]*person{},
		known: map[clinic.Identifier]*resource{}, persons: map[clinic.Identifier]*resource{}, codes: map[string]string{},
		byRole: map[*resource][]*stint{}, byOffer: map[*offer][]*stint{}, unique: map[week]*week{},
	}
}

// build goes through the resources in the order in which they need one another.
func (d *directory) build() {
	for _, kind := range []struct {
		name string
		take func(*resource) error
	}{
		{resourceLocation, d.takeSite}, {resourceService, d.takeService}, {resourcePractitioner, d.takePractitioner},
		{resourceRole, d.takeRole}, {resourceSchedule, d.takeSchedule},
	} {
		for _, r := range d.all {
			if r.kind != kind.name {
				continue
			}
			d.attempt(r.at, func() error {
				if err := kind.take(r); err != nil {
					return refusal(r.label() + err.Error())
				}
				return nil
			})
		}
	}
	tellApart(d.roster.sites)
	d.nameDesks()
	for _, p := range d.everyone {
		d.engage(p)
	}
}

func (d *directory) takeSite(r *resource) error {
	l := r.body.(*r4Location)
	if l.Mode == "kind" {
		return refusal("it is a kind of location")
	}
	identifier, err := d.identify(r, l.Identifier)
	if err != nil {
		return err
	}
	if other := d.known[identifier]; other != nil {
		return refuse("the identifier %s is that of line %d of %s", quoted(identifier.Value), other.at.line, d.files[other.at.file])
	}
	note := d.noteAt(r.at)
	s := &site{at: r.at, label: r.label(), where: l.Address.where(), put: l.location(d.base, note)}
	s.put.Identifier = identifier
	if s.put.Name == "" {
		return refusal("no name")
	}
	var point *clinic.GeoPoint
	if l.Position != nil {
		there, err := l.point()
		if err != nil {
			return err
		}
		point, s.put.Latitude, s.put.Longitude = &there, &there.Latitude, &there.Longitude
	}
	quiet := note
	if named := l.zone(); named == "" {
		quiet = func(Repair, string, string) {} // coordinates are how R4 says it
	}
	if s.put.TimeZone, s.zone, err = d.zoning.decide(l.zone(), point, quiet); err != nil {
		return err
	}
	if err := s.brief(); err != nil {
		return err
	}
	d.openSite(r, s, l.HoursOfOperation)
	d.sites[r], d.known[identifier] = s, r
	if s.over = l.Status != "" && l.Status != "active"; s.over {
		d.partly(r, "status", refuse("it is %s: hours there end", quoted(l.Status)))
		d.roster.shut = append(d.roster.shut, s)
		return nil
	}
	d.roster.sites = append(d.roster.sites, s)
	return nil
}

func (d *directory) openSite(r *resource, s *site, hours []r4HoursOfPlace) {
	if len(hours) == 0 {
		return
	}
	w := new(week)
	for _, h := range hours {
		d.partly(r, "hoursOfOperation", w.opens(h.DaysOfWeek, h.AllDay, h.OpeningTime, h.ClosingTime))
	}
	d.weeks[s] = d.once(w)
}

func (l *r4Location) zone() string {
	for _, e := range l.Extension {
		if e.URL == timezoneURL {
			return clean(e.ValueCode)
		}
	}
	return ""
}

// identify prefers what the world calls a resource to what its server does.
func (d *directory) identify(r *resource, published []fhirIdentifier) (clinic.Identifier, error) {
	if known, ok := usable(published); ok {
		return known, nil
	}
	own := clinic.Identifier{System: d.base + r.kind, Value: r.id}
	if r.id == "" {
		own = clinic.Identifier{System: uriSystem, Value: r.url}
	}
	var check form.Check
	own = own.Checked(&check)
	if check.Err() != nil {
		return own, refusal("neither an identifier nor an id")
	}
	return own, nil
}

// partly refuses a part of a resource; the rest of it goes on.
func (d *directory) partly(r *resource, field string, err error) {
	if err != nil {
		d.refuse(r.at, r.label()+field+": "+err.Error())
	}
}

func (d *directory) takeService(r *resource) error {
	s := r.body.(*r4Service)
	if inactive(s.Active) {
		return refusal("it is not active")
	}
	of, named, err := d.service(s.Type)
	if err == nil && !named {
		of, err = d.serviceByName(r, s)
	}
	if err != nil {
		return err
	}
	if of.name == of.key && clean(s.Name) != "" {
		of.name = clean(s.Name)
	}
	o := &offer{service: of, from: r, away: d.readable(r, s.NotAvailable)}
	if err := of.brief(); err != nil {
		return err
	}
	o.sites = d.sitesOf(r, s.Location)
	o.week = d.available(r, s.AvailableTime)
	d.offers[r] = o
	for _, at := range o.sites {
		d.offered[at] = append(d.offered[at], o)
	}
	return nil
}

// service is the first coding of some concepts.
func (d *directory) service(concepts []fhirConcept) (s service, named bool, err error) {
	for _, concept := range concepts {
		for _, coding := range concept.Coding {
			key := clean(coding.Code)
			if key == "" {
				continue
			}
			if system, taken := d.codes[key]; taken && system != coding.System {
				return s, true, refuse("the code %s is also one of %s", quoted(key), quoted(system))
			}
			d.codes[key] = strings.Clone(coding.System)
			s = service{key: key, name: key}
			for _, name := range []string{concept.Text, coding.Display} {
				if name = clean(name); name != "" {
					s.name = name
				}
			}
			return s, true, nil
		}
	}
	return s, false, nil
}

// serviceByName is of one that has no code.
func (d *directory) serviceByName(r *resource, s *r4Service) (service, error) {
	identifier, err := d.identify(r, s.Identifier)
	if err != nil {
		return service{}, refusal("neither a type with a code, nor an identifier or id")
	}
	return service{key: identifier.Value, name: identifier.Value}, nil
}

func (s service) brief() error {
	var check form.Check
	check.Line(s.key, form.MaxKey, "code")
	check.Line(s.name, form.MaxName, "name")
	return brief(check, s.key, s.name)
}

// sitesOf are those of some references that can be resolved; the others are refused by themselves.
func (d *directory) sitesOf(r *resource, references []r4Reference) (list []*site) {
	for _, reference := range d.bounded(r, "location", references) {
		found, err := d.resolve(r, reference, resourceLocation)
		if err == nil && d.sites[found] == nil {
			err = refuse("%s is refused itself", quoted(found.name()))
		}
		if err != nil {
			d.partly(r, "location", err)
			continue
		}
		if s := d.sites[found]; !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// bounded cuts a list of references that is too long.
func (d *directory) bounded(r *resource, field string, references []r4Reference) []r4Reference {
	if len(references) <= maxReferences {
		return references
	}
	d.partly(r, field, refuse("more than %d references", maxReferences))
	return references[:maxReferences]
}

// available is nil where nothing is said. What is said and can't be read leaves its time closed.
func (d *directory) available(r *resource, times []r4Available) *week {
	if len(times) == 0 {
		return nil
	}
	w := new(week)
	for _, t := range times {
		d.partly(r, "availableTime", w.opens(t.DaysOfWeek, t.AllDay, t.AvailableStartTime, t.AvailableEndTime))
	}
	return d.once(w)
}

func (d *directory) once(w *week) *week {
	if d.unique[*w] == nil {
		d.unique[*w] = w
	}
	return d.unique[*w]
}
