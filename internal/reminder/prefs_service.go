package reminder

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// Choices is what patients and clinics choose of messages: preferences, and when patients are reminded.
type Choices struct {
	store  ChoiceStore
	source clinic.Source
}

// NewChoices puts the service over its store.
func NewChoices(store ChoiceStore, source clinic.Source) *Choices {
	return &Choices{store: store, source: source}
}

// ChoiceStore keeps preferences and rules. A change commits together with its audit row, and has the visits that it concerns planned
// anew. Any method may fail with errs.Busy.
type ChoiceStore interface {
	// Preferences answers those of patients who exist and aren't erased.
	Preferences(ctx context.Context, patients []clinic.Ref) (map[clinic.Ref]Preferences, error)
	// SavePreferences keeps preferences whose version is the next after what is kept, 0 being nothing. It answers false when another is
	// kept by now, and fails with errs.NotFound at "patientId" when there is no such patient, or none any more.
	// Who allows e-mails with them is no longer one who unsubscribed, at the address that is the patient's then; only START undoes a STOP.
	SavePreferences(ctx context.Context, by clinic.Stamp, p Preferences, fields []string) (bool, error)
	// RuleSets answers those that an organisation has set, that of all kinds of visit first.
	RuleSets(ctx context.Context, organization uuid.UUID) ([]RuleSet, error)
	// SetRules replaces the set of a kind of visit or, with nil rules, takes it away, and answers them all. When nothing differs, nothing
	// is written. It fails with errs.NotFound at "organizationId" and "visitKindId", and with errs.InvalidInput at "visitKindId" when
	// MaxRuleSets kinds have rules of their own. Each rule gets a fresh id.
	SetRules(ctx context.Context, by clinic.Stamp, s RuleSet, newID func() uuid.UUID) ([]RuleSet, error)
}

// attempts is how often a change is decided anew on what has changed meanwhile.
const attempts = 5

// Of answers the preferences of patients whom the actor may see.
func (s *Choices) Of(ctx context.Context, a access.Actor, patients []clinic.Ref) (map[clinic.Ref]Preferences, error) {
	var own []clinic.Ref
	for _, p := range patients {
		if a.In(p.Organization) && (a.Has(access.PatientsRead) || a.ActsForOthers() && a.Has(access.AppointmentsRead)) {
			own = append(own, p)
		}
	}
	if len(own) == 0 {
		return map[clinic.Ref]Preferences{}, nil
	}
	seen, err := a.Sees(ctx, idsOf(own)...)
	if err != nil {
		return nil, err
	}
	return s.store.Preferences(ctx, slices.DeleteFunc(own, func(p clinic.Ref) bool { return !seen.Of(p.ID) }))
}

func idsOf(refs []clinic.Ref) []uuid.UUID {
	list := make([]uuid.UUID, len(refs))
	for i, r := range refs {
		list[i] = r.ID
	}
	return list
}

// Change changes how a patient is told of visits: the patient and whoever acts for them, and staff who write patients. Repeating it writes
// nothing. Failures: StaleVersion.
func (s *Choices) Change(ctx context.Context, a access.Actor, in ChangePreferences) (Preferences, error) {
	scope, by := access.PatientsWrite, ByClinic
	if a.ActsForOthers() {
		scope, by = access.AppointmentsWrite, ByPatient
	}
	switch {
	case a.Kind == access.Anonymous:
		return Preferences{}, errs.SignIn("Sign in to do this.")
	case !a.Has(scope):
		return Preferences{}, errs.Denied("Your token lacks the scope " + scope + ".")
	case !a.In(in.Patient.Organization):
		return Preferences{}, missing()
	}
	if ok, err := a.ActsFor(ctx, in.Patient.ID); err != nil {
		return Preferences{}, err
	} else if !ok {
		return Preferences{}, missing()
	}
	if err := in.check(); err != nil {
		return Preferences{}, err
	}
	stamp := s.source.Stamp(a)
	wrote := false
	p, err := s.change(ctx, stamp, in.Patient, func(from Preferences) (Preferences, []string, error) {
		to, fields, err := in.apply(from, choice{by, a.ID, stamp.At})
		wrote = len(fields) > 0
		return to, fields, err
	})
	if _, stale := errors.AsType[StaleVersion](err); stale || err == nil && !wrote { // they are told, and no change has its record
		a.Trail.Saw(access.Sight{Organization: in.Patient.Organization, Kind: patient.Kind, ID: in.Patient.ID, Patient: in.Patient.ID})
	}
	return p, err
}

// Refuse notes that a patient wants no more of a channel, as a reply or an unsubscribing says. The record has the request's id.
// Repeating it writes nothing. It fails with errs.NotFound when there is no such patient any more.
func (s *Choices) Refuse(ctx context.Context, patient clinic.Ref, channel ChannelKind, request string) error {
	return s.replied(ctx, patient, request, func(from Preferences, by choice) (Preferences, []string, error) { return from.refuse(channel, by) })
}

// Resume notes that a patient who refused a channel by a reply wants it again, as another reply says. Repeating it writes nothing. It fails
// with errs.NotFound when there is no such patient any more.
func (s *Choices) Resume(ctx context.Context, patient clinic.Ref, channel ChannelKind, request string) error {
	return s.replied(ctx, patient, request, func(from Preferences, by choice) (Preferences, []string, error) { return from.allowAgain(channel, by) })
}

func (s *Choices) replied(ctx context.Context, patient clinic.Ref, request string, decide func(Preferences, choice) (Preferences, []string, error)) error {
	by := s.source.Stamp(access.Actor{Kind: access.System, Client: "replies", RequestID: request})
	_, err := s.change(ctx, by, patient, func(from Preferences) (Preferences, []string, error) {
		return decide(from, choice{by: ByReply, at: by.At})
	})
	return err
}

func (s *Choices) change(
	ctx context.Context, by clinic.Stamp, whose clinic.Ref, decide func(Preferences) (Preferences, []string, error),
) (Preferences, error) {
	for range attempts {
		found, err := s.store.Preferences(ctx, []clinic.Ref{whose})
		if err != nil {
			return Preferences{}, err
		}
		from, ok := found[whose]
		if !ok {
			return Preferences{}, missing()
		}
		to, fields, err := decide(from)
		if err != nil || len(fields) == 0 {
			return to, err
		}
		if saved, err := s.store.SavePreferences(ctx, by, to, fields); err != nil || saved {
			return to, err
		}
	}
	return Preferences{}, errs.TryAgain(errors.New("the preferences change too often"))
}
