package breakglass

import (
	"context"
	"strconv"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// Service breaks glass and has it reviewed.
type Service struct {
	store  Store
	source clinic.Source
}

// NewService puts the service over its store.
func NewService(store Store, source clinic.Source) *Service {
	return &Service{store: store, source: source}
}

// Break asks to see a patient, named by one of the two.
type Break struct {
	Patient    *clinic.Ref
	Identifier *clinic.Identifier // within the caller's organisation
	Reason     access.Private
	Minutes    int
	Key        string
}

// End asks for a grant to end before it expires.
type End struct {
	Grant           clinic.Ref
	ExpectedVersion *int
}

// Review gives a finding on a grant.
type Review struct {
	Grant           clinic.Ref
	Finding         Finding
	Note            *access.Private
	ExpectedVersion *int
}

// Break lets a provider see a patient who isn't theirs, at once and for a time. Failures: errs.KeyInUse, errs.KeyReused.
func (s *Service) Break(ctx context.Context, a access.Actor, in Break) (Broken, error) {
	if err := named(a, in); err != nil {
		return Broken{}, err
	}
	once, err := clinic.NewOnce(in.Key, "breakGlass", in)
	if err != nil {
		return Broken{}, err
	}
	var check form.Check
	reason := text(&check, &in.Reason, minReason, maxReason, "reason")
	length, err := lasting(in.Minutes)
	check.Keep(err)
	var identifier patient.Handle
	if in.Identifier != nil {
		c := in.Identifier.Checked(&check, "target", "identifier")
		identifier = patient.Patient{System: c.System, Identifier: access.Private(c.Value)}.IdentifierHandle()
	}
	if err := check.Err(); err != nil {
		return Broken{}, err
	}
	by := s.source.Stamp(a)
	g := Grant{
		ID: s.source.NewID(), OrganizationID: a.Organization, Version: 1, ActorID: a.ID, ProviderID: a.ProviderID, Reason: *reason,
		StartedAt: by.At, ExpiresAt: by.At.Add(length),
	}
	if in.Patient != nil {
		g.PatientID = in.Patient.ID
	}
	by.Actor.Grant = g.ID
	done, err := s.store.BreakGlass(ctx, by, once, g, identifier)
	a.Circle.Forget()
	if err == nil && done.Replayed { // no change has its record
		saw(a, done.Grant)
	}
	return done, err
}

func named(a access.Actor, in Break) error {
	if (in.Patient == nil) == (in.Identifier == nil) {
		return errs.Invalid("Name the patient by an id or an identifier.", "target")
	}
	organization := a.Organization
	if in.Patient != nil {
		organization = in.Patient.Organization
	}
	return a.Need(access.PatientsBreakGlass, organization, "patient", "target", "patientId")
}

// text reads a private text of several lines.
func text(check *form.Check, p *access.Private, least, most int, path ...string) *access.Private {
	if p == nil {
		return nil
	}
	written := p.Reveal()
	cleaned := check.OptionalText(&written, most, path...)
	if cleaned == nil {
		check.That(least == 0, "At least "+strconv.Itoa(least)+" characters.", path...)
		return nil
	}
	check.That(utf8.RuneCountInString(*cleaned) >= least, "At least "+strconv.Itoa(least)+" characters.", path...)
	return (*access.Private)(cleaned)
}

// attempts is how often a change is decided anew on what has changed meanwhile.
const attempts = 5

// End ends a grant early: its holder's own, or any for who reviews them. Repeating it changes nothing. Failures: StaleVersion.
func (s *Service) End(ctx context.Context, a access.Actor, in End) (Grant, error) {
	by := s.source.Stamp(a)
	by.Actor.Grant = in.Grant.ID
	g, err := s.change(ctx, a, in.Grant, "breakGlass.end", by, func(g Grant) (Grant, error) {
		if in.ExpectedVersion != nil && *in.ExpectedVersion != g.Version && g.open(by.At) {
			return g, StaleVersion{Current: g}
		}
		return g.ended(by.At), nil
	})
	a.Circle.Forget()
	return g, err
}

// Review gives a finding, for who reviews and never for who broke the glass. Failures: StaleVersion.
func (s *Service) Review(ctx context.Context, a access.Actor, in Review) (Grant, error) {
	if err := a.Need(access.AccessReview, in.Grant.Organization, "grant", "grantId"); err != nil {
		return Grant{}, err
	}
	var check form.Check
	in.Note = text(&check, in.Note, 0, maxNote, "note")
	if err := check.Err(); err != nil {
		return Grant{}, err
	}
	by := s.source.Stamp(a)
	return s.change(ctx, a, in.Grant, "breakGlass.review", by, func(g Grant) (Grant, error) { return g.reviewed(a, in, by.At) })
}

func (s *Service) change(
	ctx context.Context, a access.Actor, ref clinic.Ref, action string, by clinic.Stamp, decide func(Grant) (Grant, error),
) (Grant, error) {
	for range attempts {
		found, err := s.Grants(ctx, a, []clinic.Ref{ref})
		if err != nil {
			return Grant{}, err
		}
		from, ok := found[ref]
		if !ok {
			return Grant{}, errs.Missing("grant", "grantId")
		}
		to, err := decide(from)
		if err != nil || to.Version == from.Version {
			return to, err
		}
		done, err := s.store.ChangeGrant(ctx, by, action, from, to)
		if err != nil {
			return Grant{}, err
		}
		if done {
			a.Trail.Changed(Kind, to.ID)
			return to, nil
		}
	}
	return Grant{}, errs.TryAgain(nil)
}

// Grants answers those that exist and that the caller may see: their own, and all of the organisation for who reviews them.
func (s *Service) Grants(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]Grant, error) {
	if !a.Has(access.AccessReview) && !a.Has(access.PatientsBreakGlass) {
		return map[clinic.Ref]Grant{}, nil
	}
	found, err := s.store.Grants(ctx, refs)
	for ref, g := range found {
		if !a.In(ref.Organization) || g.ActorID != a.ID && !a.Has(access.AccessReview) {
			delete(found, ref)
			continue
		}
		saw(a, g)
	}
	return found, err
}

// Kind is what grants are called in the record of who saw what.
const Kind = "BreakGlassGrant"

// saw notes that the caller is told of grants.
func saw(a access.Actor, list ...Grant) {
	for _, g := range list {
		a.Trail.Saw(access.Sight{Organization: g.OrganizationID, Kind: Kind, ID: g.ID, Patient: g.PatientID})
	}
}

// KeyParts is how many values the key of a grant in a list has: the start, then the id.
const KeyParts = 2

// Key is the key of a grant in a list.
func Key(g Grant) []string {
	return []string{strconv.FormatInt(g.StartedAt.UnixMicro(), 10), g.ID.String()}
}

// List pages the grants of the caller's organisation, the newest first, for who reviews them.
func (s *Service) List(ctx context.Context, a access.Actor, f Filter, w paging.Window) (paging.Page[Grant], error) {
	f, err := f.allowed(a)
	if err != nil {
		return paging.Page[Grant]{}, err
	}
	page, err := s.store.ListGrants(ctx, f, w)
	saw(a, page.Items...)
	return page, err
}

// Count counts what List lists, up to paging.MaxCount.
func (s *Service) Count(ctx context.Context, a access.Actor, f Filter) (int, error) {
	f, err := f.allowed(a)
	if err != nil {
		return 0, err
	}
	return s.store.CountGrants(ctx, f)
}

func (f Filter) allowed(a access.Actor) (Filter, error) {
	organization, err := a.OwnOrganization(f.Organization, "where")
	if err != nil {
		return f, err
	}
	f.Organization = organization
	if err := a.Need(access.AccessReview, organization, "provider", "where", "providerId"); err != nil {
		return f, err
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		return f, errs.Invalid("The period ends before it starts.", "where", "to")
	}
	return f, nil
}

// OpenGrants answers those of a holder that are open now.
func (s *Service) OpenGrants(ctx context.Context, organization, holder uuid.UUID) ([]access.Grant, error) {
	return s.store.OpenGrants(ctx, organization, holder, s.source.Clock.Now())
}
