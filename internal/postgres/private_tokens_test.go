package postgres

import (
	"bytes"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/patient"
)

func TestADigestFollowsFromOrganisationPurposeAndValue(t *testing.T) {
	org := uuid.MustParse("01900000-0000-7000-8000-000000000001")
	one := digest(org, patient.Handle{Purpose: "name", Value: "ann"})
	if !bytes.Equal(one, digest(org, patient.Handle{Purpose: "name", Value: "ann"})) {
		t.Error("it is another one each time")
	}
	for name, other := range map[string][]byte{
		"organisation": digest(uuid.Nil, patient.Handle{Purpose: "name", Value: "ann"}),
		"purpose":      digest(org, patient.Handle{Purpose: "e-mail", Value: "ann"}),
		"value":        digest(org, patient.Handle{Purpose: "name", Value: "anna"}),
		"border":       digest(org, patient.Handle{Purpose: "namea", Value: "nn"}),
	} {
		if bytes.Equal(one, other) {
			t.Errorf("it doesn't follow from the %s", name)
		}
	}
}
