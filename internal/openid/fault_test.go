package openid

import (
	"context"
	"errors"
	"testing"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
)

// Who is told to try again is told of by no log.
func TestAFaultOfTheProgramIsntTakenForAProviderThatIsAway(t *testing.T) {
	p := New([]Client{{OpenIDProvider: identity.OpenIDProvider{Name: "corp"}, Issuer: "https://corp.example"}}, clock.System{}).known[name{name: "corp"}]
	if _, err := called(t.Context(), p, func(context.Context) (string, error) { panic("planned") }); err == nil || errs.Of(err) != errs.Internal {
		t.Errorf("a fault: %v", err)
	}
	if _, err := called(t.Context(), p, func(context.Context) (string, error) { return "", errors.New("away") }); errs.Of(err) != errs.Busy {
		t.Errorf("away: %v", err)
	}
}
