package conflict

import (
	"time"

	"github.com/mediconnect/mediconnect/internal/availability"
)

// Comparison is what the basic and the full detection said of one case. Failed: the full one said nothing.
type Comparison struct {
	Case
	Mode        Mode
	Basic, Full []availability.Rule
	Took        time.Duration // of the full one
	Failed      error
}

// Agrees says whether both let the visit be, or both keep it out.
func (c Comparison) Agrees() bool { return (len(c.Basic) == 0) == (len(c.Full) == 0) }
