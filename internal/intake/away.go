package intake

import (
	"context"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// away closes a member's hours at a site for the periods that end on the first day or later, unless they are closed already.
func (e *entry) away(ctx context.Context, by clinic.Ref, p post, first civil.Date) error {
	for _, c := range p.closed {
		if !c.to.After(civil.DateTime{Date: first}) {
			continue
		}
		known, err := e.closed(ctx, by, p.site, c)
		if err == nil && !known {
			err = e.close(ctx, by, p.site, c)
		}
		if reason, refused := refusedBy(err); refused {
			e.tell(func() { e.refuse(c.at, "not available: "+reason) })
			continue
		}
		if err != nil {
			return err
		}
		e.tell(func() { e.report.Closures.add(!known) })
	}
	return nil
}

func (e *entry) close(ctx context.Context, by clinic.Ref, s *site, c closure) error {
	what := s.ref.ID.String() + c.from.String() + c.to.String()
	if c.reason != nil {
		what += *c.reason
	}
	return patiently(ctx, func() error {
		_, err := e.into.AddException(ctx, e.actor, provider.AddException{
			Provider: &by, Location: &s.ref, From: c.from, To: c.to, Effect: provider.Closed, Reason: c.reason,
			Key: uuid.NewSHA1(by.ID, []byte(what)).String(),
		})
		return err
	})
}

// closed says whether there is such a period already.
func (e *entry) closed(ctx context.Context, by clinic.Ref, s *site, c closure) (found bool, err error) {
	wanted := provider.Exception{ProviderID: by.ID, LocationID: s.ref.ID, From: c.from, To: c.to, Effect: provider.Closed, Capacity: 1}
	from, to := clock.Instant(c.from, s.zone), clock.Instant(c.to, s.zone).Add(time.Minute)
	err = everything(ctx,
		func(w paging.Window) (paging.Page[provider.Exception], error) {
			return e.into.ListExceptions(ctx, e.actor, by, from, to, w)
		},
		func(x provider.Exception) []string {
			found = found || x.Same(wanted)
			return []string{x.From.String(), x.ID.String()}
		})
	return found, err
}
