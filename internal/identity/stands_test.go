package identity_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
)

// broken is a store that fails in a way that nobody has a word for.
type broken struct{ identity.SessionStore }

func (broken) FindSession(context.Context, clinic.Ref) (identity.Session, bool, error) {
	return identity.Session{}, false, errors.New("the disk is full")
}

func TestNoFailureOfTheStoreIsTakenForATokenThatIsntValid(t *testing.T) {
	g := newGuard(&truth{})
	s := identity.NewSessions(identity.Sessions{Source: clinic.Source{Clock: g.wall, NewID: uuid.New}, Store: broken{}, Guard: g.Guard}, identity.NoCache{})
	err := s.Stands(t.Context(), access.Actor{Kind: access.Patient, ID: uuid.UUID{15: 1}, Organization: uuid.UUID{15: 2}, Credential: session})
	if errs.Of(err) != errs.Busy {
		t.Errorf("the session can't be read: %v", err)
	}
}

// earlier is a cache that has sessions as they once were, whatever came of them.
type earlier struct{ session identity.Session }

func (e earlier) Get(context.Context, string, func(context.Context) (identity.Session, error)) (identity.Session, error) {
	return e.session, nil
}

func (earlier) Delete(context.Context, string) {}

// kept is a store of one session.
type kept struct {
	identity.SessionStore
	session identity.Session
}

func (k kept) FindSession(_ context.Context, of clinic.Ref) (identity.Session, bool, error) {
	return k.session, k.session.Ref() == of, nil
}

// Of what is read of a session, the cache may have an older copy: it lets nobody in who was signed out since, and nobody for somebody else.
func TestWhatACacheHasOfASessionLetsNobodyInWhoWasSignedOut(t *testing.T) {
	g := newGuard(&truth{})
	open := identity.Session{
		OrganizationID: uuid.UUID{15: 2}, ID: session, AccountID: uuid.UUID{15: 1}, Role: access.PatientRole,
		LastUsedAt: g.wall.Now(), ExpiresAt: g.wall.Now().Add(time.Hour),
	}
	stands := func(cached, stored identity.Session) error {
		s := identity.NewSessions(identity.Sessions{
			Source: clinic.Source{Clock: g.wall, NewID: uuid.New}, Store: kept{session: stored}, Guard: g.Guard, Limits: identity.UsualLimits(),
		}, earlier{cached})
		return s.Stands(t.Context(), access.Actor{Kind: access.Patient, ID: open.AccountID, Organization: open.OrganizationID, Credential: session})
	}
	g.poll(t)
	if err := stands(open, open); err != nil {
		t.Errorf("one that is open: %v", err)
	}
	another, ended := open, open
	another.ID, ended.EndedAt = uuid.UUID{15: 9}, g.wall.Now()
	if err := stands(another, ended); errs.Of(err) != errs.Unauthenticated {
		t.Errorf("another's that is open: %v", err)
	}
	if err := stands(ended, open); err != nil {
		t.Errorf("one that was over only as the cache has it: %v", err)
	}
	_ = g.store.Revoke(t.Context(), []uuid.UUID{session})
	g.poll(t)
	if err := stands(open, open); errs.Of(err) != errs.Unauthenticated {
		t.Errorf("revoked since it was kept: %v", err)
	}
}
