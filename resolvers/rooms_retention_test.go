package resolvers_test

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/retention"
)

type retentionRoom struct{ *rooms }

func (r *rooms) legalHold() retention.LegalHold {
	return retention.LegalHold{
		ID: id(16), OrganizationID: r.organization.ID, PatientID: r.patient.ID, Reason: "A lawsuit is under way", PlacedAt: start, PlacedBy: id(9),
	}
}

func (r retentionRoom) Erase(_ context.Context, _ access.Actor, in retention.Erase) (patient.Patient, error) {
	r.note("Erase", in)
	return patient.Patient{ID: in.Patient.ID, OrganizationID: in.Patient.Organization, Erased: true, ErasedAt: &start}, r.fail
}

func (r retentionRoom) PlaceHold(_ context.Context, _ access.Actor, in retention.PlaceHold) (retention.Placed, error) {
	r.note("PlaceHold", in)
	return retention.Placed{Hold: r.legalHold()}, r.fail
}

func (r retentionRoom) ReleaseHold(_ context.Context, _ access.Actor, hold clinic.Ref) (retention.LegalHold, error) {
	r.note("ReleaseHold", hold)
	return r.legalHold(), r.fail
}

func (r retentionRoom) LegalHolds(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref]retention.LegalHold, error) {
	return only(refs, r.legalHold().Ref(), r.legalHold()), nil
}

func (r retentionRoom) LegalHoldsOf(context.Context, access.Actor, []clinic.Ref) (map[clinic.Ref][]retention.LegalHold, error) {
	return map[clinic.Ref][]retention.LegalHold{r.ref(r.patient.ID): {r.legalHold()}}, nil
}
