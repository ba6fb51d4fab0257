package appointment

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Concern is whose an appointment is: its patient, and the accounts that act for the patient.
type Concern struct {
	Patient  uuid.UUID
	Accounts []uuid.UUID
}

// Of says whether it is that of a patient whom a caller acts for, who acts for patients.
func (c Concern) Of(a access.Actor) bool {
	return c.Patient != uuid.Nil && c.Patient == a.PatientID || slices.Contains(c.Accounts, a.ID)
}

// Concerns answers whom appointments concern, whoever asks: it is for finding out who is to be told of a change, and nobody is told
// the answer.
func (s *Service) Concerns(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]Concern, error) {
	return s.store.Concerns(ctx, refs)
}

// Concerning lists the appointments of the caller's organisation that concern a caller who acts for patients, as Concern.Of says. all is
// false, and the list empty, when there are more than most.
func (s *Service) Concerning(ctx context.Context, a access.Actor, most int) (refs []clinic.Ref, all bool, err error) {
	refs, err = s.store.Concerning(ctx, a, most+1)
	if err != nil || len(refs) > most {
		return nil, false, err
	}
	return refs, true, nil
}

// MayFollow fails as List would of the caller's organisation's appointments, or of those with a provider.
func (s *Service) MayFollow(ctx context.Context, a access.Actor, provider *clinic.Ref) error {
	var f Filter
	if provider != nil {
		f.Organization, f.Provider = provider.Organization, provider.ID
	}
	f, err := narrowed(ctx, a, f)
	if err == nil && provider != nil {
		err = s.store.Known(ctx, f)
	}
	if errs.Of(err) == errs.NotFound {
		return errs.Missing("provider", "providerId")
	}
	return err
}
