package flags

import (
	"slices"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
)

// StickTo is whom a switch is decided for: the same one gets the same answer in every process and after every restart. Its value is the
// name of the field in Unleash's context.
type StickTo string

// Whom a switch can stick to.
const (
	Organization StickTo = "organizationId"
	Provider     StickTo = "providerId"
	Patient      StickTo = "patientId"
)

// On and Off are what a switch without variants can be, in overrides and figures.
const (
	On  = "on"
	Off = "off"
)

// Switch is one flag as this program knows it. All there are stand in switches.go: no other key can be decided.
type Switch struct{ *declared }

// declared is what is known of a switch. Its methods are what others may read.
type declared struct {
	key      string
	variants []string // the first is the safe default; none: on and off, and off is the safe default
	stickTo  StickTo
	owner    string
	expires  civil.Date
	gates    string
	at       int // its place in all
}

// all are the switches in the order in which they are declared.
var all []Switch

func declare(d declared) Switch {
	d.at = len(all)
	s := Switch{&d}
	all = append(all, s)
	return s
}

// All lists every switch.
func All() []Switch { return slices.Clone(all) }

// Find is the switch of a key.
func Find(key string) (s Switch, known bool) {
	at := slices.IndexFunc(all, func(s Switch) bool { return s.key == key })
	if at < 0 {
		return Switch{}, false
	}
	return all[at], true
}

// Key is its name in Unleash.
func (d *declared) Key() string { return d.key }

// Variants are the ways that it knows; none: on and off.
func (d *declared) Variants() []string { return slices.Clone(d.variants) }

// StickTo is whom it is decided for.
func (d *declared) StickTo() StickTo { return d.stickTo }

// Owner is the team that takes it out again.
func (d *declared) Owner() string { return d.owner }

// Expires is the first day on which it should be gone.
func (d *declared) Expires() civil.Date { return d.expires }

// Gates says what it is before.
func (d *declared) Gates() string { return d.gates }

// Default is what it is when nobody has decided it, or when that can't be told: a variant, or off.
func (d *declared) Default() string {
	if len(d.variants) == 0 {
		return Off
	}
	return d.variants[0]
}

// Takes says whether it can be value: one of its variants, or on or off where it has none.
func (d *declared) Takes(value string) bool { return slices.Contains(d.ways(), value) }

// ways are all that it can be, the safe default first.
func (d *declared) ways() []string {
	if len(d.variants) == 0 {
		return []string{Off, On}
	}
	return d.variants
}

// is the feature in one of its ways.
func (d *declared) is(way int, why access.Reason) access.Feature {
	decided := access.Feature{Key: d.key, Enabled: way > 0, Reason: why}
	if len(d.variants) > 0 {
		decided.Variant = d.variants[way]
	}
	return decided
}

// Subject is whom a switch is decided about; ids that aren't known are zero.
type Subject struct{ Organization, Provider, Patient uuid.UUID }

// stuck is what the switch sticks to: the id that it is declared to stick to, else the organisation. Whoever has neither counts as one
// and the same.
func (of Subject) stuck(to StickTo) string {
	id := of.Organization
	switch {
	case to == Provider && of.Provider != uuid.Nil:
		id = of.Provider
	case to == Patient && of.Patient != uuid.Nil:
		id = of.Patient
	}
	return id.String()
}

// properties are what rules of a flag may ask about.
func (of Subject) properties() map[string]string {
	known := make(map[string]string, 3)
	for name, id := range map[StickTo]uuid.UUID{Organization: of.Organization, Provider: of.Provider, Patient: of.Patient} {
		if id != uuid.Nil {
			known[string(name)] = id.String()
		}
	}
	return known
}

// Expired lists the switches that are over on a day.
func Expired(today civil.Date) []Switch {
	return slices.DeleteFunc(All(), func(s Switch) bool { return today.Before(s.expires) })
}
