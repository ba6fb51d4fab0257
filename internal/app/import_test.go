package app_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/app"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// published writes a publication of one site with one open window.
func published(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, text := range map[string]string{
		"manifest.json": `{"request":"https://clinic.example/$bulk-publish","output":[{"type":"Location","url":"l"},` +
			`{"type":"Schedule","url":"s"},{"type":"Slot","url":"o"}]}`,
		"l": `{"resourceType":"Location","id":"1","name":"Corner","position":{"latitude":40,"longitude":-75}}`,
		"s": `{"resourceType":"Schedule","id":"7","actor":[{"reference":"Location/1"}]}`,
		"o": `{"resourceType":"Slot","id":"1","schedule":{"reference":"Schedule/7"},"status":"free",` +
			`"start":"2026-03-25T09:00:00-04:00","end":"2026-03-25T10:00:00-04:00"}`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestAnImportFindsItsOrganizationAgain(t *testing.T) {
	url := pgtest.NewURL(t)
	environ := []string{"MEDICONNECT_KEYS=" + keytest.NewFolder(t), "MEDICONNECT_DATABASE_URL=" + url}
	run := func(opts app.ImportOptions) (string, error) {
		var out bytes.Buffer
		opts.From = published(t)
		err := app.Import(t.Context(), environ, opts, &out, io.Discard)
		return out.String(), err
	}
	for _, c := range []struct {
		name          string
		organizations int
		changed       string
	}{
		{"", 1, "1 new or changed"}, {"", 1, "0 new or changed"}, {"clinic.example", 1, "0 new or changed"},
		{"Corner shops", 2, "1 new or changed"}, {" Corner shops ", 2, "0 new or changed"},
	} {
		report, err := run(app.ImportOptions{OrganizationName: c.name})
		if n := organizations(t, url); err != nil || n != c.organizations || !strings.Contains(report, c.changed) {
			t.Fatalf("named %q: %d organisations, %v\n%s", c.name, n, err, report)
		}
	}
	report, err := run(app.ImportOptions{OrganizationName: "Corner shops"})
	if err != nil {
		t.Fatal(err)
	}
	var id string
	if _, err := fmt.Sscanf(report, "Organization  %s", &id); err != nil {
		t.Fatalf("%v in\n%s", err, report)
	}
	if report, err := run(app.ImportOptions{Organization: id}); err != nil || !strings.Contains(report, "0 new or changed") {
		t.Errorf("by id: %v\n%s", err, report)
	}
	pgtest.Execute(t, pgtest.AdminURL(t, url), `INSERT INTO organizations SELECT gen_random_uuid(), name, created_at FROM organizations WHERE name = 'Corner shops'`)
	if _, err := run(app.ImportOptions{OrganizationName: "Corner shops"}); err == nil || !strings.Contains(err.Error(), "several organisations are called") {
		t.Errorf("%v", err)
	}
	if out, err := run(app.ImportOptions{Organization: "01980000-0000-7000-8000-00000000000f"}); err == nil || out != "" {
		t.Errorf("an organisation that doesn't exist: %v\n%s", err, out)
	}
}

func TestAllFaultsOfAnImportsArgumentsAreTold(t *testing.T) {
	err := app.Import(t.Context(), nil, app.ImportOptions{
		From: "nowhere", Organization: "x", OrganizationName: "y", VisitMinutes: 1441, ShiftTo: "2026-02-30",
	}, io.Discard, io.Discard)
	for _, want := range []string{
		"MEDICONNECT_DATABASE_URL", "either --organization or --organization-name", "--organization must be", "--visit-minutes must be",
		"--shift-to must be",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %s in\n%v", want, err)
		}
	}
}

func organizations(t *testing.T, url string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgtest.AdminURL(t, url))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM organizations").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
