package breakglass

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// shaky reads one grant and answers each change alike.
type shaky struct {
	Store
	grant Grant
	err   error
}

func (s shaky) Grants(context.Context, []clinic.Ref) (map[clinic.Ref]Grant, error) {
	return map[clinic.Ref]Grant{{Organization: s.grant.OrganizationID, ID: s.grant.ID}: s.grant}, nil
}

func (s shaky) ChangeGrant(context.Context, clinic.Stamp, string, Grant, Grant) (bool, error) {
	return true, s.err
}

// A change that is kept has a row of its own; one that fails has none, so that the grant was read for it has to be recorded.
func TestAChangeThatFailsHidesNoReading(t *testing.T) {
	g := grant()
	g.OrganizationID, g.ID, g.PatientID = uuid.UUID{15: 7}, uuid.UUID{15: 8}, uuid.UUID{15: 9}
	for err, want := range map[error]int{nil: 0, errs.TryAgain(nil): 1} {
		a := access.Actor{
			ID: auditor.ID, Kind: access.Staff, Role: access.Auditor, Organization: g.OrganizationID, Scopes: access.ScopesOf(access.Auditor),
			Trail: &access.Trail{},
		}
		s := NewService(shaky{grant: g, err: err}, clinic.Source{Clock: clock.FrozenAt(noon), NewID: uuid.New})
		if _, got := s.End(t.Context(), a, End{Grant: clinic.Ref{Organization: g.OrganizationID, ID: g.ID}}); errs.Of(got) != errs.Of(err) {
			t.Errorf("%v, want %v", got, err)
		}
		if seen, _ := a.Trail.Sights(); len(seen) != want {
			t.Errorf("after %v, %v is to be recorded", err, seen)
		}
	}
}
