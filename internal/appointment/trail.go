package appointment

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// What appointments and holds are called in the record of who saw what.
const (
	visitKind = "Appointment"
	holdKind  = "SlotHold"
)

// saw notes that the caller is told of appointments, but for those that tell nothing of whose they are.
func saw(a access.Actor, seen access.Seen, list ...Appointment) {
	if a.Trail == nil {
		return
	}
	sights := make([]access.Sight, 0, len(list))
	for _, ap := range list {
		if !ap.Veiled() {
			sights = append(sights, access.Sight{
				Organization: ap.OrganizationID, Kind: visitKind, ID: ap.ID, Patient: ap.PatientID, Grant: seen.Under(ap.PatientID),
			})
		}
	}
	a.Trail.Saw(sights...)
}

// sawOne notes that the caller is told of an appointment that they may change.
func sawOne(a access.Actor, ap Appointment) {
	a.Trail.Saw(access.Sight{Organization: ap.OrganizationID, Kind: visitKind, ID: ap.ID, Patient: ap.PatientID, Grant: a.Grant})
}

// sawConflict notes that the caller is told that a patient has a visit.
func sawConflict(ctx context.Context, a access.Actor, visit clinic.Ref, patient uuid.UUID) error {
	if visit.ID == uuid.Nil {
		return nil
	}
	by, err := a.For(ctx, patient)
	sawOne(by, Appointment{OrganizationID: visit.Organization, ID: visit.ID, PatientID: patient})
	return err
}

// changed notes a change whose own record tells of the appointment, and of the hold that it came from.
func changed(a access.Actor, ap Appointment, hold uuid.UUID) {
	a.Trail.Changed(visitKind, ap.ID)
	if hold != uuid.Nil {
		a.Trail.Changed(holdKind, hold)
	}
}

// sawWhoVisits notes that the caller is told how many visits a patient has that they name, if only that there are none.
func sawWhoVisits(ctx context.Context, a access.Actor, organization, patient uuid.UUID) error {
	if patient == uuid.Nil {
		return nil
	}
	seen, err := a.Sees(ctx, patient)
	a.Trail.Saw(access.Sight{Organization: organization, Kind: "Patient", ID: patient, Patient: patient, Grant: seen.Under(patient)})
	return err
}
