package app

// RetentionSettings say for how long patients are kept.
type RetentionSettings struct {
	PatientYears int `env:"RETENTION_PATIENTS" envDefault:"10" help:"years after the end of their last appointment that patients are kept for, then they are erased; 0: for ever"`
}

const mostYears = 130

func (s *RetentionSettings) check() (faults []fault) {
	faults = append(faults, wantAtLeast("RETENTION_PATIENTS", s.PatientYears, 0)...)
	return append(faults, wantAtMost("RETENTION_PATIENTS", s.PatientYears, mostYears)...)
}
