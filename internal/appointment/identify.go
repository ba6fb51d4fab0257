package appointment

import (
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// mayIdentify keeps the names that appointments have in the clinic's systems to the clinic: a patient could take another
// visit's.
func mayIdentify(a access.Actor, list []clinic.Identifier) error {
	if len(list) > 0 && !a.IsClinic() {
		return errs.Denied("Identifiers are the clinic's to give.", "identifiers")
	}
	return nil
}
