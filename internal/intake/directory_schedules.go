package intake

import "slices"

// actors are whom and what a schedule is about.
type actors struct {
	role  *resource
	who   *person
	offer *offer
	site  *site
}

// takeSchedule limits the stints that a schedule is about. Where there are none it makes one: of a practitioner at a location, or
// of a location alone.
func (d *directory) takeSchedule(r *resource) error {
	s := r.body.(*r4Schedule)
	if inactive(s.Active) {
		return refusal("it is not active")
	}
	a, err := d.actorsOf(r, s.Actor)
	if err != nil {
		return err
	}
	offered, err := d.services(s.ServiceType)
	if err != nil {
		return err
	}
	if a.role == nil && a.who == nil && a.offer == nil {
		return d.addDesk(r, a.site, offered)
	}
	return d.limitStints(r, a, offered)
}

// services are those of some concepts, each the first coding.
func (d *directory) services(concepts []fhirConcept) (list []service, err error) {
	for i := range concepts {
		of, named, err := d.service(concepts[i : i+1])
		if err == nil && named {
			err = of.brief()
		}
		if err != nil {
			return nil, err
		}
		if named && !slices.Contains(list, of) {
			list = append(list, of)
		}
	}
	return list, nil
}

func (d *directory) actorsOf(r *resource, references []r4Reference) (a actors, err error) {
	if len(references) == 0 {
		return a, refusal("no actor")
	}
	seen := map[string]bool{}
	for _, reference := range d.bounded(r, "actor", references) {
		found, err := d.resolve(r, reference, resourceRole, resourcePractitioner, resourceService, resourceLocation)
		if err != nil {
			return a, refuse("actor: %s", err)
		}
		if seen[found.kind] {
			return a, refuse("actor: several of the type %s", found.kind)
		}
		seen[found.kind] = true
		taken := true
		switch found.kind {
		case resourceRole:
			a.role = found
		case resourcePractitioner:
			a.who, taken = d.people[found], d.people[found] != nil
		case resourceService:
			a.offer, taken = d.offers[found], d.offers[found] != nil
		case resourceLocation:
			a.site, taken = d.sites[found], d.sites[found] != nil
		}
		if !taken {
			return a, refuse("actor: %s is refused itself", quoted(found.name()))
		}
	}
	return a, nil
}

// about says whether a schedule of these actors is about a stint.
func (a actors) about(s *stint) bool {
	return (a.role == nil || a.role == s.role) && (a.who == nil || a.who == s.who) && (a.site == nil || a.site == s.site) &&
		(a.offer == nil || slices.Contains(s.offers, a.offer))
}

// perhaps are the stints that a schedule may be about.
func (d *directory) perhaps(a actors) []*stint {
	switch {
	case a.role != nil:
		return d.byRole[a.role]
	case a.who != nil:
		return a.who.stints
	}
	return d.byOffer[a.offer]
}

func (d *directory) limitStints(r *resource, a actors, offered []service) error {
	found := false
	for _, s := range d.perhaps(a) {
		if !a.about(s) {
			continue
		}
		found = true
		if err := d.limit(r, s, offered); err != nil {
			return err
		}
	}
	switch {
	case found:
		return nil
	case a.who == nil || a.site == nil || a.role != nil:
		return refusal("no role is one that it is about")
	}
	s := &stint{who: a.who, site: a.site, over: a.who.over || a.site.over}
	if a.offer != nil {
		s.offers, s.week = []*offer{a.offer}, a.offer.week
		s.closed = d.holidays(r, s.offers, a.site)
	}
	a.who.stints = append(a.who.stints, d.scheduled(r, s))
	return d.limit(r, s, offered)
}

func (d *directory) limit(r *resource, s *stint, offered []service) error {
	horizon, err := r.body.(*r4Schedule).PlanningHorizon.days(s.site.zone)
	if err != nil {
		return refuse("planningHorizon: %s", err)
	}
	if d.limits++; d.limits > maxStints {
		return refuse("more than %d times a schedule is about a provider at a location", maxStints)
	}
	s.limits = append(s.limits, limit{days: horizon, services: offered})
	return nil
}

// addDesk makes a provider of a schedule that is about a location alone.
func (d *directory) addDesk(r *resource, at *site, offered []service) error {
	identifier, err := d.identify(r, r.body.(*r4Schedule).Identifier)
	if err != nil {
		return err
	}
	if other := d.persons[identifier]; other != nil {
		return refuse("the identifier %s is that of line %d of %s", quoted(identifier.Value), other.at.line, d.files[other.at.file])
	}
	p := &person{member: &member{at: r.at, label: r.label(), identifier: identifier}}
	s := stint{who: p, site: at, over: at.over}
	if len(offered) == 0 {
		s.offers = d.offered[at]
		s.closed = d.holidays(r, s.offers, at)
	}
	for _, part := range s.parts() {
		p.stints = append(p.stints, d.scheduled(r, part))
	}
	for _, s := range p.stints {
		if err := d.limit(r, s, offered); err != nil {
			return err
		}
	}
	d.persons[identifier] = r
	d.everyone = append(d.everyone, p)
	return nil
}

// nameDesks calls desks as their site is called, and tells those of one site apart by what they offer.
func (d *directory) nameDesks() {
	at := map[*site][]*person{}
	for _, p := range d.everyone {
		if p.name == "" {
			at[p.stints[0].site] = append(at[p.stints[0].site], p)
		}
	}
	for s, desks := range at {
		for _, p := range desks {
			if p.name = s.put.Name; len(desks) > 1 {
				p.name = joined(s.put.Name, p.stints[0].sold()[0].name, p.identifier.Value)
			}
		}
	}
}

// sold is what a stint offers, if only under its first schedule.
func (s *stint) sold() []service {
	if len(s.limits) > 0 && len(s.limits[0].services) > 0 {
		return s.limits[0].services
	}
	return s.services
}
