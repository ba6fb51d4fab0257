package identity

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// ReplaceCodes asks for other recovery codes for the caller, with a code of their app.
type ReplaceCodes struct{ Code access.Private }

// ReplaceCodes gives the caller's account other recovery codes; those that it has are good no longer. A recovery code isn't enough: whoever has
// found one would have ten. It fails with SignInRefused and with LockedOut: guesses are tries to sign in.
func (s *Service) ReplaceCodes(ctx context.Context, a access.Actor, in ReplaceCodes) ([]access.Private, error) {
	account, err := s.own(ctx, a)
	switch {
	case err != nil:
		return nil, err
	case account.EnrolledAt.IsZero():
		return nil, errs.Denied("There is no second factor. Set one up first.")
	}
	by := s.source.Stamp(a)
	tried, factor, err := s.store.TryCode(ctx, by, account.Ref())
	switch {
	case err != nil:
		return nil, err
	case !tried.LockedUntil.IsZero():
		return nil, LockedOut{Until: tried.LockedUntil}
	}
	codes, err := newRecoveryCodes(s.random)
	if err != nil {
		return nil, errs.Bug("draw recovery codes", err)
	}
	step, right := factor.Takes(given(in.Code), s.source.Clock.Now())
	if right {
		if right, err = s.store.ReplaceCodes(ctx, by, tried, step, codes); err != nil {
			return nil, err
		}
	}
	if !right {
		return nil, refused(s.store.Refuse(ctx, by, account.Ref()), "code")
	}
	return codes, nil
}
