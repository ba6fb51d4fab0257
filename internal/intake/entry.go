package intake

import (
	"context"
	"slices"
	"sync"

	"cloud.google.com/go/civil"
	"golang.org/x/sync/errgroup"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// atOnce is how many sites or providers are entered at the same time.
const atOnce = 4

// entry is a roster on its way into the directory.
type entry struct {
	*clerk
	*reading
	roster
	now        clock.Clock
	from       civil.Date // the first day of hours; zero: today, at each site
	report     *RosterReport
	lock       sync.Mutex        // over report and reading
	turnedAway map[string]string // keys of services that the clinic room refused, and why
}

// enter sets up kinds of visit, sites and members, in this order and each in short transactions of its own. What the rooms find
// wrong is refused like a broken line.
func (e *entry) enter(ctx context.Context) error {
	if err := e.lookUp(ctx); err != nil {
		return err
	}
	e.leaveOut()
	if err := e.kinds(ctx); err != nil {
		return err
	}
	defer e.report.inOrder(len(e.report.Refused))
	err := e.each(ctx, "setting up locations", len(e.sites), func(ctx context.Context, i int) error { return e.site(ctx, e.sites[i]) })
	if err != nil {
		return err
	}
	return e.each(ctx, "setting up providers", len(e.members), func(ctx context.Context, i int) error { return e.member(ctx, e.members[i]) })
}

// leaveOut passes over what is over and was never set up.
func (e *entry) leaveOut() {
	for _, s := range e.shut {
		if there, known := e.known.locations[s.put.Identifier]; known {
			s.ref = ref(there.OrganizationID, there.ID)
		}
	}
	e.members = slices.DeleteFunc(e.members, func(m *member) bool {
		_, known := e.known.providers[m.identifier]
		return m.ended && !known
	})
}

// each does some of the work at a time, and stops at the first failure.
func (e *entry) each(ctx context.Context, step string, n int, do func(context.Context, int) error) error {
	group, some := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	done := 0
	for i := range n {
		if some.Err() != nil {
			break
		}
		group.Go(func() error {
			if err := do(some, i); err != nil {
				return err
			}
			e.tell(func() {
				done++
				e.progress(Progress{Step: step, Done: done, Total: n})
			})
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// tell is for whatever several may do at once that must not meet.
func (e *entry) tell(what func()) {
	e.lock.Lock()
	defer e.lock.Unlock()
	what()
}

func (e *entry) kinds(ctx context.Context) error {
	for _, m := range e.members {
		for _, s := range m.services {
			if err := e.agree(s); err != nil {
				return err
			}
		}
	}
	seen := map[string]bool{}
	for _, m := range e.members {
		for _, s := range m.services {
			if seen[s.key] {
				continue
			}
			seen[s.key] = true
			_, before := e.known.kinds[s.key]
			_, err := e.kind(ctx, s)
			reason, refused := refusedBy(err)
			switch {
			case refused:
				e.turnedAway[s.key] = reason
			case err != nil:
				return err
			default:
				e.report.VisitKinds.add(!before)
			}
		}
	}
	return nil
}

func (e *entry) site(ctx context.Context, s *site) error {
	s.put.Organization = e.organization
	put := e.known.keep(s.put)
	var there clinic.Location
	err := patiently(ctx, func() (err error) {
		there, err = e.into.PutLocation(ctx, e.actor, put)
		return err
	})
	if reason, refused := refusedBy(err); refused {
		e.tell(func() { e.refuse(s.at, s.label+reason) })
		return nil
	}
	if err != nil {
		return err
	}
	s.ref = ref(there.OrganizationID, there.ID)
	old, before := e.known.locations[put.Identifier]
	e.tell(func() { e.report.Locations.add(!before || !old.Same(there)) })
	return nil
}

func (e *entry) member(ctx context.Context, m *member) error {
	old, before := e.known.providers[m.identifier]
	put, err := e.put(m)
	var there provider.Provider
	if err == nil {
		err = patiently(ctx, func() (err error) {
			there, err = e.into.PutProvider(ctx, e.actor, put)
			return err
		})
	}
	if reason, refused := refusedBy(err); refused {
		e.tell(func() { e.refuse(m.at, m.label+reason) })
		return nil
	}
	if err != nil {
		return err
	}
	e.tell(func() { e.report.Providers.add(!before || !old.Same(there)) })
	for _, p := range m.posts {
		err := e.post(ctx, ref(there.OrganizationID, there.ID), p)
		if reason, refused := refusedBy(err); refused {
			e.tell(func() { e.refuse(m.at, m.label+"its hours at "+quoted(p.site.put.Name)+": "+reason) })
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}
