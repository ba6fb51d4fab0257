package flags

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/unleashtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// These ask a real Unleash. One flag is for each of the two that go on at once.
func TestAgainstARealUnleash(t *testing.T) {
	u := unleashtest.Start(t)
	t.Run("at once", func(t *testing.T) {
		t.Run("a change arrives at the interval that is usual", func(t *testing.T) {
			t.Parallel()
			aChangeArrives(t, u)
		})
		t.Run("whoever", func(t *testing.T) {
			t.Parallel()
			for _, c := range []struct {
				name string
				test func(*testing.T, *unleashtest.Server)
			}{
				{"a quarter is a quarter everywhere and after a restart, and grows", aQuarter},
				{"variants share by their weights", variantsShare},
				{"constraints say who", constraintsSayWho},
				{"a segment isn't used", segmentsAreNot},
				{"Unleash goes away and comes back", comesAndGoes},
				{"a decision sends nothing", sendsNothing},
			} {
				t.Run(c.name, func(t *testing.T) { c.test(t, u) })
			}
		})
	})
}

// quick is an interval at which a real one can be asked.
const quick = 100 * time.Millisecond

// over are flags that ask a real Unleash by a way.
func over(t *testing.T, way *unleashtest.Way, opts Options) (*Flags, *told, <-chan struct{}) {
	t.Helper()
	opts.URL, opts.Token = way.URL(), unleashtest.ClientToken
	if opts.Refresh == 0 {
		opts.Refresh = quick
	}
	heard := make(chan struct{}, 1)
	opts.Heard = func() {
		select {
		case heard <- struct{}{}:
		default:
		}
	}
	f, log := open(t, opts)
	return f, log, heard
}

const key = "booking.conflict-detection"

// knows waits until flags have a definition with as many strategies at a percentage.
func knows(f *Flags, percent string) func() bool {
	return func() bool {
		raw := f.rules.Load().of[ConflictDetection.at].raw
		return f.State().From == FromUnleash && raw != nil && raw.Enabled && len(raw.Strategies) > 0 && raw.Strategies[0].Parameters["rollout"] == percent
	}
}

func aChangeArrives(t *testing.T, u *unleashtest.Server) {
	u.Set(t, StaffOverrides.Key())
	f, _, heard := over(t, u.Way(t), Options{Refresh: DefaultRefresh})
	until(t, heard, func() bool { return f.State().Refreshed == 1 })
	u.Set(t, StaffOverrides.Key(), unleashtest.Rollout("100"))
	before, began := f.State().Refreshed, clock.Uptime()
	until(t, heard, func() bool { return f.Decide(StaffOverrides, provider(1), access.Actor{}).Enabled })
	t.Logf("it was live after %v", clock.Uptime()-began)
	if asked := f.State().Refreshed - before; asked > 2 { // one may have been under way
		t.Errorf("it was told with the question %d after the change, not the next", asked)
	}
}

func aQuarter(t *testing.T, u *unleashtest.Server) {
	u.Set(t, key, unleashtest.Rollout("25", unleashtest.Rest("enforce")))
	way, dir := u.Way(t), t.TempDir()
	one, _, heardOne := over(t, way, Options{Dir: dir})
	other, _, heardOther := over(t, u.Way(t), Options{})
	until(t, heardOne, knows(one, "25"))
	until(t, heardOther, knows(other, "25"))
	got := share(one)
	if percent := float64(got["enforce"]) * 100 / keys; percent < 24.5 || percent > 25.5 || got["enforce"]+got["off"] != keys {
		t.Fatalf("of %d providers, %v", keys, got)
	}
	t.Logf("of %d providers, %v", keys, got)
	one.Close()
	way.Cut()
	again, _, _ := over(t, way, Options{Dir: dir})
	if from := again.State().From; from != FromDisk {
		t.Fatalf("after a restart it is from %s", from)
	}
	had := map[Subject]bool{}
	for n := range keys {
		of := provider(n)
		before := one.variant(of)
		if had[of] = before == "enforce"; before != other.variant(of) || before != again.variant(of) {
			t.Fatalf("provider %d gets %s, elsewhere %s, after a restart %s", n, before, other.variant(of), again.variant(of))
		}
	}
	u.Set(t, key, unleashtest.Rollout("60", unleashtest.Rest("enforce")))
	until(t, heardOther, knows(other, "60"))
	for of, before := range had {
		if before && other.variant(of) != "enforce" {
			t.Fatalf("%v has lost it as it grew", of)
		}
	}
}

func variantsShare(t *testing.T, u *unleashtest.Server) {
	u.Set(t, key, unleashtest.Rollout("99", unleashtest.To("off", 500), unleashtest.To("shadow", 300), unleashtest.Rest("enforce")))
	f, _, heard := over(t, u.Way(t), Options{})
	until(t, heard, knows(f, "99"))
	got := share(f)
	for variant, want := range map[string]float64{"shadow": 29.7, "enforce": 19.8} {
		if percent := float64(got[variant]) * 100 / keys; percent < want-.5 || percent > want+.5 {
			t.Errorf("%s: %.2f %%, not %.1f", variant, percent, want)
		}
	}
	again, _, heard := over(t, u.Way(t), Options{})
	until(t, heard, knows(again, "99"))
	if others := share(again); !maps.Equal(got, others) {
		t.Errorf("elsewhere %v, not %v", others, got)
	}
}

func constraintsSayWho(t *testing.T, u *unleashtest.Server) {
	clinic := provider(1).Organization.String()
	first := unleashtest.Rollout("100", unleashtest.Rest("enforce"))
	first.Constraints = []unleashtest.Constraint{{ContextName: "organizationId", Operator: "IN", Values: []string{clinic}}}
	u.Set(t, key, first, unleashtest.Rollout("100", unleashtest.Rest("shadow")))
	f, _, heard := over(t, u.Way(t), Options{})
	elsewhere := Subject{Organization: uuid.New(), Provider: uuid.New()}
	until(t, heard, func() bool { return len(f.rules.Load().of[ConflictDetection.at].rules) == 2 }) // they are set one after the other
	if got := f.Decide(ConflictDetection, provider(1), access.Actor{}); got.Variant != "enforce" || got.Reason != access.FeatureTargeting {
		t.Errorf("the clinic that was named gets %+v", got)
	}
	if got := f.Decide(ConflictDetection, elsewhere, access.Actor{}); got.Variant != "shadow" || got.Reason != access.FeatureEverybody {
		t.Errorf("another gets %+v", got)
	}
	u.Set(t, key) // off
	until(t, heard, func() bool { return f.variant(provider(1)) == "off" && f.variant(elsewhere) == "off" })
}

func segmentsAreNot(t *testing.T, u *unleashtest.Server) {
	clinic := provider(1).Organization.String()
	segmented := unleashtest.Rollout("100", unleashtest.Rest("enforce"))
	segmented.Segments = []int{u.Segment(t, "pilots", unleashtest.Constraint{ContextName: "organizationId", Operator: "IN", Values: []string{clinic}})}
	u.Set(t, key, segmented)
	f, log, heard := over(t, u.Way(t), Options{})
	until(t, heard, func() bool { return f.State().From == FromUnleash && len(f.State().Unused) > 0 })
	if f.variant(provider(1)) != "off" || !strings.Contains(log.String(), "it uses a segment") {
		t.Errorf("it gives %s; logged %s", f.variant(provider(1)), log)
	}
}

func comesAndGoes(t *testing.T, u *unleashtest.Server) {
	u.Set(t, key, unleashtest.Rollout("100", unleashtest.Rest("shadow")))
	way := u.Way(t)
	way.Cut()
	f, _, heard := over(t, way, Options{Dir: t.TempDir(), Bootstrap: []byte(`{"features":[` + enforced + `]}`)})
	if f.variant(provider(1)) != "enforce" {
		t.Error("before it could be asked, the bootstrap doesn't hold")
	}
	until(t, heard, func() bool { return f.State().Why == "unreachable" })
	way.Mend()
	until(t, heard, func() bool { return f.variant(provider(1)) == "shadow" })
	way.Cut()
	failed := f.State().Failed
	until(t, heard, func() bool { return f.State().Failed > failed+2 })
	if f.variant(provider(1)) != "shadow" || f.State().From != FromUnleash {
		t.Errorf("after it has gone: %s, %+v", f.variant(provider(1)), f.State())
	}
	u.Set(t, key, unleashtest.Rollout("100", unleashtest.Rest("enforce")))
	way.Mend()
	until(t, heard, func() bool { return f.variant(provider(1)) == "enforce" })
}

func sendsNothing(t *testing.T, u *unleashtest.Server) {
	u.Set(t, key, unleashtest.Rollout("25", unleashtest.Rest("enforce")))
	way := u.Way(t)
	f, _, heard := over(t, way, Options{Refresh: time.Hour})
	until(t, heard, func() bool { return f.State().Refreshed == 1 })
	before := way.Sent()
	if before == 0 {
		t.Error("nothing was asked by this way at all")
	}
	_ = share(f)
	if after := way.Sent(); after != before {
		t.Errorf("%d decisions have sent %d bytes", keys, after-before)
	}
}
