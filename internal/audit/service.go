package audit

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Filter narrows a list of events. Zero fields do not narrow.
type Filter struct {
	Organization uuid.UUID
	Entity       uuid.UUID
	Patient      uuid.UUID
	Action       string
	Effect       Effect
	Outcome      Outcome
	From, To     time.Time
}

// Service answers who did what.
type Service struct{ store Reading }

// NewService puts the service over its store.
func NewService(store Reading) *Service { return &Service{store: store} }

// KeyParts is how many values the key of an event in a list has.
const KeyParts = 1

// KeyOf is the key of an event in a list: its position.
func KeyOf(e Event) []string { return []string{strconv.FormatInt(e.Position, 10)} }

// Events pages the events of the caller's organisation, the newest first. That they were read is recorded, too.
func (s *Service) Events(ctx context.Context, a access.Actor, f Filter, w paging.Window) (paging.Page[Event], error) {
	f, err := allowed(a, f)
	if err != nil {
		return paging.Page[Event]{}, err
	}
	page, err := s.store.List(ctx, f, w)
	if err == nil {
		a.Trail.Saw(f.sight())
	}
	return page, err
}

// Count counts what Events pages, up to paging.MaxCount.
func (s *Service) Count(ctx context.Context, a access.Actor, f Filter) (int, error) {
	f, err := allowed(a, f)
	if err != nil {
		return 0, err
	}
	a.Trail.Saw(f.sight())
	return s.store.Count(ctx, f)
}

func allowed(a access.Actor, f Filter) (Filter, error) {
	organization, err := a.OwnOrganization(f.Organization, "where")
	if err != nil {
		return f, err
	}
	if err := a.Need(access.AuditRead, organization, "organisation", "where"); err != nil {
		return f, err
	}
	f.Organization = organization
	var check form.Check
	check.That(f.From.IsZero() || f.To.IsZero() || f.From.Before(f.To), "The period ends before it starts.", "where", "to")
	if f.Action != "" {
		f.Action = check.Line(f.Action, form.MaxName, "where", "action")
	}
	return f, check.Err()
}

// sight is the reading of the record itself. It is about the record and, where one was asked for, a patient, but not about the
// object: else each look at an object's record would add to it.
func (f Filter) sight() access.Sight {
	return access.Sight{Organization: f.Organization, Kind: TrailKind, ID: f.Organization, Patient: f.Patient}
}

// History pages what happened to something that the caller has been shown: its changes, and for whoever reads the record also
// who looked at it.
func (s *Service) History(ctx context.Context, a access.Actor, of clinic.Ref, w paging.Window) (paging.Page[Event], error) {
	f := historyOf(a, of)
	page, err := s.store.List(ctx, f, w)
	if err == nil && f.Effect == "" {
		a.Trail.Saw(f.sight())
	}
	return page, err
}

// CountHistory counts what History pages, up to paging.MaxCount.
func (s *Service) CountHistory(ctx context.Context, a access.Actor, of clinic.Ref) (int, error) {
	return s.store.Count(ctx, historyOf(a, of))
}

func historyOf(a access.Actor, of clinic.Ref) Filter {
	f := Filter{Organization: of.Organization, Entity: of.ID}
	if !a.In(of.Organization) || !a.Has(access.AuditRead) {
		f.Effect, f.Outcome = Write, Done
	}
	return f
}

// Find answers those of the events that exist, for whoever reads the record of their organisation.
func (s *Service) Find(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]Event, error) {
	wanted := map[uuid.UUID][]uuid.UUID{}
	for _, r := range refs {
		if a.Need(access.AuditRead, r.Organization, "event") == nil {
			wanted[r.Organization] = append(wanted[r.Organization], r.ID)
		}
	}
	found := map[clinic.Ref]Event{}
	for organization, ids := range wanted {
		events, err := s.store.Find(ctx, organization, ids)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			found[e.Ref()] = e
			a.Trail.Saw(Filter{Organization: organization, Patient: e.Patient}.sight())
		}
	}
	return found, nil
}

// Position reads a cursor's key. It fails with errs.InvalidInput at a field.
func Position(key []string, field string) (int64, error) {
	position, err := strconv.ParseInt(key[0], 10, 64)
	if err != nil {
		return 0, errs.Invalid("This is not a cursor of this list.", field)
	}
	return position, nil
}
