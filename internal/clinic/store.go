package clinic

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/paging"
)

// Store keeps organisations, locations and kinds of visit. Each change commits together with its audit row and, where
// openings follow from it, the raised revisions and events of the providers concerned. Any method may fail with a busy
// error (errs.Busy).
type Store interface {
	// CreateOrganization saves a new organisation, or answers the one that the same key and input made before. It fails
	// with errs.KeyInUse while a request with the key runs and with errs.KeyReused when the key stands for
	// another input.
	CreateOrganization(ctx context.Context, by Stamp, once Once, o Organization) (Organization, error)
	// PutLocation saves a location under the id of the one with the same identifier, if there is one, else under its own,
	// and answers what is stored then. When nothing differs, nothing is written. It fails with errs.NotFound at
	// "organizationId".
	PutLocation(ctx context.Context, by Stamp, l Location) (Location, error)
	// PutVisitKind does for kinds and their keys what PutLocation does for locations. It fails with PrerequisiteCircle.
	PutVisitKind(ctx context.Context, by Stamp, k VisitKind) (VisitKind, error)

	// Organizations, Locations and VisitKinds answer those that exist.
	Organizations(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Organization, error)
	Locations(ctx context.Context, refs []Ref) (map[Ref]Location, error)
	VisitKinds(ctx context.Context, refs []Ref) (map[Ref]VisitKind, error)

	// PostalCenter is the middle, on the sphere, of the locations of all organisations that have a point, the country and the
	// code; else of those whose codes begin with the longest beginning of it that any has, half of it or more. It answers
	// false when there are none. Codes are letters and digits, in capitals.
	PostalCenter(ctx context.Context, country, code string) (GeoPoint, bool, error)
	// ListLocations and ListVisitKinds page by name, then id; of all organisations when organization is zero; in the area when
	// there is one, and in a circle with their distances. They fail with errs.InvalidInput at "after" or "before".
	ListLocations(ctx context.Context, organization uuid.UUID, in *Area, w paging.Window) (paging.Page[Location], error)
	ListVisitKinds(ctx context.Context, organization uuid.UUID, w paging.Window) (paging.Page[VisitKind], error)
	// CountLocations and CountVisitKinds stop at paging.MaxCount.
	CountLocations(ctx context.Context, organization uuid.UUID, in *Area) (int, error)
	CountVisitKinds(ctx context.Context, organization uuid.UUID) (int, error)

	ResourceStore
	TravelStore
}
