package app

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/flags"
)

func TestFlagSettingsSayWhatIsMissing(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := map[string]string{"UNLEASH_URL": "https://unleash.example.org/api", "UNLEASH_TOKEN": "*:production.abc", "UNLEASH_STATE": "/var/lib/x"}
	for name, c := range map[string]struct {
		changes map[string]string
		at      string
	}{
		"all there":      {nil, ""},
		"none":           {map[string]string{"UNLEASH_URL": "", "UNLEASH_TOKEN": "", "UNLEASH_STATE": ""}, ""},
		"this machine":   {map[string]string{"UNLEASH_URL": "http://127.0.0.1:4242/api"}, ""},
		"unencrypted":    {map[string]string{"UNLEASH_URL": "http://unleash.example.org/api"}, "UNLEASH_URL"},
		"with a user":    {map[string]string{"UNLEASH_URL": "https://a:b@unleash.example.org/api"}, "UNLEASH_URL"},
		"no token":       {map[string]string{"UNLEASH_TOKEN": ""}, "UNLEASH_TOKEN"},
		"no folder":      {map[string]string{"UNLEASH_STATE": ""}, "UNLEASH_STATE"},
		"no file":        {map[string]string{"UNLEASH_BOOTSTRAP": bad + "x"}, "UNLEASH_BOOTSTRAP"},
		"not a list":     {map[string]string{"UNLEASH_BOOTSTRAP": bad}, "UNLEASH_BOOTSTRAP"},
		"who overrides":  {map[string]string{"FLAG_OVERRIDES": "everybody"}, "FLAG_OVERRIDES"},
		"key of another": {map[string]string{"FLAG_OVERRIDE_KEY": "c2hvcnQ="}, "FLAG_OVERRIDE_KEY"},
	} {
		var environ []string
		for key, value := range whole {
			if other, changed := c.changes[key]; changed {
				value = other
			}
			environ = append(environ, settingPrefix+key+"="+value)
		}
		for key, value := range c.changes {
			if _, there := whole[key]; !there {
				environ = append(environ, settingPrefix+key+"="+value)
			}
		}
		_, err := Load[SwitchSettings](environ)
		if c.at == "" && err != nil || c.at != "" && (err == nil || strings.Count(err.Error(), "\n") != 1 || !strings.Contains(err.Error(), settingPrefix+c.at+" ")) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "example.org") || strings.Contains(err.Error(), bad)) {
			t.Errorf("%s: the fault shows a value: %v", name, err)
		}
	}
}

// unleashed is an Unleash as a list needs one.
func unleashed(t *testing.T, answer http.HandlerFunc) []string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return []string{settingPrefix + "UNLEASH_URL=" + server.URL + "/api", settingPrefix + "UNLEASH_TOKEN=secret", settingPrefix + "UNLEASH_STATE=" + t.TempDir()}
}

func TestTheListOfFlagsHasWhatUnleashSays(t *testing.T) {
	var out bytes.Buffer
	environ := unleashed(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"features":[{"name":"booking.conflict-detection","enabled":true,"strategies":[
			{"name":"flexibleRollout","constraints":[{"contextName":"organizationId","operator":"IN","values":["x"]}],"parameters":{"rollout":"100"},"variants":[{"name":"enforce","weight":1000}]},
			{"name":"flexibleRollout","parameters":{"rollout":"25"},"variants":[{"name":"shadow","weight":900},{"name":"enforce","weight":100}]}]}]}`))
	})
	if err := ListFlags(t.Context(), environ, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"booking.conflict-detection", "off, shadow, enforce", "providerId", "scheduling", "2027-06-30", "the full detection of conflicts", "booking.staff-overrides", "not there",
		"on for whoever meets a constraint, as enforce; else on for 25 % of everybody, as shadow (900) or enforce (100)", "NOW is from: unleash",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the list lacks %q:\n%s", want, out.String())
		}
	}
	if kept, err := os.ReadDir(strings.TrimPrefix(environ[2], settingPrefix+"UNLEASH_STATE=")); err != nil || len(kept) > 0 {
		t.Errorf("it has kept %v, %v", kept, err)
	}
}

func TestTheListOfFlagsSaysThatUnleashIsAway(t *testing.T) {
	var out bytes.Buffer
	err := ListFlags(t.Context(), unleashed(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }), &out)
	if err == nil || !strings.Contains(err.Error(), "what Unleash says could not be asked (403)") || !strings.Contains(out.String(), "booking.staff-overrides") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestAReleaseIsRefusedWhenASwitchHasExpired(t *testing.T) {
	var out bytes.Buffer
	last := flags.ConflictDetection.Expires()
	if err := checkFlags(last.AddDays(-1), &out); err != nil {
		t.Errorf("on the day before: %v", err)
	}
	if err := checkFlags(last, &out); err == nil || !strings.Contains(out.String(), "booking.conflict-detection has expired on 2027-06-30: scheduling") {
		t.Errorf("%v: %s", err, out.String())
	}
	if err := checkFlags(civil.Date{Year: 2030, Month: 1, Day: 1}, &out); err == nil {
		t.Error("years later it isn't over")
	}
}

func TestAnOverrideIsSignedWithTheKeyThatServersHave(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	environ := []string{settingPrefix + "FLAG_OVERRIDE_KEY=" + base64.StdEncoding.EncodeToString(key)}
	organization := uuid.New()
	var out, notes bytes.Buffer
	if err := OverrideFlags(environ, OverrideOptions{Flags: []string{"booking.staff-overrides=on"}, Organization: organization.String(), For: flags.LongestOverride}, &out, &notes); err != nil {
		t.Fatal(err)
	}
	accept := flags.Overrides{Key: key, From: flags.Staffs, Clock: clock.System{}}.Accept
	wished, _, err := accept(strings.TrimSpace(out.String()), access.Actor{Kind: access.Staff, Organization: organization})
	if err != nil || wished["booking.staff-overrides"] != "on" || !strings.Contains(notes.String(), "MediConnect-Feature-Override") {
		t.Errorf("%v, %v; %s", wished, err, notes.String())
	}
	for name, c := range map[string]struct {
		environ []string
		flags   []string
	}{
		"no key": {nil, []string{"booking.staff-overrides=on"}}, "no value": {environ, []string{"booking.staff-overrides"}}, "twice": {environ, []string{"booking.staff-overrides=on", "booking.staff-overrides=off"}},
		"none": {environ, nil}, "unknown": {environ, []string{"x=on"}},
	} {
		out.Reset()
		if err := OverrideFlags(c.environ, OverrideOptions{Flags: c.flags, For: flags.LongestOverride}, &out, &notes); err == nil || out.Len() > 0 {
			t.Errorf("%s: signed %s", name, out.String())
		}
	}
}
