package resolvers

import (
	"errors"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/retention"
)

func erase(read *ids, in model.ErasePatientInput) retention.Erase {
	return retention.Erase{Patient: read.ref(globalid.Patient, in.PatientID, "patientId"), Reason: in.Reason}
}

func placeLegalHold(read *ids, in model.PlaceLegalHoldInput) retention.PlaceHold {
	return retention.PlaceHold{
		Patient: read.ref(globalid.Patient, in.PatientID, "patientId"), Reason: access.Private(in.Reason), Key: in.IdempotencyKey,
	}
}

func releaseLegalHold(read *ids, in model.ReleaseLegalHoldInput) clinic.Ref {
	return read.ref(globalid.LegalHold, in.LegalHoldID, "legalHoldId")
}

// keptMembers are of erasing.
func keptMembers(err error) []any {
	if e, ok := errors.AsType[retention.Kept](err); ok {
		return []any{&model.PatientKeptError{
			Code: model.UserErrorCodePatientKept, Message: e.Error(), Path: input("patientId"), KeptBy: e.By(), HeldUntil: e.HeldUntil, Kept: e,
		}}
	}
	return nil
}
