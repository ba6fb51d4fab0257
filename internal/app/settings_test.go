package app_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph/limits"
	"github.com/mediconnect/mediconnect/internal/app"
)

const linkKey = "MEDICONNECT_LINK_KEY=aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnQ="

const keysFolder = "MEDICONNECT_KEYS=/keys"

const databaseURL = "MEDICONNECT_DATABASE_URL=postgres://me:hunter2@db/mediconnect?sslmode=verify-full"

func TestSettingsHaveDefaults(t *testing.T) {
	pemText, key := keyPEM(t)
	settings, err := app.Load[app.ServeSettings]([]string{databaseURL, keysFolder, linkKey, "MEDICONNECT_TOKEN_PUBLIC_KEY=" + pemText})
	if err != nil {
		t.Fatal(err)
	}
	if settings.HTTP.Listen != "127.0.0.1:8080" || settings.Database.Connections != 20 ||
		settings.HTTP.DrainTimeout != 25*time.Second || settings.HTTP.HideSchema || !settings.HTTP.TokenPublicKey.Equal(key) {
		t.Errorf("defaults are %+v", settings)
	}
	for listened, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080", "[::1]:8080": "http://[::1]:8080", "[::]:8080": "http://localhost:8080", "0.0.0.0:80": "http://localhost:80",
	} {
		if got := settings.HTTP.PublicURL.Or(listened).String(); got != want {
			t.Errorf("listening on %s the public URL is %s", listened, got)
		}
	}
}

func TestAllFaultsAreToldAtOnceAndNoValue(t *testing.T) {
	_, err := app.Load[app.ServeSettings]([]string{
		"MEDICONNECT_DATABASE_URL=hunter2://nowhere", "MEDICONNECT_REDIS_URL=hunter2", "MEDICONNECT_RATE_LIMIT=600", "MEDICONNECT_RATE_LIMIT_PATIENT=many", "MEDICONNECT_RATE_LIMIT_STAFF=-1", "MEDICONNECT_REDIS_SENTINELS=here", "MEDICONNECT_REDIS_CA=/nowhere",
		"MEDICONNECT_LISTEN=here", "MEDICONNECT_DRAIN_TIMEOUT=25", "MEDICONNECT_TRUSTED_PROXIES=proxy",
		"MEDICONNECT_LOG_FORMAT=xml", "MEDICONNECT_HIDE_SCHEMA=maybe", "MEDICONNECT_PUBLIC_URL=api.example.org", "MEDICONNECT_DATABASE_CONNECTIONS=0",
		"MEDICONNECT_DATABASE_STATEMENT_TIMEOUT=1m", "MEDICONNECT_DATABASE_IDLE_TIMEOUT=10s",
		"MEDICONNECT_LIMIT_TOKENS=0", "MEDICONNECT_LIMIT_PAGE=101", "MEDICONNECT_LIMIT_BODY=10", "MEDICONNECT_TRUSTED_ONLY=true",
		"MEDICONNECT_SESSION_IDLE_STAFF=10s", "MEDICONNECT_SESSION_PATIENTS=long",
	})
	if err == nil {
		t.Fatal("faulty settings were taken")
	}
	for _, variable := range []string{
		"DATABASE_URL must be like postgres://", "REDIS_URL must be like redis://", "RATE_LIMIT is gone: set RATE_LIMIT_PATIENT", "RATE_LIMIT_PATIENT must be a whole number", "RATE_LIMIT_STAFF must be at least 0",
		"REDIS_SENTINELS must be addresses", "REDIS_CA must be the path of a PEM file",
		"LISTEN must be host:port", "DRAIN_TIMEOUT must be a duration", "TRUSTED_PROXIES must be networks",
		"LOG_FORMAT must be json or text", "HIDE_SCHEMA must be true or false", "PUBLIC_URL must be an absolute URL", "DATABASE_CONNECTIONS must be at least 1",
		"DATABASE_STATEMENT_TIMEOUT must be at most 5s", "DATABASE_IDLE_TIMEOUT must be at most 5s",
		"LIMIT_TOKENS must be at least 1", "LIMIT_PAGE must be at most 100", "LIMIT_BODY must be at least 1024",
		"TRUSTED_ONLY needs MEDICONNECT_TRUSTED_DOCUMENTS", "SESSION_IDLE_STAFF must be at least 1m0s", "SESSION_PATIENTS must be a duration",
		"KEYS must be set", "LINK_KEY must be set",
	} {
		if strings.Count(err.Error(), "MEDICONNECT_"+variable) != 1 {
			t.Errorf("not told once: %s\n%v", variable, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a value is shown: %v", err)
	}
}

func TestNoSettingLetsAWriterLastForLonger(t *testing.T) {
	for _, name := range []string{"ACQUIRE", "STATEMENT", "LOCK", "IDLE"} {
		for value, want := range map[string]string{"0s": "must be at least 1ms", "1ms": "", "5s": "", "5.001s": "must be at most 5s"} {
			variable := "MEDICONNECT_DATABASE_" + name + "_TIMEOUT"
			_, err := app.Load[app.WorkSettings]([]string{databaseURL, keysFolder, variable + "=" + value})
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), variable+" "+want)) {
				t.Errorf("%s=%v was told as %v", variable, value, err)
			}
		}
	}
}

func TestTheTokenKeyMayBeAFileOrTheKeyItself(t *testing.T) {
	pemText, key := keyPEM(t)
	file := filepath.Join(t.TempDir(), "token.pem")
	if err := os.WriteFile(file, []byte(pemText), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"file": file, "inline": pemText, "on one line": strings.ReplaceAll(pemText, "\n", `\n`),
	} {
		settings, err := app.Load[app.ServeSettings]([]string{databaseURL, keysFolder, linkKey, "MEDICONNECT_TOKEN_PUBLIC_KEY=" + value})
		if err != nil || !settings.HTTP.TokenPublicKey.Equal(key) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, value := range map[string]string{
		"missing file": file + ".none", "no PEM": "-----BEGIN nonsense", "a private key": privatePEM(t),
	} {
		_, err := app.Load[app.ServeSettings]([]string{databaseURL, keysFolder, linkKey, "MEDICONNECT_TOKEN_PUBLIC_KEY=" + value})
		if err == nil || !strings.Contains(err.Error(), "MEDICONNECT_TOKEN_PUBLIC_KEY") {
			t.Errorf("%s was told as %v", name, err)
		}
	}
}

func TestSecretsHideThemselves(t *testing.T) {
	settings, err := app.Load[app.WorkSettings]([]string{databaseURL, keysFolder})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	settings.Log.Logger(&log).Info("started", "database", settings.Database.URL, "all", fmt.Sprintf("%v %+v %#v", settings, settings, settings))
	if strings.Contains(log.String(), "hunter2") || !strings.Contains(log.String(), "[secret]") {
		t.Errorf("the log says %s", log.String())
	}
}

func TestTheTableOfSettingsIsComplete(t *testing.T) {
	table := app.Describe[app.ServeSettings]()
	for line := range strings.Lines(table) {
		if len(strings.Fields(line)) < 4 {
			t.Errorf("a setting without a meaning: %s", line)
		}
	}
	for _, name := range []string{"MEDICONNECT_DATABASE_URL", "MEDICONNECT_LOG_FORMAT"} {
		if !strings.Contains(table, name) {
			t.Errorf("%s is missing in\n%s", name, table)
		}
	}
}

func keyPEM(t *testing.T) (string, ed25519.PublicKey) {
	t.Helper()
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: bytes})), public
}

func privatePEM(t *testing.T) string {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bytes}))
}

func TestTheLimitsAreThoseOfTheServerUnlessSet(t *testing.T) {
	pemText, _ := keyPEM(t)
	settings, err := app.Load[app.ServeSettings]([]string{databaseURL, keysFolder, linkKey, "MEDICONNECT_TOKEN_PUBLIC_KEY=" + pemText})
	if err != nil {
		t.Fatal(err)
	}
	r, d := settings.Request, limits.Default()
	if r.Body != d.Body || r.Tokens != d.Tokens || r.Depth != d.Depth || r.Aliases != d.Aliases || r.Page != d.Page || r.Cost != d.Cost {
		t.Errorf("the settings %+v differ from the defaults %+v", r, d)
	}
}

func TestTrustedDocumentsAreLookedAtWhenTheServerStarts(t *testing.T) {
	pemText, _ := keyPEM(t)
	load := func(manifest string, more ...string) error {
		file := filepath.Join(t.TempDir(), "trusted.json")
		if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := app.Load[app.ServeSettings](append(more, databaseURL, keysFolder, linkKey, "MEDICONNECT_TOKEN_PUBLIC_KEY="+pemText, "MEDICONNECT_TRUSTED_DOCUMENTS="+file))
		return err
	}
	if err := load(`{"mine": "{ viewer { id kind } }"}`); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"one that doesn't fit the schema": load(`{"mine": "{ nothing }"}`),
		"one above a limit":               load(`{"mine": "{ viewer { id kind } }"}`, "MEDICONNECT_LIMIT_DEPTH=1"),
		"no manifest":                     load(`[]`),
	} {
		if err == nil || !strings.Contains(err.Error(), "MEDICONNECT_TRUSTED_DOCUMENTS must name") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
