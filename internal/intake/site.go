package intake

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/form"
)

// site is a published Location as it will be written.
type site struct {
	at    place
	label string // what its refusals begin with
	put   clinic.PutLocation
	where string // street and city, to tell sites of one name apart
	zone  *time.Location
	desks []*desk
	over  bool       // out of use: nobody works there any more
	ref   clinic.Ref // once it is set up
}

// ZoneOf names the IANA zone of a point, or nothing when it lies in none.
type ZoneOf func(clinic.GeoPoint) string

// readSite reads one line of a Location file. Repairs are told to note.
func readSite(text []byte, base string, zoneOf ZoneOf, note func(Repair, string, string)) (id string, s *site, err error) {
	var published fhirLocation
	if err := decode(text, resourceLocation, &published); err != nil {
		return "", nil, err
	}
	if err := checkID(published.ID); err != nil {
		return "", nil, err
	}
	point, err := published.point()
	if err != nil {
		return "", nil, err
	}
	s = &site{where: published.Address.where()}
	name := zoneOf(point)
	if s.zone, err = clock.Zone(name); err != nil {
		return "", nil, refuse("no country's time zone at latitude %g, longitude %g", point.Latitude, point.Longitude)
	}
	s.put = published.location(base, note)
	s.put.TimeZone, s.put.Latitude, s.put.Longitude = name, &point.Latitude, &point.Longitude
	if s.put.Name == "" {
		return "", nil, refusal("no name")
	}
	return published.ID, s, s.brief()
}

func (l fhirLocation) point() (clinic.GeoPoint, error) {
	if l.Position == nil || l.Position.Latitude == nil || l.Position.Longitude == nil {
		return clinic.GeoPoint{}, refusal("no coordinates, so its time zone is unknown")
	}
	p := clinic.GeoPoint{Latitude: *l.Position.Latitude, Longitude: *l.Position.Longitude}
	if p.Latitude < -90 || p.Latitude > 90 || p.Longitude < -180 || p.Longitude > 180 {
		return p, refuse("there is no latitude %g, longitude %g", p.Latitude, p.Longitude)
	}
	return p, nil
}

func (l fhirLocation) location(base string, note func(Repair, string, string)) clinic.PutLocation {
	put := clinic.PutLocation{Identifier: l.identifier(base), Name: clean(l.Name), AddressLines: []string{}}
	for _, text := range append(slices.Clone(l.Address.Line), joined(l.Address.City, l.Address.State)) {
		if text = clean(text); text != "" {
			put.AddressLines = append(put.AddressLines, text)
		}
	}
	inUS := l.Address.inUS()
	put.Country = l.Address.country(inUS)
	put.PostalCode = l.Address.postalCode(inUS, note)
	put.Phone = l.phone(inUS, note)
	return put
}

// identifier is the first published one that names its system, else what the publication itself calls the location.
func (l fhirLocation) identifier(base string) clinic.Identifier {
	if known, ok := usable(l.Identifier); ok {
		return known
	}
	return clinic.Identifier{System: base + resourceLocation, Value: l.ID}
}

// usable is the first identifier that the directory takes.
func usable(published []fhirIdentifier) (clinic.Identifier, bool) {
	for _, i := range published {
		var check form.Check
		if known := (clinic.Identifier{System: i.System, Value: i.Value}).Checked(&check); check.Err() == nil {
			return clinic.Identifier{System: strings.Clone(known.System), Value: strings.Clone(known.Value)}, true
		}
	}
	return clinic.Identifier{}, false
}

func (a fhirAddress) state() string { return strings.ToUpper(clean(a.State)) }

func (a fhirAddress) inUS() bool {
	switch strings.ToUpper(clean(a.Country)) {
	case "US", "USA", "UNITED STATES", "UNITED STATES OF AMERICA":
		return true
	case "":
		return isState(a.state())
	}
	return false
}

func (a fhirAddress) country(inUS bool) *string {
	code := strings.ToUpper(clean(a.Country))
	if inUS {
		code = "US"
	}
	var check form.Check
	if check.Country(code); check.Err() != nil {
		return nil
	}
	return &code
}

func (a fhirAddress) postalCode(inUS bool, note func(Repair, string, string)) *string {
	published := clean(a.PostalCode)
	if published == "" || !inUS {
		return present(published)
	}
	code, ok := zip(published, a.state())
	switch {
	case !ok:
		note(PostalCodeDropped, published, "")
	case code != published:
		note(PostalCodePadded, published, code)
	}
	return present(code)
}

func (l fhirLocation) phone(inUS bool, note func(Repair, string, string)) *string {
	broken := ""
	for _, c := range l.Telecom {
		if c.System != contactPhone || clean(c.Value) == "" {
			continue
		}
		if number, ok := e164(clean(c.Value), inUS); ok {
			return &number
		}
		broken = clean(c.Value)
	}
	if broken != "" {
		note(PhoneDropped, broken, "")
	}
	return nil
}

func (a fhirAddress) where() string {
	return joined(strings.Join(a.Line, " "), a.City)
}

// tellApart adds where they are to the names of sites that share them.
func tellApart(sites []*site) {
	shared := map[string]int{}
	for _, s := range sites {
		shared[s.put.Name]++
	}
	for _, s := range sites {
		if shared[s.put.Name] > 1 {
			s.distinct()
		}
	}
}

// distinct adds where a site is to a name that it shares with others.
func (s *site) distinct() { s.put.Name = joined(s.put.Name, s.where) }

func checkID(id string) error {
	switch {
	case id == "":
		return refusal("no id")
	case len(id) > maxResourceID:
		return refuse("an id of more than %d characters", maxResourceID)
	}
	return nil
}

// clean makes one line of a published text. It keeps nothing else of the text in memory.
func clean(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	return strings.Clone(strings.Join(words, " "))
}

// joined puts a comma between those texts that say something.
func joined(texts ...string) string {
	var said []string
	for _, text := range texts {
		if text = clean(text); text != "" {
			said = append(said, text)
		}
	}
	return strings.Join(said, ", ")
}

func present(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
