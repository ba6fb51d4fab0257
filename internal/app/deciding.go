package app

import (
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/flags"
)

// Of are all flags as they are for a caller: as a provider or a patient if they are one, else as somebody of their organisation.
func (s switches) Of(a access.Actor) []access.Feature {
	of := flags.Subject{Organization: a.Organization, Provider: a.ProviderID, Patient: a.PatientID}
	var all []access.Feature
	for _, one := range flags.All() {
		all = append(all, s.flags.Decide(one, of, a))
	}
	return all
}
