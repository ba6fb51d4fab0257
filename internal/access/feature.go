package access

// Feature is a flag as it was decided for somebody. Callers see it in viewer.features, and it stays with the audit rows of
// what was done under it, as JSON.
type Feature struct {
	Key     string `json:"key"`
	Enabled bool   `json:"enabled"`
	Variant string `json:"variant,omitempty"` // of a flag with more ways than on and off; empty: it has none
	Reason  Reason `json:"reason"`
}

// Reason is why a flag was decided as it was.
type Reason string

// The reasons, from the strongest to the weakest.
const (
	FeatureOverride  Reason = "OVERRIDE"  // a tester asked for it, signed
	FeatureTargeting Reason = "TARGETING" // a rule about who the subject is
	FeatureRollout   Reason = "ROLLOUT"   // the subject's place within a percentage
	FeatureEverybody Reason = "EVERYBODY" // it is decided alike for all subjects
	FeatureDefault   Reason = "DEFAULT"   // nobody has decided it, or it couldn't be told: the safe default
)
