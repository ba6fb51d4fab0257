package conflict

import (
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
)

// Fixed decides alike for everybody: Switches where there are no flags.
type Fixed struct {
	Mode     Mode
	Overrule bool // the staff may book over soft rules
}

// Detection implements Switches.
func (f Fixed) Detection(availability.SlotID, uuid.UUID, access.Actor) access.Feature {
	return access.Feature{Key: DetectionKey, Enabled: f.Mode != Off, Variant: string(f.Mode), Reason: access.FeatureEverybody}
}

// Overrides implements Switches.
func (f Fixed) Overrides(uuid.UUID, access.Actor) access.Feature {
	return access.Feature{Key: OverridesKey, Enabled: f.Overrule, Reason: access.FeatureEverybody}
}
