package access

import (
	"context"
	"slices"

	"github.com/google/uuid"
)

// Reach is which patients of their organisation a caller may see and act for. The zero value is nobody.
type Reach struct {
	All      bool
	Patients []uuid.UUID // linked to the account, or opened by breaking the glass
	Provider uuid.UUID   // besides: whoever has a visit with this provider; zero: none
}

// ActsForOthers says whether the caller acts for patients that are linked to the account, and for nobody else.
func (a Actor) ActsForOthers() bool { return a.Role == PatientRole || a.Role == Caregiver }

// KeepsToOwn says whether the caller sees those patients only whom they treat, and of other appointments what a calendar needs.
func (a Actor) KeepsToOwn() bool { return a.Role == Provider && a.Has(PatientsRead) }

// Reach answers whom the caller may see and act for in their organisation. What they may do there is a matter of scopes.
func (a Actor) Reach(ctx context.Context) (Reach, error) {
	switch {
	case a.ActsForOthers():
		links, err := a.Patients(ctx)
		return Reach{Patients: patientsOf(links)}, err
	case a.KeepsToOwn():
		grants, err := a.Circle.grantsOf(ctx, a)
		r := Reach{Provider: a.ProviderID}
		for _, g := range grants {
			r.Patients = append(r.Patients, g.Patient)
		}
		return r, err
	}
	return Reach{All: a.Has(PatientsRead)}, nil
}

// Patients lists the patients that the account acts for: the one that the token names, then those that are linked, SELF first.
func (a Actor) Patients(ctx context.Context) ([]Link, error) {
	if !a.ActsForOthers() {
		return nil, nil
	}
	links, err := a.Circle.linksOf(ctx, a)
	if err != nil || a.PatientID == uuid.Nil {
		return links, err
	}
	own := []Link{{Patient: a.PatientID, Relation: RelationSelf}}
	for _, l := range links {
		if l.Patient != a.PatientID {
			own = append(own, l)
		}
	}
	return own, nil
}

func patientsOf(links []Link) []uuid.UUID {
	list := make([]uuid.UUID, len(links))
	for i, l := range links {
		list[i] = l.Patient
	}
	return list
}

// Sight says of each of some patients whether the caller may see and act for them.
type Sight struct {
	all   bool
	whose map[uuid.UUID]bool
}

// Of says it of one of the patients that were asked about.
func (s Sight) Of(patient uuid.UUID) bool { return s.all || s.whose[patient] }

// Sight looks at patients of the caller's organisation, however many, with one look-up for all of them. It takes none when the
// token itself names all of them, and as much for a patient who doesn't exist as for somebody else's.
func (a Actor) Sight(ctx context.Context, patients ...uuid.UUID) (Sight, error) {
	if a.namesAll(patients) {
		return Sight{whose: map[uuid.UUID]bool{a.PatientID: true}}, nil
	}
	reach, err := a.Reach(ctx)
	if err != nil || reach.All {
		return Sight{all: reach.All && err == nil}, err
	}
	s := Sight{whose: map[uuid.UUID]bool{}}
	if reach.Provider != uuid.Nil {
		if s.whose, err = a.Circle.treats(ctx, a, patients); err != nil {
			return Sight{}, err
		}
	}
	for _, p := range reach.Patients {
		s.whose[p] = true
	}
	return s, nil
}

func (a Actor) namesAll(patients []uuid.UUID) bool {
	return a.ActsForOthers() && a.PatientID != uuid.Nil &&
		!slices.ContainsFunc(patients, func(p uuid.UUID) bool { return p != a.PatientID })
}

// ActsFor says whether the caller may see and act for a patient of their organisation.
func (a Actor) ActsFor(ctx context.Context, patient uuid.UUID) (bool, error) {
	s, err := a.Sight(ctx, patient)
	return s.Of(patient), err
}

// GrantFor answers the open break-glass grant under which the caller sees a patient who isn't theirs, or zero.
func (a Actor) GrantFor(ctx context.Context, patient uuid.UUID) (uuid.UUID, error) {
	if !a.KeepsToOwn() {
		return uuid.Nil, nil
	}
	grants, err := a.Circle.grantsOf(ctx, a)
	i := slices.IndexFunc(grants, func(g Grant) bool { return g.Patient == patient })
	if err != nil || i < 0 {
		return uuid.Nil, err
	}
	own, err := a.Circle.treats(ctx, a, []uuid.UUID{patient})
	if err != nil || own[patient] {
		return uuid.Nil, err
	}
	return grants[i].ID, nil
}
