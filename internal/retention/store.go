package retention

import (
	"context"
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// Store erases patients and keeps legal holds. A change commits together with its audit row. Any method may fail with errs.Busy.
type Store interface {
	// Erase empties what is private of a patient, with all that leads to the patient, and answers what is left. From then on
	// nothing is booked for the patient. One who is erased stays as they are. It fails with errs.NotFound at "patientId", and with
	// Kept, and Offered.
	Erase(ctx context.Context, by clinic.Stamp, p clinic.Ref, why Reason) (patient.Patient, error)
	// Shred destroys the key of a patient who is erased, for good. It may be repeated.
	Shred(ctx context.Context, p clinic.Ref) error
	// Unshredded looks through erased patients after one, limit of them, and answers those whose key is still there, and the last
	// it looked at; zero when there are no more.
	Unshredded(ctx context.Context, after clinic.Ref, limit int) (found []clinic.Ref, last clinic.Ref, err error)
	// Overdue looks through patients in the same way and answers those whose last appointment, whatever came of it, had ended at an
	// instant, who have no legal hold and don't wait for another that they have joined the waitlist for since. Who never had an appointment isn't among them.
	Overdue(ctx context.Context, ended time.Time, after clinic.Ref, limit int) (found []clinic.Ref, last clinic.Ref, err error)

	// PlaceHold keeps a legal hold. For a key that was used it answers what that made. It fails with errs.NotFound at "patientId",
	// with errs.KeyInUse and errs.KeyReused.
	PlaceHold(ctx context.Context, by clinic.Stamp, once clinic.Once, h LegalHold) (Placed, error)
	// ReleaseHold releases one, unless it is released. It fails with errs.NotFound at "legalHoldId".
	ReleaseHold(ctx context.Context, by clinic.Stamp, hold clinic.Ref) (LegalHold, error)
	// LegalHolds answers those that exist.
	LegalHolds(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]LegalHold, error)
	// LegalHoldsOf answers those of patients, the newest first, at most MaxLegalHolds of each.
	LegalHoldsOf(ctx context.Context, patients []clinic.Ref) (map[clinic.Ref][]LegalHold, error)
}
