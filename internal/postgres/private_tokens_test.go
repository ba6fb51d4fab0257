package postgres

import (
	"bytes"
	"testing"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/patient"
)

func TestADigestFollowsFromKeyPurposeAndValue(t *testing.T) {
	key := lookUp("one organisation's")
	one := key.digest(patient.Handle{Purpose: "name", Value: "ann"})
	if !bytes.Equal(one, key.digest(patient.Handle{Purpose: "name", Value: "ann"})) {
		t.Error("it is another one each time")
	}
	for name, other := range map[string][]byte{
		"key":     lookUp("another's").digest(patient.Handle{Purpose: "name", Value: "ann"}),
		"purpose": key.digest(patient.Handle{Purpose: "e-mail", Value: "ann"}),
		"value":   key.digest(patient.Handle{Purpose: "name", Value: "anna"}),
		"border":  key.digest(patient.Handle{Purpose: "namea", Value: "nn"}),
	} {
		if bytes.Equal(one, other) {
			t.Errorf("it doesn't follow from the %s", name)
		}
	}
	if bytes.Equal(key.identifier(clinic.Identifier{System: "a", Value: "bc"}), key.identifier(clinic.Identifier{System: "ab", Value: "c"})) {
		t.Error("a system and a value run into each other")
	}
}
