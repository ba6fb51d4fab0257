package flags

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
)

const keys = 100_000

// share is how many of the test's providers get each variant.
func share(f *Flags) map[string]int {
	got := map[string]int{}
	for n := range keys {
		got[f.variant(provider(n))]++
	}
	return got
}

func TestAQuarterIsAQuarterOfAllProvidersAndStaysTheSame(t *testing.T) {
	f, _ := knowing(t, detection(rollout("25", "enforce:1000")))
	got := share(f)
	if percent := float64(got["enforce"]) * 100 / keys; percent < 24.5 || percent > 25.5 || got["enforce"]+got["off"] != keys {
		t.Fatalf("of %d providers, %v", keys, got)
	}
	again, _ := knowing(t, detection(rollout("25", "enforce:1000")))
	for n := range keys {
		if of := provider(n); f.variant(of) != again.variant(of) {
			t.Fatalf("provider %d gets something else after a restart", n)
		}
	}
}

func TestWhoeverHasItKeepsItWhileItGrows(t *testing.T) {
	before, _ := knowing(t, detection(rollout("25", "enforce:1000")))
	after, _ := knowing(t, detection(rollout("60", "enforce:1000")))
	for n := range keys {
		if of := provider(n); before.variant(of) == "enforce" && after.variant(of) != "enforce" {
			t.Fatalf("provider %d has lost it", n)
		}
	}
	if got := share(after); got["enforce"] < keys*59/100 || got["enforce"] > keys*61/100 {
		t.Errorf("of %d providers, %v", keys, got)
	}
}

func TestVariantsShareByTheirWeights(t *testing.T) {
	f, _ := knowing(t, detection(rollout("100", "off:500", "shadow:300", "enforce:200")))
	got := share(f)
	for variant, want := range map[string]int{"off": 50, "shadow": 30, "enforce": 20} {
		if percent := float64(got[variant]) * 100 / keys; percent < float64(want)-.5 || percent > float64(want)+.5 {
			t.Errorf("%s: %.2f %%, not %d", variant, percent, want)
		}
	}
}

// Whatever stickiness is set in Unleash: one that the subject lacks, or chance, would draw anew each time.
func TestAFlagSticksToWhatItIsDeclaredToStickTo(t *testing.T) {
	for _, stickiness := range []string{"random", "patientId", "sessionId", ""} {
		st := strings.ReplaceAll(rollout("50", "shadow:500", "enforce:500"), `"stickiness":"default"`, `"stickiness":"`+stickiness+`"`)
		f, _ := knowing(t, detection(st))
		for n := range 200 {
			of := provider(n)
			first := f.variant(of)
			for range 5 {
				of.Patient = uuid.New() // is of no concern to it
				if again := f.variant(of); again != first {
					t.Fatalf("with stickiness %q, provider %d gets %s and then %s", stickiness, n, first, again)
				}
			}
		}
	}
}

func TestWhoHasNothingToStickToStaysTheSame(t *testing.T) {
	f, _ := knowing(t, detection(rollout("50", "shadow:500", "enforce:500")))
	clinic := Subject{Organization: uuid.New()}
	for _, of := range []Subject{{}, clinic} {
		first := f.variant(of)
		for range 50 {
			if f.variant(of) != first {
				t.Fatalf("%v is drawn anew", of)
			}
		}
	}
	at := func(of Subject) string { return of.stuck(Provider) }
	if at(clinic) != clinic.Organization.String() || at(Subject{Organization: clinic.Organization, Provider: clinic.Organization}) != at(clinic) {
		t.Error("without a provider, the organisation isn't what it sticks to")
	}
}

func TestAReasonSaysWhatDecided(t *testing.T) {
	mine := provider(7)
	only := func(st string) string {
		return strings.Replace(st, "{", `{"constraints":[{"contextName":"providerId","operator":"IN","values":["`+mine.Provider.String()+`"]}],`, 1)
	}
	yours := func(n int) string { // in or out of a quarter
		f, _ := knowing(t, detection(rollout("25", "enforce:1000")))
		return f.variant(provider(n))
	}
	in, out := 0, 0
	for n := range 100 {
		if yours(n) == "enforce" {
			in = n
		} else {
			out = n
		}
	}
	for name, c := range map[string]struct {
		features string
		of       Subject
		want     access.Feature
	}{
		"unknown":             {"", mine, access.Feature{Variant: "off", Reason: access.FeatureDefault}},
		"switched off":        {strings.Replace(detection(rollout("100", "enforce:1")), `"enabled":true`, `"enabled":false`, 1), mine, access.Feature{Variant: "off", Reason: access.FeatureDefault}},
		"everybody":           {detection(rollout("100", "enforce:1")), mine, access.Feature{Enabled: true, Variant: "enforce", Reason: access.FeatureEverybody}},
		"within a percentage": {detection(rollout("25", "enforce:1")), provider(in), access.Feature{Enabled: true, Variant: "enforce", Reason: access.FeatureRollout}},
		"outside of it":       {detection(rollout("25", "enforce:1")), provider(out), access.Feature{Variant: "off", Reason: access.FeatureRollout}},
		"a variant's share":   {detection(rollout("100", "shadow:0", "enforce:1")), mine, access.Feature{Enabled: true, Variant: "enforce", Reason: access.FeatureEverybody}},
		"who it is":           {detection(only(rollout("100", "shadow:1"))), mine, access.Feature{Enabled: true, Variant: "shadow", Reason: access.FeatureTargeting}},
		"who it isn't":        {detection(only(rollout("100", "shadow:1"))), provider(8), access.Feature{Variant: "off", Reason: access.FeatureTargeting}},
		"first who it is":     {detection(only(rollout("100", "shadow:1")), rollout("100", "enforce:1")), mine, access.Feature{Enabled: true, Variant: "shadow", Reason: access.FeatureTargeting}},
		"then everybody":      {detection(only(rollout("100", "shadow:1")), rollout("100", "enforce:1")), provider(8), access.Feature{Enabled: true, Variant: "enforce", Reason: access.FeatureEverybody}},
		"the first, off":      {detection(only(rollout("100", "off:1")), rollout("100", "enforce:1")), mine, access.Feature{Variant: "off", Reason: access.FeatureTargeting}},
	} {
		f, _ := knowing(t, c.features)
		c.want.Key = "booking.conflict-detection"
		if got := f.Decide(ConflictDetection, c.of, access.Actor{}); got != c.want {
			t.Errorf("%s: %+v, not %+v", name, got, c.want)
		}
	}
}

// Each of these is what the SDK would draw by chance, forget on disk, or choke on.
func TestAFlagThatCantBeDoneIsOffAndLogged(t *testing.T) {
	with := func(part string) string { return strings.Replace(rollout("100", "enforce:1"), "{", "{"+part+",", 1) }
	for name, feature := range map[string]string{
		"segment":         detection(with(`"segments":[1]`)),
		"by chance":       detection(`{"name":"gradualRolloutRandom","parameters":{"percentage":"100"}}`),
		"by host":         detection(`{"name":"applicationHostname","parameters":{"hostNames":"here"}}`),
		"of nobody's":     detection(`{"name":"lottery"}`),
		"by number":       detection(with(`"constraints":[{"contextName":"providerId","operator":"NUM_GT","value":"x"}]`)),
		"unknown check":   detection(with(`"constraints":[{"contextName":"providerId","operator":"LIKE","values":["x"]}]`)),
		"bad date":        detection(with(`"constraints":[{"contextName":"currentTime","operator":"DATE_AFTER","value":"soon"}]`)),
		"no percentage":   detection(`{"name":"flexibleRollout","parameters":{"rollout":"some","stickiness":"default"}}`),
		"weightless":      detection(rollout("100", "enforce:0")),
		"less than that":  detection(rollout("100", "enforce:-1", "shadow:2")),
		"dependent":       strings.Replace(detection(rollout("100", "enforce:1")), `"enabled":true`, `"enabled":true,"dependencies":[{"feature":"other"}]`, 1),
		"after what fits": detection(rollout("100", "enforce:1"), with(`"segments":[1]`)),
	} {
		f, log := knowing(t, feature)
		for n := range 50 {
			if got := f.Decide(ConflictDetection, provider(n), access.Actor{}); got.Enabled || got.Variant != "off" || got.Reason != access.FeatureDefault {
				t.Errorf("%s: %+v", name, got)
				break
			}
		}
		if !strings.Contains(log.String(), "a flag can't be used as it is set in Unleash") || len(f.State().Unused) != 1 {
			t.Errorf("%s: nobody is told: %s", name, log)
		}
	}
	// What one such flag would have done to all others.
	if f, _ := knowing(t, overriding()); !f.Decide(StaffOverrides, provider(1), access.Actor{}).Enabled {
		t.Error("a flag that is on is off")
	}
	if f, _ := knowing(t, ""); f.Decide(StaffOverrides, provider(1), access.Actor{}).Enabled {
		t.Error("a flag that nobody knows is on")
	}
}

func TestATimeAndTextsAreChecked(t *testing.T) {
	on := func(constraint string) bool {
		f, log := knowing(t, overriding(`{"name":"default","constraints":[`+constraint+`]}`))
		if is := f.State(); len(is.Unused) > 0 {
			t.Errorf("%s can't be used: %s", constraint, log)
		}
		return f.Decide(StaffOverrides, provider(1), access.Actor{}).Enabled
	}
	clinic := provider(1).Organization.String()
	for constraint, want := range map[string]bool{
		`{"contextName":"organizationId","operator":"IN","values":["` + clinic + `"]}`:                          true,
		`{"contextName":"organizationId","operator":"IN","values":["` + clinic + `"],"inverted":true}`:          false,
		`{"contextName":"organizationId","operator":"NOT_IN","values":["` + clinic + `"]}`:                      false,
		`{"contextName":"organizationId","operator":"STR_STARTS_WITH","values":["` + clinic[:8] + `"]}`:         true,
		`{"contextName":"patientId","operator":"IN","values":["` + clinic + `"]}`:                               false,
		`{"contextName":"currentTime","operator":"DATE_AFTER","value":"2020-01-01T00:00:00Z","values":[]}`:      true,
		`{"contextName":"currentTime","operator":"DATE_BEFORE","value":"2020-01-01T00:00:00.000Z"}`:             false,
		`{"contextName":"currentTime","operator":"DATE_BEFORE","value":"2020-01-01T00:00:00Z","inverted":true}`: true,
	} {
		if on(constraint) != want {
			t.Errorf("%s: %v", constraint, !want)
		}
	}
}

func TestAPanicOfTheSDKMeansTheSafeDefaultAndIsCounted(t *testing.T) {
	f, _ := knowing(t, detection(strings.Replace(rollout("100", "enforce:1"), `"groupId":"booking.conflict-detection"`, `"groupId":7`, 1)))
	if got := f.Decide(ConflictDetection, provider(1), access.Actor{}); got.Enabled || got.Variant != "off" || got.Reason != access.FeatureDefault {
		t.Errorf("decided %+v", got)
	}
	if got := f.Tally(ConflictDetection); got.Faults["panic"] != 1 || got.Decisions["off"] != 1 {
		t.Errorf("counted %+v", got)
	}
}

func TestAnUnknownVariantMeansTheSafeDefaultAndIsCounted(t *testing.T) {
	for _, st := range []string{rollout("100", "everything:1"), rollout("100")} {
		f, _ := knowing(t, detection(st))
		if got := f.Decide(ConflictDetection, provider(1), access.Actor{}); got.Enabled || got.Variant != "off" || got.Reason != access.FeatureDefault {
			t.Errorf("%s: decided %+v", st, got)
		}
		if got := f.Tally(ConflictDetection); got.Faults["variant"] != 1 {
			t.Errorf("%s: counted %+v", st, got)
		}
	}
}

func TestNobodysFlagsAndUndeclaredSwitchesAreSafe(t *testing.T) {
	var none *Flags
	if got := none.Decide(ConflictDetection, Subject{}, access.Actor{}); got != (access.Feature{Key: "booking.conflict-detection", Variant: "off", Reason: access.FeatureDefault}) {
		t.Errorf("without flags: %+v", got)
	}
	f, _ := knowing(t, overriding())
	if got := f.Decide(Switch{}, Subject{}, access.Actor{}); got.Enabled {
		t.Errorf("a switch that isn't declared: %+v", got)
	}
	none.Close()
}

func TestATestersWishComesFirst(t *testing.T) {
	f, _ := knowing(t, detection(rollout("100", "enforce:1")))
	tester := access.Actor{Overrides: map[string]string{"booking.conflict-detection": "shadow", "booking.staff-overrides": "on"}}
	if got := f.Decide(ConflictDetection, provider(1), tester); got != (access.Feature{Key: "booking.conflict-detection", Enabled: true, Variant: "shadow", Reason: access.FeatureOverride}) {
		t.Errorf("decided %+v", got)
	}
	if got := f.Decide(StaffOverrides, provider(1), tester); got != (access.Feature{Key: "booking.staff-overrides", Enabled: true, Reason: access.FeatureOverride}) {
		t.Errorf("decided %+v", got)
	}
	if got := f.Decide(ConflictDetection, provider(1), access.Actor{Overrides: map[string]string{"booking.conflict-detection": "on"}}); got.Variant != "enforce" {
		t.Errorf("a wish for what the switch can't be: %+v", got)
	}
	if got := f.Tally(ConflictDetection); got.Overrides != 1 || !maps.Equal(got.Decisions, map[string]int64{"off": 0, "shadow": 1, "enforce": 1}) {
		t.Errorf("counted %+v", got)
	}
	if got := f.Times(); got.Count != 3 || got.Sum <= 0 {
		t.Errorf("timed %+v", got)
	}
}
