package retention

import (
	"context"
	"errors"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Expire erases patients whose last appointment ended years ago, and answers how many. It looks through limit patients at a time. Who
// is kept is passed over until the next time; so is who can't be erased now, and the error tells of that. Of zero years it erases
// nobody.
func (s *Service) Expire(ctx context.Context, years, limit int) (int, error) {
	if years == 0 {
		return 0, nil
	}
	ended := s.source.Clock.Now().AddDate(-years, 0, 0)
	return throughout(ctx, func(after clinic.Ref) ([]clinic.Ref, clinic.Ref, error) {
		return s.store.Overdue(ctx, ended, after, limit)
	}, func(p clinic.Ref) (bool, error) {
		_, err := s.erase(ctx, janitor(), Erase{Patient: p, Reason: RetentionOver})
		if _, kept := errors.AsType[Kept](err); kept || errs.Of(err) == errs.NotFound {
			return false, nil
		}
		return err == nil, err
	})
}

// Finish destroys the keys that a crash has left of erased patients, or that an older copy of the keys has brought back, and answers
// how many. It looks through limit of them at a time.
func (s *Service) Finish(ctx context.Context, limit int) (int, error) {
	return throughout(ctx, func(after clinic.Ref) ([]clinic.Ref, clinic.Ref, error) {
		return s.store.Unshredded(ctx, after, limit)
	}, func(p clinic.Ref) (bool, error) {
		err := s.store.Shred(ctx, p)
		return err == nil, err
	})
}

// throughout does something with all that is found page by page, and counts for whom it was done. A failure of one holds no other up.
func throughout(
	ctx context.Context, find func(after clinic.Ref) (found []clinic.Ref, last clinic.Ref, err error), do func(clinic.Ref) (bool, error),
) (n int, failed error) {
	for after := (clinic.Ref{}); ; {
		found, last, err := find(after)
		if err != nil {
			return n, errors.Join(failed, err)
		}
		for _, p := range found {
			if err := ctx.Err(); err != nil {
				return n, errors.Join(failed, err)
			}
			done, err := do(p)
			if done {
				n++
			}
			failed = errors.Join(failed, err)
		}
		if last == (clinic.Ref{}) {
			return n, failed
		}
		after = last
	}
}

// janitor is who erases when time is over.
func janitor() access.Actor {
	return access.Actor{Kind: access.System, Client: "retention", RequestID: "retention"}
}
