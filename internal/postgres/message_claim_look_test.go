package postgres

import (
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Two that ask for a message at once, the last one that a limit allows: one has it, and the other one doesn't end it.
func TestWhoAsksTwiceAtALimitHasAMessageOnce(t *testing.T) {
	of := clinic.Ref{Organization: uuid.New(), ID: uuid.New()}
	row := messageRow{OrganizationID: of.Organization, ID: of.ID}
	got := answered([]reminder.Claim{{Message: of}, {Message: of}}, []claimedRow{{messageRow: row}, {messageRow: row, Excess: true}})
	if !got[0].ok || got[0].excess || got[1].ok || got[1].excess {
		t.Fatalf("%+v", got)
	}
}
