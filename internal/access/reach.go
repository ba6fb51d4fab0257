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

// Seen says of each of some patients whether the caller may see and act for them.
type Seen struct {
	all   bool
	whose map[uuid.UUID]bool
	under map[uuid.UUID]uuid.UUID
}

// Of says it of one of the patients that were asked about.
func (s Seen) Of(patient uuid.UUID) bool {
	return s.all || s.whose[patient] || s.under[patient] != uuid.Nil
}

// Under is the break-glass grant by which alone the caller sees a patient; zero when there is none.
func (s Seen) Under(patient uuid.UUID) uuid.UUID {
	if s.all || s.whose[patient] {
		return uuid.Nil
	}
	return s.under[patient]
}

// Sees looks at patients of the caller's organisation, however many, with one look-up for all of them. It takes none when the
// token itself names all of them, and as much for a patient who doesn't exist as for somebody else's.
func (a Actor) Sees(ctx context.Context, patients ...uuid.UUID) (Seen, error) {
	switch {
	case a.namesAll(patients):
		return Seen{whose: map[uuid.UUID]bool{a.PatientID: true}}, nil
	case a.ActsForOthers():
		links, err := a.Patients(ctx)
		s := Seen{whose: map[uuid.UUID]bool{}}
		for _, l := range links {
			s.whose[l.Patient] = true
		}
		return s, err
	case a.KeepsToOwn():
		return a.treats(ctx, patients)
	}
	return Seen{all: a.Has(PatientsRead)}, nil
}

func (a Actor) treats(ctx context.Context, patients []uuid.UUID) (Seen, error) {
	grants, err := a.Circle.grantsOf(ctx, a)
	if err != nil {
		return Seen{}, err
	}
	s := Seen{under: map[uuid.UUID]uuid.UUID{}}
	for _, g := range grants {
		s.under[g.Patient] = g.ID
	}
	s.whose, err = a.Circle.treats(ctx, a, patients)
	return s, err
}

func (a Actor) namesAll(patients []uuid.UUID) bool {
	return a.ActsForOthers() && a.PatientID != uuid.Nil &&
		!slices.ContainsFunc(patients, func(p uuid.UUID) bool { return p != a.PatientID })
}

// ActsFor says whether the caller may see and act for a patient of their organisation.
func (a Actor) ActsFor(ctx context.Context, patient uuid.UUID) (bool, error) {
	s, err := a.Sees(ctx, patient)
	return err == nil && s.Of(patient), err
}

// For is the caller acting for a patient: under the break-glass grant by which alone they see the patient, if that is so.
func (a Actor) For(ctx context.Context, patient uuid.UUID) (Actor, error) {
	if a.KeepsToOwn() {
		s, err := a.Sees(ctx, patient)
		a.Grant = s.Under(patient)
		return a, err
	}
	return a, nil
}
