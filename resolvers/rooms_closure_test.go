package resolvers_test

import (
	"context"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/closure"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// closureRoom answers a canned closure with one item.
type closureRoom struct{ *rooms }

func (r *rooms) closing() closure.Closure {
	day := civil.DateOf(start)
	return closure.Closure{
		ID: id(0x33), Scope: closure.Scope{Organization: r.organization.ID, Provider: r.provider.ID}, State: closure.Running,
		From: civil.DateTime{Date: day}, To: civil.DateTime{Date: day.AddDays(1)}, CreatedAt: start, Progress: closure.Progress{Affected: 1, Moved: 1},
		Rebook: closure.Rebook{Mode: closure.Book, Within: time.Hour, Otherwise: closure.CancelIt},
	}
}

func (r *rooms) displaced() closure.Item {
	later := start.Add(time.Hour)
	return closure.Item{
		ID: id(0x34), OrganizationID: r.organization.ID, ClosureID: r.closing().ID, AppointmentID: r.visit.ID, ProviderID: r.provider.ID, LocationID: r.location.ID,
		Start: start, End: later, Outcome: closure.Moved, NewProviderID: r.provider.ID, NewStart: &later, SettledAt: &later,
	}
}

func (r closureRoom) Preview(_ context.Context, _ access.Actor, in closure.Preview) (appointment.Filter, error) {
	r.note("Preview", in)
	return appointment.Filter{Organization: r.organization.ID}, r.fail
}

func (r closureRoom) Close(_ context.Context, _ access.Actor, in closure.Close) (closure.Closure, error) {
	r.note("Close", in)
	return r.closing(), r.fail
}

func (r closureRoom) Pause(_ context.Context, _ access.Actor, of clinic.Ref) (closure.Closure, error) {
	r.note("Pause", of)
	return r.closing(), r.fail
}

func (r closureRoom) Resume(_ context.Context, _ access.Actor, of clinic.Ref) (closure.Closure, error) {
	r.note("Resume", of)
	return r.closing(), r.fail
}

func (r closureRoom) List(_ context.Context, _ access.Actor, f closure.Filter, _ paging.Window) (paging.Page[closure.Closure], error) {
	r.note("ListClosures", f)
	return pageOf(r.closing()), r.fail
}

func (r closureRoom) Count(context.Context, access.Actor, closure.Filter) (int, error) {
	r.note("CountClosures", nil)
	return 1, r.fail
}

func (r closureRoom) ListItems(_ context.Context, c closure.Closure, outcomes []closure.Outcome, _ paging.Window) (paging.Page[closure.Item], error) {
	r.note("ListItems", outcomes)
	return pageOf(r.displaced()), r.fail
}

func (r closureRoom) CountItems(context.Context, closure.Closure, []closure.Outcome) (int, error) {
	r.note("CountItems", nil)
	return 1, r.fail
}

func (r closureRoom) Closures(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref]closure.Closure, error) {
	r.note("Closures", refs)
	return only(refs, r.closing().Ref(), r.closing()), nil
}

func (r closureRoom) Items(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref]closure.Item, error) {
	r.note("Items", refs)
	return only(refs, r.displaced().Ref(), r.displaced()), nil
}

func (a *api) closureID() string { return a.globalID(globalid.Closure, a.rooms.closing().ID) }
