package errs

// FeatureOff reports that a feature is off for the caller. viewer.features says why.
type FeatureOff struct{ Feature string } // the flag's key

func (FeatureOff) Error() string { return "This isn't available to you yet." }
