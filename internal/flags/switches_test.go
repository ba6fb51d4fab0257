package flags

import (
	"regexp"
	"slices"
	"testing"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
)

func TestEverySwitchIsDeclaredInFull(t *testing.T) {
	form := regexp.MustCompile(`^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for _, s := range All() {
		switch {
		case !form.MatchString(s.Key()) || seen[s.Key()]:
			t.Errorf("%q is no key of its own like room.switch", s.Key())
		case s.Owner() == "" || s.Gates() == "" || !s.Expires().IsValid():
			t.Errorf("%s lacks an owner, a day that it expires or what it gates", s.Key())
		case !slices.Contains([]StickTo{Organization, Provider, Patient}, s.StickTo()):
			t.Errorf("%s sticks to %q", s.Key(), s.StickTo())
		case len(s.Variants()) == 1:
			t.Errorf("%s has one variant: there is nothing to decide", s.Key())
		}
		seen[s.Key()] = true
		if found, known := Find(s.Key()); !known || found != s {
			t.Errorf("%s isn't found", s.Key())
		}
	}
}

// Only told here: `mediconnect flags check` refuses a release.
func TestASwitchThatIsOverIsTold(t *testing.T) {
	today := civil.DateOf(clock.System{}.Now())
	for _, s := range Expired(today) {
		t.Logf("\n*** THE FLAG %s HAS EXPIRED ON %s: %s takes it out of the program ***", s.Key(), s.Expires(), s.Owner())
	}
	last := ConflictDetection.Expires()
	if len(Expired(last.AddDays(-1))) != 0 || !slices.Contains(Expired(last), ConflictDetection) {
		t.Error("a switch isn't over from the day on which it expires")
	}
}

func TestTheBootstrapsKnowEverySwitch(t *testing.T) {
	off, log := open(t, Options{})
	on, _ := open(t, Options{Bootstrap: ForDevelopment()})
	for _, s := range All() {
		for name, f := range map[string]*Flags{"safe": off, "development": on} {
			if f.rules.Load().of[s.at].raw == nil {
				t.Errorf("the bootstrap %s lacks %s", name, s.Key())
			}
		}
		if got := off.Decide(s, Subject{}, access.Actor{}); got.Enabled || s.Default() != Off && got.Variant != s.Default() {
			t.Errorf("by the safe bootstrap, %s is %+v", s.Key(), got)
		}
		ways := s.ways()
		if got := on.Decide(s, Subject{}, access.Actor{}); !got.Enabled || len(s.Variants()) > 0 && got.Variant != ways[len(ways)-1] {
			t.Errorf("in development, %s is %+v", s.Key(), got)
		}
	}
	if log.String() != "" || off.State().From != FromBootstrap {
		t.Errorf("from %s; logged %s", off.State().From, log)
	}
}
