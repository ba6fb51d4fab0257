package identity

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Rotation is a refresh token that is presented, and the one that is made if it is good.
type Rotation struct {
	Session   clinic.Ref
	Presented RefreshDigest
	Next      RefreshDigest
	Limits    Limits
	By        clinic.Stamp // of the audit row, if the token was used before; its actor is the session's
}

// Ending says which sessions end.
type Ending struct {
	By      clinic.Stamp
	Action  string    // of the audit row; empty: somebody else writes one
	Account uuid.UUID // whose they are
	Session uuid.UUID // this one; zero: all
	But     uuid.UUID // but this one; zero: none
}

// Use is when a session was used last.
type Use struct {
	Session clinic.Ref
	At      time.Time
}

// SessionStore keeps sessions. Any method may fail with errs.Busy.
type SessionStore interface {
	// OpenSession keeps a session and its first refresh token. Of an account's open sessions no more than so many stay: those end that were
	// used the longest ago.
	OpenSession(ctx context.Context, s Session, first RefreshDigest, most int) error
	// RefreshSession judges a token and does what follows, as one change: of those who come with the same at once one comes first. A session
	// that ends by it is revoked, and recorded.
	RefreshSession(ctx context.Context, r Rotation) (Session, Verdict, error)
	// FindSession answers a session, whether it is open or not.
	FindSession(ctx context.Context, of clinic.Ref) (s Session, found bool, err error)
	// FindRefreshed answers the session that a refresh token is of.
	FindRefreshed(ctx context.Context, of clinic.Ref, digest RefreshDigest) (s Session, found bool, err error)
	// ListSessions answers an account's sessions that haven't ended or expired, the newest first, and at most so many.
	ListSessions(ctx context.Context, organization, account uuid.UUID, now time.Time, most int) ([]Session, error)
	// EndSessions ends sessions, revokes them and records it, and answers their ids: with those that ended a short time before, whose
	// revocation is told anew, since whoever asked for it may not have heard that it was done.
	EndSessions(ctx context.Context, organization uuid.UUID, e Ending) ([]uuid.UUID, error)
	// NoteUses keeps when sessions were used last. What is known to be later stays.
	NoteUses(ctx context.Context, uses []Use) error
}
