package identity

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// AnswerChallenge gives a code for a challenge.
type AnswerChallenge struct{ Challenge, Code access.Private }

// Answer lets somebody in who gives the right code. It fails with SignInRefused, with LockedOut, and with errs.NotFound when the challenge
// is over.
func (s *Service) Answer(ctx context.Context, a access.Actor, in AnswerChallenge) (SignedIn, error) {
	ticket, ok := readTicket(in.Challenge)
	if !ok {
		return SignedIn{}, errGone
	}
	by := s.source.Stamp(a)
	owed, err := s.store.Owed(ctx, by, ticket)
	switch {
	case err != nil:
		return SignedIn{}, err
	case !owed.LockedUntil.IsZero():
		return SignedIn{}, LockedOut{Until: owed.LockedUntil}
	}
	by.Actor = owed.Account.Actor(by.Actor)
	by.Actor.Client = owed.Client
	answer, right := s.judge(owed, in.Code)
	if right && owed.Kind == Enroll {
		if answer.Codes, err = newRecoveryCodes(s.random); err != nil {
			return SignedIn{}, errs.Bug("draw recovery codes", err)
		}
	}
	account := owed.Account
	if right {
		if account, right, err = s.store.Answer(ctx, by, answer); err != nil {
			return SignedIn{}, err
		}
	}
	if !right {
		by.Actor = a
		by.Actor.Client = owed.Client
		return SignedIn{}, refused(s.store.Refuse(ctx, by, account.Ref()), "code")
	}
	done, err := s.open(ctx, account, owed.Client)
	done.RecoveryCodes = answer.Codes
	return done, err
}

// judge says what a code comes to. Whether a recovery code is one the store knows.
func (s *Service) judge(owed Owed, code access.Private) (Answer, bool) {
	text := given(code)
	if isTotp(text) {
		of, ok := owed.Factor.Takes(text, s.source.Clock.Now())
		return Answer{Owed: owed, Step: of}, ok
	}
	return Answer{Owed: owed, Recovery: code}, owed.Kind == Totp && text != ""
}
