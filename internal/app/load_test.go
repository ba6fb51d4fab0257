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

func TestALoadFindsItsOrganizationAgain(t *testing.T) {
	url := pgtest.NewURL(t)
	environ := []string{"MEDICONNECT_KEYS=" + keytest.NewFolder(t), "MEDICONNECT_DATABASE_URL=" + url}
	opts := app.DefaultLoad()
	opts.Providers, opts.Appointments = 5, 50
	for i, want := range []string{"5 providers, ", "loaded before"} {
		var out bytes.Buffer
		r, err := app.LoadDemo(t.Context(), environ, opts, &out, io.Discard)
		if err != nil || !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "Organization  ") || !strings.Contains(out.String(), "providers(first: 5)") {
			t.Errorf("time %d: %v\n%s", i+1, err, out.String())
		}
		if r.Appointments+r.Found.Appointments != 50 || organizations(t, url) != 1 {
			t.Errorf("time %d: %+v", i+1, r)
		}
	}
	opts.OrganizationName = "Another"
	if _, err := app.LoadDemo(t.Context(), environ, opts, io.Discard, io.Discard); err != nil || organizations(t, url) != 2 {
		t.Errorf("under another name: %v", err)
	}
	opts.OrganizationName, opts.Organization = "", "01980000-0000-7000-8000-00000000000f"
	if _, err := app.LoadDemo(t.Context(), environ, opts, io.Discard, io.Discard); err == nil {
		t.Error("an organisation that doesn't exist is loaded into")
	}
}

// The same in two databases, the organisation's id included.
func TestALoadIsTheSameEverywhere(t *testing.T) {
	opts := app.DefaultLoad()
	opts.Providers, opts.Appointments, opts.Today = 3, 30, "2027-03-01"
	var told []string
	for range 2 {
		var out bytes.Buffer
		if _, err := app.LoadDemo(t.Context(), []string{"MEDICONNECT_KEYS=" + keytest.NewFolder(t), "MEDICONNECT_DATABASE_URL=" + pgtest.NewURL(t)}, opts, &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(out.String(), "\n")
		told = append(told, line)
	}
	if told[0] != told[1] {
		t.Errorf("%q and %q", told[0], told[1])
	}
}

func TestAllFaultsOfALoadsArgumentsAreTold(t *testing.T) {
	for _, c := range []struct {
		opts app.LoadOptions
		want []string
	}{
		{app.LoadOptions{Organization: "x", OrganizationName: "y", Providers: 0, Appointments: -1, Days: 0, Today: "2026-02-30"}, []string{
			"MEDICONNECT_DATABASE_URL", "either --organization or --organization-name", "--organization must be", "--providers must be from 1 to 100000",
			"--appointments must be from 0 to 10000000", "--days must be from 1 to 300", "--today must be a date",
		}},
		{app.LoadOptions{Providers: 100_001, Appointments: 10_000_001, Days: 301}, []string{"--providers must", "--appointments must", "--days must"}},
		{app.LoadOptions{Providers: 1, Appointments: 271, Days: 60}, []string{"--appointments must be at most 270 for"}},
	} {
		_, err := app.LoadDemo(t.Context(), nil, c.opts, io.Discard, io.Discard)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("no word of %s in\n%v", want, err)
			}
		}
	}
}
