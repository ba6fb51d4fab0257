package app_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/app"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

func TestTheFirstAdministratorsAreMadeOnTheCommandLine(t *testing.T) {
	url := pgtest.NewURL(t)
	environ := []string{"MEDICONNECT_DATABASE_URL=" + url, "MEDICONNECT_KEYS=" + keytest.NewFolder(t)}
	clinic := sample.NewClinic(t, pgtest.Pool(t, pgtest.AdminURL(t, url)))
	run := func(n app.NewAccount, in string) (string, error) {
		var out, logs bytes.Buffer
		err := app.CreateAccount(t.Context(), environ, n, strings.NewReader(in), &out, &logs)
		return out.String(), err
	}
	admin := app.NewAccount{Organization: clinic.Organization.String(), Role: "ADMIN", Email: "admin@clinic.example", Locale: "en"}
	if out, err := run(admin, ""); err != nil || !strings.Contains(out, "\npassword ") {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := run(app.NewAccount{Role: "PLATFORM_ADMIN", Email: "root@example.org", Locale: "en", Given: true}, "seven wet otters juggle\n"); err != nil || strings.Contains(out, "password") {
		t.Errorf("%s, %v", out, err)
	}
	weak, elsewhere, integrator := admin, admin, admin
	weak.Email, weak.Given = "other@clinic.example", true
	elsewhere.Organization, integrator.Role = sample.NewID().String(), "INTEGRATOR"
	for name, c := range map[string]struct {
		n        app.NewAccount
		in, says string
	}{
		"once more": {admin, "", "--email"}, "a weak password": {weak, "password1234\n", "--password"}, "none": {weak, "", "standard input"},
		"no such organisation": {elsewhere, "", "no such organisation"}, "a program's role": {integrator, "", "--role"},
	} {
		if out, err := run(c.n, c.in); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %s, %v", name, out, err)
		}
	}
}
