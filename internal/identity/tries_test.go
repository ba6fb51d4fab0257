package identity_test

import (
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/identity"
)

func TestAClockThatIsSetBackNeitherForgetsTriesNorKeepsThemForLonger(t *testing.T) {
	noon := time.Date(2031, 7, 14, 12, 0, 0, 0, time.UTC)
	for _, back := range []time.Duration{time.Second, time.Hour, 365 * 24 * time.Hour} {
		var tries identity.Tries
		var ok bool
		for i := range identity.MaxTries {
			if tries, _, ok = tries.Another(noon.Add(time.Duration(i) * time.Minute)); !ok {
				t.Fatalf("try %d is none", i+1)
			}
		}
		before := noon.Add(-back)
		tries, until, ok := tries.Another(before)
		if ok || !until.Equal(before.Add(identity.TriesWithin)) {
			t.Errorf("%v back: one more %v, again from %v", back, ok, until)
		}
		last := before.Add(identity.TriesWithin - time.Microsecond)
		if tries, until, ok = tries.Another(last); ok || !until.Equal(before.Add(identity.TriesWithin)) {
			t.Errorf("%v back, at the last moment: one more %v, again from %v", back, ok, until)
		}
		for i := range identity.MaxTries {
			if tries, _, ok = tries.Another(before.Add(identity.TriesWithin)); !ok {
				t.Errorf("%v back, after fifteen minutes: try %d is none", back, i+1)
			}
		}
		if _, _, ok = tries.Another(before.Add(identity.TriesWithin)); ok {
			t.Errorf("%v back: a sixth try", back)
		}
	}
}
