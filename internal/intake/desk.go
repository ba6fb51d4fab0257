package intake

import (
	"strings"

	"cloud.google.com/go/civil"
)

// desk is a published Schedule: what one provider offers at one site. Most sites have one.
type desk struct {
	at      place
	id      string
	label   string // tells it from the site's other desks
	service service
	site    *site
	windows []window
	full    []int32 // where busy windows begin, as window.from
	partial bool    // a line of it was refused
}

// service is the kind of visit that a schedule is for.
type service struct{ key, name string }

// anyService stands in where a schedule doesn't say what it is for.
var anyService = service{key: "visit", name: "Visit"}

// readDesk reads one line of a Schedule file, and the id of the location that it is at. Of a broken one it answers a desk
// with the id, where there is one.
func readDesk(text []byte) (d *desk, location string, err error) {
	var published fhirSchedule
	if err := decode(text, resourceSchedule, &published); err != nil {
		return nil, "", err
	}
	if err := checkID(published.ID); err != nil {
		return nil, "", err
	}
	d = &desk{id: published.ID, service: published.service(), label: published.label()}
	if len(published.Actor) != 1 {
		return d, "", refuse("%d actors, not one location", len(published.Actor))
	}
	location, ok := target(published.Actor[0].Reference, resourceLocation)
	if !ok {
		return d, "", refuse("its actor is %s, not a Location/id", quoted(published.Actor[0].Reference))
	}
	return d, location, d.brief()
}

// service prefers the coding that the specification itself defines to the general ones beside it.
func (s fhirSchedule) service() service {
	chosen := anyService
	for _, concept := range s.ServiceType {
		for _, coding := range concept.Coding {
			code := clean(coding.Code)
			if code == "" || chosen != anyService && coding.System != serviceTypeSystem {
				continue
			}
			chosen = service{key: code, name: clean(coding.Display)}
			if chosen.name == "" {
				chosen.name = code
			}
			if coding.System == serviceTypeSystem {
				return chosen
			}
		}
	}
	return chosen
}

// label is the vaccine that the schedule is for, where there is one, else the schedule's id.
func (s fhirSchedule) label() string {
	for _, e := range s.Extension {
		if e.URL != vaccineProductURL || e.ValueCoding == nil {
			continue
		}
		if vaccine := clean(e.ValueCoding.Display); vaccine != "" && isName(vaccine) {
			return vaccine
		}
	}
	return s.ID
}

// name is what patients see: the site's name, and which desk it is where there are several.
func (d *desk) name() string {
	if len(d.site.desks) == 1 {
		return d.site.put.Name
	}
	return joined(d.site.put.Name, d.label)
}

// target takes the id out of a literal reference, relative or absolute (https://hl7.org/fhir/R4/references.html#literal).
func target(reference, resourceType string) (id string, ok bool) {
	at := strings.LastIndex(reference, "/")
	if at < 0 {
		return "", false
	}
	parent, id := reference[:at], reference[at+1:]
	return id, id != "" && (parent == resourceType || strings.HasSuffix(parent, "/"+resourceType))
}

// span is the wall-clock time of a window.
type span struct{ from, to civil.DateTime }
