package appointment

import (
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// mayIdentify keeps the names that appointments have in the clinic's systems to the clinic: a patient could take another
// visit's.
func mayIdentify(a access.Actor, list []clinic.Identifier) error {
	if len(list) > 0 && !a.IsClinic() {
		return errs.Denied("Identifiers are the clinic's to give.", "identifiers")
	}
	return nil
}

func identifiers(check *form.Check, list []clinic.Identifier) {
	check.That(len(list) <= maxIdentifiers, "At most 10 identifiers.", "identifiers")
	for i := range min(len(list), maxIdentifiers) {
		list[i].System = check.System(list[i].System, form.At([]string{"identifiers"}, i, "system")...)
		list[i].Value = check.Line(list[i].Value, form.MaxValue, form.At([]string{"identifiers"}, i, "value")...)
	}
}
