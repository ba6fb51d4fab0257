package rig

import (
	"context"
	"fmt"
	"time"
)

// Closed is a closure as the clinic sees it.
type Closed struct {
	ID, State string
	Progress  struct{ Affected, Waiting, Offered, Moved, Cancelled, Kept, Gone, Failed int }
	Items     struct{ TotalCount int }
}

const (
	shownClosure = `{ id state progress { affected waiting offered moved cancelled kept gone failed } items { totalCount } }`
	closePeriod  = `mutation($in: ClosePeriodInput!) { done: closePeriod(input: $in) { closure ` + shownClosure + plain
	pauseClosure = `mutation($in: PauseClosureInput!) { done: pauseClosure(input: $in) { closure ` + shownClosure + plain
	goOnClosure  = `mutation($in: ResumeClosureInput!) { done: resumeClosure(input: $in) { closure ` + shownClosure + plain
	closure      = `query($id: ID!) { node(id: $id) { ... on Closure ` + shownClosure + ` } }`
)

// CloseDay closes the clinic's Day everywhere, and has those affected moved to within so long after their visits, or asked (mode BOOK, or OFFER), or
// cancelled.
func (c *Clinic) CloseDay(ctx context.Context, mode, within, key string) (Closed, error) {
	return c.closing(ctx, closePeriod, object{
		"scope": object{"organizationId": c.Organization}, "from": c.Day.Format(time.DateOnly) + "T00:00", "to": c.Day.AddDate(0, 0, 1).Format(time.DateOnly) + "T00:00",
		"rebook": object{"mode": mode, "within": within}, "idempotencyKey": key,
	})
}

// Pause has a closure begin with no further visit, GoOn has it go on.
func (c *Clinic) Pause(ctx context.Context, id string) (Closed, error) {
	return c.closing(ctx, pauseClosure, object{"closureId": id})
}

// GoOn is documented at Pause.
func (c *Clinic) GoOn(ctx context.Context, id string) (Closed, error) {
	return c.closing(ctx, goOnClosure, object{"closureId": id})
}

func (c *Clinic) closing(ctx context.Context, document string, in object) (Closed, error) {
	var data struct {
		Done struct {
			Closure *Closed
			Errors  failures
		}
	}
	if err := c.Admin.Ask(ctx, document, object{"in": in}, &data); err != nil {
		return Closed{}, err
	}
	if data.Done.Closure == nil {
		return Closed{}, fmt.Errorf("no closure: %w", data.Done.Errors.err())
	}
	return *data.Done.Closure, nil
}

// Closure shows how a closure stands.
func (c *Clinic) Closure(ctx context.Context, id string) (Closed, error) {
	var data struct{ Node Closed }
	err := c.Admin.Ask(ctx, closure, object{"id": id}, &data)
	return data.Node, err
}
