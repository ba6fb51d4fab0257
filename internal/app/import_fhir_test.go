package app_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/app"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestADirectoryIsImportedIntoTheOrganizationThatIsNamed(t *testing.T) {
	url := pgtest.NewURL(t)
	for _, c := range []struct{ from, want string }{
		{"bundle.json", "Providers          4  4 new or changed"}, {"ndjson", "Nothing changed"}, {"ndjson/Location.ndjson", "Nothing changed"},
	} {
		var out bytes.Buffer
		opts := app.ImportFHIROptions{From: "../intake/testdata/fhir/" + c.from, OrganizationName: "Riverside", Base: "https://riverside.example/fhir"}
		if err := app.ImportFHIR(t.Context(), []string{"MEDICONNECT_KEYS=" + keytest.NewFolder(t), "MEDICONNECT_DATABASE_URL=" + url}, opts, &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), c.want) || !strings.Contains(out.String(), "(Riverside)") || organizations(t, url) != 1 {
			t.Errorf("%s: it says\n%s", c.from, out.String())
		}
	}
}

func TestAllFaultsOfTheArgumentsOfADirectoryAreTold(t *testing.T) {
	err := app.ImportFHIR(t.Context(), nil, app.ImportFHIROptions{VisitMinutes: 1441, EffectiveFrom: "soon", Base: "here"}, io.Discard, io.Discard)
	for _, want := range []string{
		"MEDICONNECT_DATABASE_URL", "name the organisation by --organization or --organization-name", "--visit-minutes must be", "--from must be", "--base must be",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %s in\n%v", want, err)
		}
	}
	err = app.ImportFHIR(t.Context(), []string{"MEDICONNECT_KEYS=" + keytest.NewFolder(t), "MEDICONNECT_DATABASE_URL=postgres://localhost/x"},
		app.ImportFHIROptions{From: "nowhere", OrganizationName: "x"}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "no resources there") {
		t.Errorf("%v", err)
	}
}
