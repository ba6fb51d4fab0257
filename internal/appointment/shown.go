package appointment

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Veiled says whether the caller sees of the appointment only what a calendar needs: when, where, with whom of the clinic, what
// kind of visit and its state. Nothing of it says whose it is or why.
func (a Appointment) Veiled() bool { return a.PatientID == uuid.Nil }

// veiled takes from an appointment whatever is its patient's.
func (a Appointment) veiled() Appointment {
	a.PatientID, a.CreatedBy, a.Reason = uuid.Nil, uuid.Nil, nil
	a.SeriesID = uuid.Nil
	if a.Cancellation != nil {
		c := *a.Cancellation
		c.Note = nil
		a.Cancellation = &c
	}
	return a
}

// shown keeps of appointments of the caller's organisation those that the caller may see: whole where it is the appointment of
// a patient whom they may see, veiled where a provider looks at others', and otherwise not at all. The appointments are
// looked at together, and it is noted that the caller is told of them.
func shown(ctx context.Context, a access.Actor, list []Appointment) ([]Appointment, error) {
	kept, seen, err := parted(ctx, a, list)
	if err == nil {
		saw(a, seen, kept...)
	}
	return kept, err
}

func parted(ctx context.Context, a access.Actor, list []Appointment) ([]Appointment, access.Seen, error) {
	seen, err := a.Sees(ctx, patientsOf(list)...)
	if err != nil {
		return nil, seen, err
	}
	plain := func(ap Appointment) bool { return a.In(ap.OrganizationID) && seen.Of(ap.PatientID) }
	i := slices.IndexFunc(list, func(ap Appointment) bool { return !plain(ap) })
	if i < 0 {
		return list, seen, nil
	}
	kept := slices.Clone(list[:i])
	for _, ap := range list[i:] {
		switch {
		case plain(ap):
			kept = append(kept, ap)
		case a.KeepsToOwn() && a.In(ap.OrganizationID):
			kept = append(kept, ap.veiled())
		}
	}
	return kept, seen, nil
}

func patientsOf(list []Appointment) []uuid.UUID {
	people := make([]uuid.UUID, len(list))
	for i, ap := range list {
		people[i] = ap.PatientID
	}
	return people
}

// Appointments answers those that exist and that the caller may see, some of them veiled.
func (s *Service) Appointments(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]Appointment, error) {
	if !a.Has(access.AppointmentsRead) {
		return map[clinic.Ref]Appointment{}, nil
	}
	refs = slices.DeleteFunc(slices.Clone(refs), func(r clinic.Ref) bool { return !a.In(r.Organization) })
	if len(refs) == 0 {
		return map[clinic.Ref]Appointment{}, nil
	}
	found, err := s.store.Appointments(ctx, refs)
	if err != nil {
		return nil, err
	}
	list := make([]Appointment, len(refs)) // one that isn't there is looked at as somebody's, so that it takes as long
	for i, ref := range refs {
		list[i] = found[ref]
		list[i].ID = ref.ID
	}
	list, err = shown(ctx, a, list)
	visible := make(map[clinic.Ref]Appointment, len(list))
	for _, ap := range list {
		visible[ap.Ref()] = ap
	}
	return visible, err
}

// Identifiers answers what appointments are called in other systems. It is for those whom the appointments show unveiled.
func (s *Service) Identifiers(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref][]clinic.Identifier, error) {
	return s.store.Identifiers(ctx, refs)
}

// visible finds an appointment that the caller may change.
func (s *Service) visible(ctx context.Context, a access.Actor, ref clinic.Ref, path ...string) (Appointment, error) {
	if err := a.Need(access.AppointmentsWrite, ref.Organization, "appointment", path...); err != nil {
		return Appointment{}, err
	}
	ap, err := s.appointment(ctx, ref)
	if errs.Of(err) != errs.NotFound && err != nil {
		return ap, err
	}
	seen, _, unseen := parted(ctx, a, []Appointment{ap})
	switch {
	case unseen != nil:
		return Appointment{}, unseen
	case err != nil, len(seen) == 0, seen[0].Veiled(): // a colleague's patient's is for looking at
		return Appointment{}, errs.Missing("appointment", path...)
	}
	return ap, nil
}

// forWhom resolves the patient of a booking: the one named, else the account's only one.
func forWhom(ctx context.Context, a access.Actor, asked *clinic.Ref, organization uuid.UUID) (uuid.UUID, error) {
	if asked == nil {
		return onlyOne(ctx, a)
	}
	if asked.Organization != organization || asked.ID == uuid.Nil {
		return uuid.Nil, errs.Missing("patient", "patientId")
	}
	acts, err := a.ActsFor(ctx, asked.ID)
	if err == nil && !acts {
		err = errs.Missing("patient", "patientId")
	}
	return asked.ID, err
}

func onlyOne(ctx context.Context, a access.Actor) (uuid.UUID, error) {
	if a.ActsForOthers() && a.PatientID != uuid.Nil {
		return a.PatientID, nil
	}
	links, err := a.Patients(ctx)
	switch {
	case err != nil:
		return uuid.Nil, err
	case len(links) == 1:
		return links[0].Patient, nil
	}
	return uuid.Nil, errs.Invalid("Name the patient.", "patientId")
}

// narrowed keeps a filter to what the caller may see in full or veiled.
func narrowed(ctx context.Context, a access.Actor, f Filter) (Filter, error) {
	if a.Kind != access.Anonymous && !a.Has(access.AppointmentsRead) {
		return f, errs.Denied("Your token lacks the scope " + access.AppointmentsRead + ".")
	}
	organization, err := a.OwnOrganization(f.Organization, "where")
	if err != nil {
		return f, err
	}
	f.Organization = organization
	switch {
	case !a.In(organization):
		return f, f.unknown()
	case f.Patient != uuid.Nil:
		acts, err := a.ActsFor(ctx, f.Patient)
		if err == nil && !acts {
			err = errs.Missing("patient", "where", "patientId")
		}
		return f, err
	}
	reach, err := a.Reach(ctx)
	f, some := f.within(a, reach)
	if err == nil && !some && !a.ActsForOthers() { // an account that acts for nobody yet has no appointments
		err = errs.Denied("Your token lacks the scope " + access.PatientsRead + ".")
	}
	return f, err
}

// within narrows a filter that names no patient to a reach; some says whether that leaves anything to look for. A provider looks
// at everybody's calendar, but finds by what an appointment is called elsewhere only those of their own patients.
func (f Filter) within(a access.Actor, r access.Reach) (narrow Filter, some bool) {
	if r.All || a.KeepsToOwn() && f.Identifier == nil {
		return f, true
	}
	f.Among = &access.Reach{Patients: slices.Clone(r.Patients), Provider: r.Provider}
	return f, len(r.Patients) > 0 || a.KeepsToOwn()
}
