package identity

import (
	"context"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Signer makes access tokens. It fails with errs.Busy while it has no key.
type Signer interface {
	// Sign makes a token for an actor that is good for at most so long, and says until when.
	Sign(ctx context.Context, a access.Actor, life time.Duration) (token string, expires time.Time, err error)
}

const (
	accessLife   = 10 * time.Minute // of an access token
	mostSessions = 100              // open ones of an account
)

// SessionEnded says that a refresh token brings nothing: it is unknown, expired, revoked, used before or none at all. Which of these is
// told to nobody.
type SessionEnded struct{}

func (SessionEnded) Error() string { return "The session is over. Sign in again." }

// Sessions is the service for who stays signed in. Time is the machine's, as tokens expire by it.
type Sessions struct {
	clinic.Source
	Store  SessionStore
	Guard  *Guard
	Signer Signer
	Random io.Reader
	Limits Limits

	records *records
	uses    *uses
}

var _ Opener = (*Sessions)(nil)

// NewSessions makes the service. What it reads of sessions goes through the cache.
func NewSessions(s Sessions, cache Cache) *Sessions {
	s.records, s.uses = newRecords(s.Store, cache, s.Clock), newUses()
	return &s
}

// Open is documented at Opener.
func (s *Sessions) Open(ctx context.Context, start Start) (Tokens, error) {
	a, now := start.Account, s.Clock.Now()
	session := Session{
		OrganizationID: a.OrganizationID, ID: s.NewID(), AccountID: a.ID, Role: a.Role, ProviderID: a.ProviderID, Client: start.Client,
		CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(s.Limits.Of(a.Role).Absolute), RotatedAt: now,
	}
	if kind, ok := access.KindOf(a.Role); !ok || kind == access.APIClient {
		return Tokens{}, errs.Denied("Nobody signs in as a system.")
	}
	text, digest, err := newRefresh(session.Ref(), s.Random)
	if err != nil {
		return Tokens{}, err
	}
	if err := s.Store.OpenSession(ctx, session, digest, mostSessions); err != nil {
		return Tokens{}, err
	}
	return s.tokens(ctx, session, text)
}

// tokens are what a session's holder gets.
func (s *Sessions) tokens(ctx context.Context, of Session, refresh access.Private) (Tokens, error) {
	raw, expires, err := s.Signer.Sign(ctx, of.actor(), min(accessLife, of.ExpiresAt.Sub(s.Clock.Now())))
	return Tokens{
		OrganizationID: of.OrganizationID, SessionID: of.ID, Access: access.Private(raw), AccessExpires: expires, Refresh: refresh, SessionExpires: of.ExpiresAt,
	}, err
}

// Refresh gives a fresh pair of tokens for a refresh token, whoever presents it: request is the id of theirs. It fails with SessionEnded,
// the same whatever is wrong. A token that was used before ends its session, and so does refreshing without an end; that is returned once no process accepts it any more.
func (s *Sessions) Refresh(ctx context.Context, presented access.Private, request string) (Tokens, error) {
	of, digest, ok := readRefresh(presented.Reveal())
	if !ok {
		return Tokens{}, SessionEnded{}
	}
	text, next, err := newRefresh(of, s.Random)
	if err != nil {
		return Tokens{}, err
	}
	by := s.Stamp(access.Actor{RequestID: request})
	session, verdict, err := s.Store.RefreshSession(ctx, Rotation{Session: of, Presented: digest, Next: next, Limits: s.Limits, By: by})
	if err != nil {
		return Tokens{}, err
	}
	switch verdict {
	case Rotates, Retries:
		return s.tokens(ctx, session, text)
	case Crowded:
		return Tokens{}, errs.TryAgain(nil)
	case Reused, Exhausted:
		if err := s.Guard.Settle(ctx, of.ID); err != nil {
			return Tokens{}, err
		}
	}
	return Tokens{}, SessionEnded{}
}

// Stands says whether what a caller came with still holds, and notes that it was used. It fails with errs.Unauthenticated, and with
// errs.Busy when that can't be found out.
func (s *Sessions) Stands(ctx context.Context, a access.Actor) error {
	no := errs.SignIn("The token is not valid.")
	revoked, err := s.Guard.Revoked(ctx, a.Credential)
	switch {
	case err != nil:
		return err
	case revoked:
		return no
	case a.Kind == access.APIClient:
		return nil
	}
	of := clinic.Ref{Organization: a.Organization, ID: a.Credential}
	session, err := s.standing(ctx, of)
	switch {
	case errs.Of(err) == errs.NotFound, err == nil && session.AccountID != a.ID:
		return no
	case err != nil: // whatever it is, it says nothing about the token
		return errs.TryAgain(err)
	case !session.Open(s.Clock.Now(), s.Limits):
		return no
	}
	s.uses.note(of, session.LastUsedAt, s.Clock.Now())
	return nil
}

// standing is a session with its last use. That it is over is not believed of what was read some time ago.
func (s *Sessions) standing(ctx context.Context, of clinic.Ref) (Session, error) {
	session, err := s.records.find(ctx, of)
	if session.LastUsedAt = s.uses.last(of, session.LastUsedAt); err == nil && !session.Open(s.Clock.Now(), s.Limits) {
		session, err = s.records.anew(ctx, of)
		session.LastUsedAt = s.uses.last(of, session.LastUsedAt)
	}
	return session, err
}

// Watch has a function called once when a session, a client or a key is revoked, at once if it was.
func (s *Sessions) Watch(credential uuid.UUID, then func()) (forget func()) {
	return s.Guard.Watch(credential, then)
}

// FlushUses keeps what this process knows of when sessions were used, for others to see. It is called every FlushUses.
func (s *Sessions) FlushUses(ctx context.Context) error { return s.uses.flush(ctx, s.Store.NoteUses) }
