package identity

import (
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Session is an account that stays signed in with one app.
type Session struct {
	OrganizationID uuid.UUID // zero: of the platform's administrators
	ID             uuid.UUID
	AccountID      uuid.UUID
	Role           access.Role
	ProviderID     uuid.UUID // zero: none
	Client         string    // the app
	CreatedAt      time.Time
	LastUsedAt     time.Time // about: it is noted once a minute
	ExpiresAt      time.Time // nothing keeps it for longer
	Generation     int       // of the refresh tokens that are good now
	RotatedAt      time.Time // when the first of them was made
	EndedAt        time.Time // zero: it hasn't been ended
}

// Ref names the session.
func (s Session) Ref() clinic.Ref { return clinic.Ref{Organization: s.OrganizationID, ID: s.ID} }

// Lives bound how long a session lasts.
type Lives struct {
	Idle     time.Duration // without a request
	Absolute time.Duration // whatever happens
}

// Limits are the lives of sessions, by who has them.
type Limits struct{ Staff, Patients Lives }

// UsualLimits are those of a server that isn't told otherwise.
func UsualLimits() Limits {
	return Limits{
		Staff:    Lives{Idle: 15 * time.Minute, Absolute: 12 * time.Hour},
		Patients: Lives{Idle: 30 * 24 * time.Hour, Absolute: 90 * 24 * time.Hour},
	}
}

// Of are the lives of a role's sessions. Whoever isn't a patient, or acts for one, works with other people's data.
func (l Limits) Of(r access.Role) Lives {
	if r == access.PatientRole || r == access.Caregiver {
		return l.Patients
	}
	return l.Staff
}

// The times by which the last use of a session is known.
const (
	noteEvery = time.Minute      // it is noted no more often than this
	FlushUses = 5 * time.Second  // and kept for others to see within this
	idleGrace = 75 * time.Second // so a use may have been so much later than it looks
)

// Open says whether a session may be used at an instant. In doubt about a moment, it was used a moment later.
func (s Session) Open(now time.Time, l Limits) bool {
	return s.EndedAt.IsZero() && now.Before(s.ExpiresAt) && now.Sub(s.LastUsedAt) < l.Of(s.Role).Idle+idleGrace
}

// actor is whom a session's tokens speak for.
func (s Session) actor() access.Actor {
	kind, _ := access.KindOf(s.Role)
	return access.Actor{
		Kind: kind, ID: s.AccountID, Client: s.Client, Credential: s.ID, Organization: s.OrganizationID, Role: s.Role,
		Scopes: access.ScopesOf(s.Role), ProviderID: s.ProviderID,
	}
}

// Refresh is what is kept of a refresh token.
type Refresh struct {
	Generation int
	UsedAt     time.Time // zero: never
	Siblings   int       // how many there are of the session's generation now
	Remembered int       // how many there are of the session, used ones and void ones too; 0: that isn't counted with each
}

// Verdict is what comes of a refresh token that is presented.
type Verdict int

// The verdicts.
const (
	Fails     Verdict = iota // there is no such token, or the session is over
	Rotates                  // a token of the next generation takes its place, and that of its siblings
	Retries                  // its answer was lost: one more of the present generation is made
	Reused                   // somebody has used it before, or one in its place: the session ends
	Crowded                  // too many have been made at once
	Exhausted                // there are more than are remembered of one session: it ends
)

const (
	retryFor     = time.Minute // after the rotation, for an answer that was lost
	mostSiblings = 100
	// An app that refreshes every ten minutes, with ten tabs at once, has fewer for as long as used tokens are remembered. Beyond that the
	// session ends, and none is forgotten: else a thief would refresh until the stolen token tells nothing any more.
	mostRemembered = 50_000
)

// Judge says what comes of a token. Each may be used once. One whose answer was lost, or that several parts of an app send at once, may be
// sent again for a moment, as long as nothing that it brought has been used: each time it brings another token, and the first of those that
// is used ends the others. So whoever has stolen a token, or was stolen from, shows sooner or later.
func (s Session) Judge(r *Refresh, now time.Time, l Limits) Verdict {
	switch {
	case r == nil || !s.Open(now, l):
		return Fails
	case r.Generation == s.Generation && r.Remembered > mostRemembered:
		return Exhausted
	case r.Generation == s.Generation:
		return Rotates
	case r.Generation != s.Generation-1 || r.UsedAt.IsZero() || now.Sub(s.RotatedAt) > retryFor:
		return Reused
	case r.Siblings >= mostSiblings:
		return Crowded
	}
	return Retries
}
