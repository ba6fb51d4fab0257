package retention

import (
	"context"
	"errors"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// Service erases patients and holds what is to be kept, for administrators.
type Service struct {
	store   Store
	waiting Waiting
	source  clinic.Source
}

// Waiting withdraws what is offered to a patient on the waitlist: the time goes to the next one.
type Waiting interface {
	Withdraw(ctx context.Context, a access.Actor, p clinic.Ref) error
}

// NewService puts the service over its store.
func NewService(store Store, source clinic.Source) *Service {
	return &Service{store: store, source: source}
}

// Waited says who withdraws offers of patients who are erased. Without it a patient stays for as long as one is open.
func (s *Service) Waited(by Waiting) { s.waiting = by }

// Erase erases a patient for good. Repeating it answers as the first time, and destroys a key that a crash has left. Failures:
// Kept.
func (s *Service) Erase(ctx context.Context, a access.Actor, in Erase) (patient.Patient, error) {
	if err := a.Need(access.PatientsErase, in.Patient.Organization, "patient", "patientId"); err != nil {
		return patient.Patient{}, err
	}
	return s.erase(ctx, a, in)
}

// erase commits what is emptied before it destroys the key: what stands in between can be gone on with, by Finish.
func (s *Service) erase(ctx context.Context, a access.Actor, in Erase) (patient.Patient, error) {
	left, err := s.store.Erase(ctx, s.source.Stamp(a), in.Patient, in.Reason)
	if errors.As(err, &Offered{}) {
		left, err = s.withdrawn(ctx, a, in)
	}
	if err != nil {
		return left, err
	}
	if err := s.store.Shred(context.WithoutCancel(ctx), in.Patient); err != nil {
		return patient.Patient{}, err
	}
	a.Trail.Saw(access.Sight{Organization: left.OrganizationID, Kind: patient.Kind, ID: left.ID, Patient: left.ID})
	a.Trail.Changed(patient.Kind, left.ID)
	return left, nil
}

// withdrawn erases a patient to whom a time was offered. Should the next one be offered meanwhile, it is for the caller to try again.
func (s *Service) withdrawn(ctx context.Context, a access.Actor, in Erase) (patient.Patient, error) {
	if s.waiting == nil {
		return patient.Patient{}, errs.TryAgain(nil)
	}
	if err := s.waiting.Withdraw(ctx, a, in.Patient); err != nil {
		return patient.Patient{}, err
	}
	left, err := s.store.Erase(ctx, s.source.Stamp(a), in.Patient, in.Reason)
	if errors.As(err, &Offered{}) {
		err = errs.TryAgain(nil)
	}
	return left, err
}

// PlaceHold keeps a patient's data until the hold is released. Failures: errs.KeyInUse, errs.KeyReused.
func (s *Service) PlaceHold(ctx context.Context, a access.Actor, in PlaceHold) (Placed, error) {
	if err := a.Need(access.PatientsErase, in.Patient.Organization, "patient", "patientId"); err != nil {
		return Placed{}, err
	}
	once, err := clinic.NewOnce(in.Key, "placeLegalHold", in)
	if err != nil {
		return Placed{}, err
	}
	reason, err := in.reason()
	if err != nil {
		return Placed{}, err
	}
	by := s.source.Stamp(a)
	done, err := s.store.PlaceHold(ctx, by, once, LegalHold{
		ID: s.source.NewID(), OrganizationID: in.Patient.Organization, PatientID: in.Patient.ID, Reason: reason, PlacedAt: by.At, PlacedBy: a.ID,
	})
	if err == nil {
		saw(a, done.Hold)
	}
	return done, err
}

// ReleaseHold releases a legal hold. Repeating it changes nothing.
func (s *Service) ReleaseHold(ctx context.Context, a access.Actor, hold clinic.Ref) (LegalHold, error) {
	if err := a.Need(access.PatientsErase, hold.Organization, "legal hold", "legalHoldId"); err != nil {
		return LegalHold{}, err
	}
	h, err := s.store.ReleaseHold(ctx, s.source.Stamp(a), hold)
	if err == nil {
		saw(a, h)
	}
	return h, err
}

// LegalHolds answers those that exist, to who may place them.
func (s *Service) LegalHolds(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]LegalHold, error) {
	own := shown(a, refs)
	if len(own) == 0 {
		return map[clinic.Ref]LegalHold{}, nil
	}
	found, err := s.store.LegalHolds(ctx, own)
	for _, h := range found {
		saw(a, h)
	}
	return found, err
}

// LegalHoldsOf answers those of patients, to who may place them.
func (s *Service) LegalHoldsOf(ctx context.Context, a access.Actor, patients []clinic.Ref) (map[clinic.Ref][]LegalHold, error) {
	own := shown(a, patients)
	if len(own) == 0 {
		return map[clinic.Ref][]LegalHold{}, nil
	}
	found, err := s.store.LegalHoldsOf(ctx, own)
	for _, list := range found {
		saw(a, list...)
	}
	return found, err
}

func shown(a access.Actor, refs []clinic.Ref) (own []clinic.Ref) {
	for _, r := range refs {
		if a.In(r.Organization) && a.Has(access.PatientsErase) {
			own = append(own, r)
		}
	}
	return own
}

// Kind is what legal holds are called in the record of who saw what.
const Kind = "LegalHold"

func saw(a access.Actor, list ...LegalHold) {
	for _, h := range list {
		a.Trail.Saw(access.Sight{Organization: h.OrganizationID, Kind: Kind, ID: h.ID, Patient: h.PatientID})
	}
}
