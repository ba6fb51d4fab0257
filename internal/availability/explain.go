package availability

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Explanation says whether a time can be booked and what stands against it.
type Explanation struct {
	Bookable  bool
	BlockedBy []Rule
	Slot      *Slot

	Overridable []Rule // of BlockedBy: what the caller may ask to book over
}

// Further tells what else stands against a visit that a provider offers.
type Further func(ctx context.Context, r Rules, id SlotID) ([]Rule, error)

// Explain names every rule that keeps a time out, and what a further look finds, for the way of meeting that has the fewest against it.
// Outsiders learn only that it is not available.
func (s *Service) Explain(ctx context.Context, a access.Actor, id SlotID, patient *clinic.Ref, further Further) (Explanation, error) {
	who := asking(a)
	var visits uuid.UUID
	if patient != nil {
		seen, err := maySee(ctx, a, *patient)
		if err != nil {
			return Explanation{}, err
		}
		visits, who.Holder.Patient = patient.ID, patient.ID
		a.Trail.Saw(access.Sight{
			Organization: patient.Organization, Kind: "Patient", ID: patient.ID, Patient: patient.ID, Grant: seen.Under(patient.ID),
		})
	}
	view, err := s.store.View(ctx, id.ProviderRef(), Period{
		From: id.Start, To: id.Start.Add(time.Minute), Patient: visits, Holder: who.holder(id.Organization),
	})
	if err != nil {
		return Explanation{}, err
	}
	var e Explanation
	for i, m := range view.Rules.ways(id.VisitKind) {
		id.Modality = m
		v := Check(view.Rules, view.Taken, id, s.clock.Now(), who)
		more, err := further(ctx, view.Rules, id)
		if err != nil {
			return Explanation{}, err
		}
		v.Blocked = append(v.Blocked, more...)
		if v.Bookable() {
			return Explanation{Bookable: true, BlockedBy: []Rule{}, Slot: &v.Slot}, nil
		}
		if i == 0 || len(v.Blocked) < len(e.BlockedBy) {
			e.BlockedBy = v.Blocked
		}
	}
	slices.Sort(e.BlockedBy)
	e.BlockedBy = Shown(a, id.Organization, e.BlockedBy)
	return e, nil
}

// ways are how a kind of visit can take place; one that the provider doesn't offer has one way, which has no name.
func (r Rules) ways(kind uuid.UUID) []clinic.Modality {
	if k, offered := r.Kind(kind); offered {
		return k.Modalities
	}
	return []clinic.Modality{""}
}

func maySee(ctx context.Context, a access.Actor, patient clinic.Ref) (access.Seen, error) {
	reads := a.Has(access.PatientsRead) || a.ActsForOthers() && a.Has(access.AppointmentsRead)
	if !reads || !a.In(patient.Organization) {
		return access.Seen{}, errs.Missing("patient", "patientId")
	}
	seen, err := a.Sees(ctx, patient.ID)
	if err == nil && !seen.Of(patient.ID) {
		err = errs.Missing("patient", "patientId")
	}
	return seen, err
}

// insider says whether a caller may learn what keeps a time out: somebody of the organisation who reads appointments, or makes
// them and would learn it by trying.
func insider(a access.Actor, organization uuid.UUID) bool {
	return a.In(organization) && (a.Has(access.AppointmentsRead) || a.Has(access.AppointmentsWrite))
}

// Shown narrows broken rules to what a caller may learn: outsiders don't read sick leave or visits from them.
func Shown(a access.Actor, organization uuid.UUID, blocked []Rule) []Rule {
	if !insider(a, organization) && len(blocked) > 0 {
		return []Rule{NotAvailable}
	}
	return blocked
}

// Standing is a verdict with the patient's visit that meets the slot, if any.
type Standing struct {
	Verdict
	PatientVisit uuid.UUID
}

// Verdict checks a slot against everything as it stands. A patient's visits count when patient is not zero.
func (s *Service) Verdict(ctx context.Context, id SlotID, who Asking, patient uuid.UUID) (Standing, error) {
	view, err := s.store.View(ctx, id.ProviderRef(), Period{
		From: id.Start, To: id.Start.Add(time.Minute), Patient: patient, Moving: who.moving(id.Organization), Beside: who.beside(),
		Holder: who.holder(id.Organization),
	})
	if err != nil {
		return Standing{}, err
	}
	return standing(view, id, s.clock.Now(), who), nil
}

func standing(view View, id SlotID, now time.Time, who Asking) Standing {
	s := Standing{Verdict: Check(view.Rules, view.Taken, id, now, who.knowing(view.Taken))}
	bare := Span{Start: id.Start, End: s.Slot.End}
	for _, v := range view.Taken.Patient {
		if v.Overlaps(bare) && !who.moves(v.Appointment) {
			s.PatientVisit = v.Appointment
		}
	}
	return s
}

// moving names the appointment being moved within an organisation; zero when there is none.
func (a Asking) moving(organization uuid.UUID) clinic.Ref {
	if a.Moving == nil {
		return clinic.Ref{}
	}
	return clinic.Ref{Organization: organization, ID: a.Moving.Appointment}
}

// beside lists the appointments that leave their places with the one being moved.
func (a Asking) beside() (list []uuid.UUID) {
	if a.Moving != nil {
		for _, m := range a.Moving.Beside {
			list = append(list, m.Appointment)
		}
	}
	return list
}

// holder names whose own holds give way, within an organisation.
func (a Asking) holder(organization uuid.UUID) clinic.Ref {
	return clinic.Ref{Organization: organization, ID: a.Holder.Actor}
}

// knowing adds what the appointment being moved, and those beside it, count for.
func (a Asking) knowing(t Taken) Asking {
	if a.Moving == nil {
		return a
	}
	known := Moving{Appointment: a.Moving.Appointment, Beside: slices.Clone(a.Moving.Beside)}
	for _, c := range t.Claims {
		known.counts(c)
		for i := range known.Beside {
			known.Beside[i].counts(c)
		}
	}
	a.Moving = &known
	return a
}

func (m *Moving) counts(c Claim) {
	if c.Appointment == m.Appointment {
		m.Day, m.Windows = c.CountedDay, c.CountedWindows
	}
}
