package breakglass

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// Store keeps grants. A change commits together with its audit row. Any method may fail with errs.Busy.
type Store interface {
	// BreakGlass keeps a grant for the patient that it names or, when it names none, for the one with the identifier, and answers
	// it. For a key that was used it answers what that made. It fails with errs.NotFound at "target", "patientId" or "target", "identifier",
	// with errs.Forbidden when its holder has MaxOpen open ones, with errs.KeyInUse and errs.KeyReused.
	BreakGlass(ctx context.Context, by clinic.Stamp, once clinic.Once, g Grant, identifier patient.Handle) (Broken, error)
	// ChangeGrant keeps a grant as changed, unless it is no longer as it was read; then it answers false.
	ChangeGrant(ctx context.Context, by clinic.Stamp, action string, from, to Grant) (bool, error)
	// Grants answers those that exist.
	Grants(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]Grant, error)
	// OpenGrants answers those of a holder that are open at an instant.
	OpenGrants(ctx context.Context, organization, holder uuid.UUID, now time.Time) ([]access.Grant, error)
	// ListGrants pages grants, the newest first, by start and id. It fails with errs.InvalidInput at "after" or "before".
	ListGrants(ctx context.Context, f Filter, w paging.Window) (paging.Page[Grant], error)
	// CountGrants stops at paging.MaxCount.
	CountGrants(ctx context.Context, f Filter) (int, error)
}

// Broken is a grant, and whether it was made by an earlier request with the same key.
type Broken struct {
	Grant    Grant
	Replayed bool
}

// Filter narrows a list of grants.
type Filter struct {
	Organization uuid.UUID
	Provider     uuid.UUID // zero: everybody's
	Reviewed     *bool
	From, To     time.Time // broken in [From, To)
}
