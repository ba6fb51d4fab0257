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
