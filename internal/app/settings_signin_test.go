package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/app"
)

func TestProvidersAreReadFromAFileWithEveryFaultNamed(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("from the file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := `"name": "corp", "organizationId": "01890a5d-ac96-774b-bcce-b302099a8057", "issuer": "https://login.corp.example", "clientId": "mc",
		"redirectUris": ["https://app.example.org/back"], "roles": ["FRONT_DESK"], "trustedDomains": ["Corp.example"]`
	for text, want := range map[string]string{
		`[{` + good + `, "clientSecretFile": "` + secret + `"}]`: "",
		`[{` + good + `}]`: "clientSecret",
		`[{` + good + `, "clientSecret": "hunter2", "x": 1}]`:                                              "unknown field",
		`[{` + strings.Replace(good, "https://login", "http://login", 1) + `, "clientSecret": "hunter2"}]`: "issuer",
		`[{` + strings.Replace(good, "FRONT_DESK", "INTEGRATOR", 1) + `, "clientSecret": "hunter2"}]`:      "INTEGRATOR",
		`[{` + strings.Replace(good, "01890a5d-ac96", "x", 1) + `, "clientSecret": "hunter2"}]`:            "no id",
		`[{` + good + `, "clientSecret": "hunter2"}, {` + good + `, "clientSecret": "hunter2"}]`:           "two providers",
		`{}`: "no list",
	} {
		path := filepath.Join(dir, "providers.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var file app.OpenIDFile
		err := file.UnmarshalText([]byte(path))
		if want == "" {
			if err != nil || len(file) != 1 || file[0].Secret != "from the file" || file[0].Domains[0] != "corp.example" {
				t.Errorf("%+v, %v", file, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
