package appointment

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// KeyParts is how many values the key of an appointment in a list has: the order's time, then the id.
const KeyParts = 2

// Key is the key of an appointment in a list of an order.
func Key(ap Appointment, o Order) []string {
	at := ap.Start
	switch {
	case o == UpdatedDescending:
		at = ap.UpdatedAt
	case o == ApprovalDue && ap.ApprovalDueAt != nil:
		at = *ap.ApprovalDueAt
	}
	return []string{strconv.FormatInt(at.UnixMicro(), 10), ap.ID.String()}
}

// List pages the appointments that the caller may see, with the log position of what was read.
func (s *Service) List(ctx context.Context, a access.Actor, f Filter, o Order, w paging.Window) (paging.Page[Appointment], string, error) {
	asked := f.Patient
	f, err := allowed(ctx, a, f)
	if err == nil {
		err = o.suits(f)
	}
	if err != nil {
		return paging.Page[Appointment]{}, "", err
	}
	cursor, err := s.store.StreamCursor(ctx, s.Clock.Now())
	if err != nil {
		return paging.Page[Appointment]{}, "", err
	}
	page, err := s.store.List(ctx, f, o, w)
	if errs.Of(err) == errs.NotFound {
		err = errs.Under(err, "where")
	}
	if err == nil {
		page.Items, err = shown(ctx, a, page.Items)
	}
	if err == nil && len(page.Items) == 0 {
		err = sawWhoVisits(ctx, a, f.Organization, asked)
	}
	return page, cursor, err
}

// Count counts the appointments of a list, up to paging.MaxCount.
func (s *Service) Count(ctx context.Context, a access.Actor, f Filter) (int, error) {
	asked := f.Patient
	f, err := allowed(ctx, a, f)
	if err != nil {
		return 0, err
	}
	if err := sawWhoVisits(ctx, a, f.Organization, asked); err != nil {
		return 0, err
	}
	return s.store.Count(ctx, f)
}

// allowed narrows a filter to what the caller may see, and checks it.
func allowed(ctx context.Context, a access.Actor, f Filter) (Filter, error) {
	f, err := narrowed(ctx, a, f)
	if err != nil {
		return f, err
	}
	return f.checked()
}

// suits fails for an order that some of what a filter leaves has no place in.
func (o Order) suits(f Filter) error {
	if o == ApprovalDue && !f.Awaits() {
		return errs.Invalid("Only what is pending is ordered by when it lapses: ask for the status PENDING alone.", "orderBy")
	}
	return nil
}

// Awaits says whether a filter leaves only what waits for approval.
func (f Filter) Awaits() bool { return len(f.Statuses) == 1 && f.Statuses[0] == Pending }

func (f Filter) checked() (Filter, error) {
	var check form.Check
	check.That(f.From.IsZero() || f.To.IsZero() || f.From.Before(f.To), "The period ends before it starts.", "where", "to")
	if f.Identifier != nil {
		f.Identifier = &clinic.Identifier{
			System: check.System(f.Identifier.System, "where", "identifier", "system"),
			Value:  check.Line(f.Identifier.Value, form.MaxValue, "where", "identifier", "value"),
		}
	}
	return f, check.Err()
}

// unknown says which of a filter's fields names something that doesn't exist for the caller: the first that took it to
// another organisation.
func (f Filter) unknown() error {
	switch {
	case f.Patient != uuid.Nil:
		return errs.Missing("patient", "where", "patientId")
	case f.Provider != uuid.Nil:
		return errs.Missing("provider", "where", "providerId")
	case f.Location != uuid.Nil:
		return errs.Missing("location", "where", "locationId")
	}
	return errs.Missing("organisation", "where")
}

// StreamCursor is a place in the event log from which whatever is read afterwards misses nothing.
func (s *Service) StreamCursor(ctx context.Context) (string, error) {
	return s.store.StreamCursor(ctx, s.Clock.Now())
}
