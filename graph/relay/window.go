package relay

import (
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// The sizes of a page.
const (
	MaxPage     = 100
	DefaultPage = 25
)

// keyParts is how many values the keys of each connection have.
var keyParts = map[string]int{
	"AppointmentConnection":       appointment.KeyParts,
	"InsurancePlanConnection":     provider.PlanKeyParts,
	"LocationConnection":          2,
	"PatientConnection":           1,
	"ProviderConnection":          2,
	"ScheduleExceptionConnection": 2,
	"SlotConnection":              availability.SlotKeyParts,
	"VisitKindConnection":         2,
}

// Window checks the arguments of a connection.
func Window(connection string, args paging.Args) (paging.Window, error) {
	return args.Window(MaxPage, DefaultPage, keyParts[connection])
}
