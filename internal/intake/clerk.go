package intake

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// clerk enters what was read into an organisation's directory, and knows what is there already.
type clerk struct {
	into         Directory
	actor        access.Actor
	organization uuid.UUID
	visit, usual time.Duration // how long visits shall be, zero for any length; and a new kind's when they may be any
	known        known
}

func newClerk(into Directory, actor access.Actor, organization uuid.UUID, visit, usual time.Duration) *clerk {
	if actor.Role == access.PlatformAdmin {
		actor.Organization = organization // so that lists show what is this organisation's alone
	}
	return &clerk{into: into, actor: actor, organization: organization, visit: visit, usual: usual}
}

// patience is how long an import waits for a database that is busy, in all.
var patience = []time.Duration{100 * time.Millisecond, 400 * time.Millisecond, 1600 * time.Millisecond, 6400 * time.Millisecond}

func patiently(ctx context.Context, do func() error) error {
	for _, pause := range patience {
		err := do()
		if errs.Of(err) != errs.Busy {
			return err
		}
		wait := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		case <-wait.C:
		}
	}
	return do()
}

// refusedBy tells bad input from every other failure, and what is bad.
func refusedBy(err error) (reason string, refused bool) {
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || e.Kind != errs.InvalidInput {
		return "", false
	}
	return strings.Join(e.Path, ".") + ": " + plainly(e), true
}

func plainly(e *errs.Error) string { return strings.TrimSuffix(e.Message, ".") }
