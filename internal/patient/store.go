package patient

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Store keeps patients. A change commits together with its audit row. Any method may fail with a busy error (errs.Busy).
type Store interface {
	// Register saves a patient under the id of the one with the same IdentifierHandle, if there is one, else under its own,
	// and answers what is stored then. When nothing differs, nothing is written. It fails with errs.NotFound at
	// "organizationId".
	Register(ctx context.Context, by clinic.Stamp, p Patient) (Patient, error)
	// Patients answers those that exist.
	Patients(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]Patient, error)
	// Find pages by id. It fails with errs.InvalidInput at "after" or "before".
	Find(ctx context.Context, s Sought, w paging.Window) (paging.Page[Patient], error)
	// Count stops at paging.MaxCount.
	Count(ctx context.Context, s Sought) (int, error)
}

// Sought are the patients of an organisation who have all of the handles, of those within somebody's reach.
type Sought struct {
	Organization uuid.UUID
	Handles      []Handle // at least one
	Among        access.Reach
}
