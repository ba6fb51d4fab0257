package waitlist

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Concerns answers whom offers are to, whoever asks: it is for finding out who is to be told of a change, and nobody is told the answer.
func (s *Service) Concerns(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]appointment.Concern, error) {
	return s.Store.Concerns(ctx, refs)
}

// Concerning lists the offers of the caller's organisation that are to a caller who acts for patients, as appointment.Concern.Of says. all is
// false, and the list empty, when there are more than most.
func (s *Service) Concerning(ctx context.Context, a access.Actor, most int) (refs []clinic.Ref, all bool, err error) {
	refs, err = s.Store.Concerning(ctx, a, most+1)
	if err != nil || len(refs) > most {
		return nil, false, err
	}
	return refs, true, nil
}
