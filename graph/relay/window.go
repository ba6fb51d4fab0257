package relay

import (
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/audit"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/breakglass"
	"github.com/mediconnect/mediconnect/internal/closure"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/partner"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// The sizes of a page.
const (
	MaxPage     = 100
	DefaultPage = 25
)

// keyParts is how many values the keys of each connection have.
var keyParts = map[string]int{
	"ApiClientConnection":         partner.KeyParts,
	"ApiKeyConnection":            partner.KeyParts,
	"AppointmentConnection":       appointment.KeyParts,
	"AuditEventConnection":        audit.KeyParts,
	"AvailabilityMatchConnection": availability.MatchKeyParts,
	"AccountConnection":           identity.KeyParts,
	"BreakGlassGrantConnection":   breakglass.KeyParts,
	"DeadLetterConnection":        reminder.KeyParts,
	"ClosureConnection":           closure.KeyParts,
	"ClosureItemConnection":       closure.KeyParts,
	"WaitlistEntryConnection":     waitlist.KeyParts,
	"WaitlistOfferConnection":     waitlist.KeyParts,
	"InsurancePlanConnection":     provider.PlanKeyParts,
	"LocationConnection":          2,
	"PatientConnection":           1,
	"ProviderConnection":          2,
	"ReminderConnection":          reminder.KeyParts,
	"ResourceConnection":          2,
	"ScheduleExceptionConnection": 2,
	"SlotConnection":              availability.SlotKeyParts,
	"VisitKindConnection":         2,
}

// maxPage is the largest page of connections whose items are much work.
var maxPage = map[string]int{"AvailabilityMatchConnection": 50}

// Window checks the arguments of a connection.
func Window(connection string, args paging.Args) (paging.Window, error) {
	most, special := maxPage[connection]
	if !special {
		most = MaxPage
	}
	return args.Window(most, DefaultPage, keyParts[connection])
}
