package app_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/app"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestAListOfSitesIsImportedIntoTheOrganizationThatIsNamed(t *testing.T) {
	url := pgtest.NewURL(t)
	list := filepath.Join(t.TempDir(), "sites.csv")
	if err := os.WriteFile(list, []byte("site_id,brand,timezone\n1,Corner,America/New_York\n2,Corner\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(opts app.ImportLocationsOptions) string {
		t.Helper()
		var out bytes.Buffer
		opts.From, opts.OrganizationName = list, " Corner shops "
		if err := app.ImportLocations(t.Context(), []string{"MEDICONNECT_KEYS=" + keytest.NewFolder(t), "MEDICONNECT_DATABASE_URL=" + url}, opts, &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if first := run(app.ImportLocationsOptions{}); !strings.Contains(first, "(Corner shops)") || !strings.Contains(first, "sites.csv line 3: 2 values for 3 columns") ||
		!strings.Contains(first, "Locations          1  1 new or changed") {
		t.Errorf("the first import says\n%s", first)
	}
	if again := run(app.ImportLocationsOptions{}); !strings.Contains(again, "Nothing changed") || organizations(t, url) != 1 {
		t.Errorf("again, it says\n%s", again)
	}
	changed := run(app.ImportLocationsOptions{Hours: "Mon 09:00-10:00", Capacity: 2, EffectiveFrom: "2199-01-01", Specialty: "urn:example:s|1|Pharmacy"})
	if !strings.Contains(changed, "Providers          1  1 new or changed") || !strings.Contains(changed, "Hours              1  weeks of a provider at a location: 1 new or changed") {
		t.Errorf("with other hours, it says\n%s", changed)
	}
}

func TestAllFaultsOfTheArgumentsOfAListAreTold(t *testing.T) {
	for _, c := range []struct {
		opts app.ImportLocationsOptions
		want []string
	}{
		{app.ImportLocationsOptions{From: "nowhere.csv"}, []string{"MEDICONNECT_DATABASE_URL", "name the organisation by --organization or --organization-name"}},
		{app.ImportLocationsOptions{
			Organization: "x", OrganizationName: "y", VisitMinutes: -1, EffectiveFrom: "soon", Hours: "always", System: "sites", Specialty: "x|y",
		}, []string{
			"either --organization or --organization-name", "--organization must be", "--visit-minutes must be", "--from must be", "--hours and --capacity: ",
			"--system must be", "--specialty must be",
		}},
		{app.ImportLocationsOptions{Capacity: 1001}, []string{"--hours and --capacity: a capacity is from 1 to 1000"}},
	} {
		err := app.ImportLocations(t.Context(), nil, c.opts, io.Discard, io.Discard)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("no word of %s in\n%v", want, err)
			}
		}
	}
	err := app.ImportLocations(t.Context(), []string{"MEDICONNECT_KEYS=" + keytest.NewFolder(t), "MEDICONNECT_DATABASE_URL=postgres://localhost/x"},
		app.ImportLocationsOptions{From: "nowhere.csv", OrganizationName: "x"}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "no list there") {
		t.Errorf("%v", err)
	}
}
