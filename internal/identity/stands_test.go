package identity_test

import (
	"context"
	"errors"
	"testing"

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
