package app

// RetentionSettings say for how long patients are kept, and what became of messages to them.
type RetentionSettings struct {
	PatientYears int `env:"RETENTION_PATIENTS" envDefault:"10" help:"years after the end of their last appointment that patients are kept for, then they are erased; 0: for ever"`
	MessageDays  int `env:"RETENTION_MESSAGES" envDefault:"400" help:"days after their time that messages to patients are kept for, with their attempts and dead letters: at least 30"`
}

const (
	mostYears        = 130
	leastMessageDays = 30
	mostMessageDays  = 3650
)

func (s *RetentionSettings) check() (faults []fault) {
	faults = append(faults, wantAtLeast("RETENTION_PATIENTS", s.PatientYears, 0)...)
	faults = append(faults, wantAtLeast("RETENTION_MESSAGES", s.MessageDays, leastMessageDays)...)
	faults = append(faults, wantAtMost("RETENTION_MESSAGES", s.MessageDays, mostMessageDays)...)
	return append(faults, wantAtMost("RETENTION_PATIENTS", s.PatientYears, mostYears)...)
}
