package appointment

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Unequipped pages the visits ahead that lack a room or equipment which their kind needs, for the organisation's staff: at a location, or
// everywhere. It fails as List does.
func (s *Service) Unequipped(ctx context.Context, a access.Actor, at *clinic.Ref, w paging.Window) (paging.Page[Appointment], string, error) {
	f, err := s.unequipped(a, at)
	if err != nil {
		return paging.Page[Appointment]{}, "", err
	}
	return s.List(ctx, a, f, StartAscending, w)
}

// CountUnequipped counts what Unequipped lists, up to paging.MaxCount.
func (s *Service) CountUnequipped(ctx context.Context, a access.Actor, at *clinic.Ref) (int, error) {
	f, err := s.unequipped(a, at)
	if err != nil {
		return 0, err
	}
	return s.Count(ctx, a, f)
}

func (s *Service) unequipped(a access.Actor, at *clinic.Ref) (Filter, error) {
	f := Filter{Organization: a.Organization, From: s.Clock.Now(), Unequipped: true}
	if at != nil {
		f.Organization, f.Location = at.Organization, at.ID
	}
	if a.Kind == access.Anonymous {
		return f, errs.SignIn("Sign in to do this.")
	}
	if !a.IsStaff() {
		return f, errs.Denied("Only an organisation's staff sees what its visits lack.")
	}
	return f, nil
}
