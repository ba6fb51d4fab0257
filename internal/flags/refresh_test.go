package flags

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
)

var (
	enforced = detection(rollout("100", "enforce:1"))
	shadowed = detection(rollout("100", "shadow:1"))
)

func TestAChangeArrivesWithTheNextAnswerAndIsLogged(t *testing.T) {
	u := newStandIn(t, listing(shadowed))
	dir := t.TempDir()
	f, log, heard := asking(t, u, Options{Dir: dir, Token: "*:production.secret"})
	until(t, heard, func() bool { return f.variant(provider(1)) == "shadow" })
	u.now(listing(enforced))
	until(t, heard, func() bool { return f.variant(provider(1)) == "enforce" })
	is := f.State()
	if is.From != FromUnleash || is.Stale || is.Failed != 0 || is.Why != "" || is.Age < 0 {
		t.Errorf("it stands so: %+v", is)
	}
	if said := log.String(); strings.Count(said, "a flag's definition has changed") != 4 || !strings.Contains(said, "flag=booking.conflict-detection changed=[strategies]") || strings.Contains(said, "secret") {
		t.Errorf("logged %s", said)
	}
}

func TestTheTokenGoesToUnleashAloneAndNoFurther(t *testing.T) {
	elsewhere := newStandIn(t, listing(enforced))
	var got string
	u := newStandIn(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization") + " " + r.Method + " " + r.URL.Path
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	})
	f, _, heard := asking(t, u, Options{Token: "*:production.secret"})
	until(t, heard, func() bool { return f.State().Failed > 0 })
	if got != "*:production.secret GET /api/client/features" || elsewhere.asked.Load() != 0 || f.State().Why != "307" {
		t.Errorf("asked with %q, elsewhere %d times; %+v", got, elsewhere.asked.Load(), f.State())
	}
}

// Whatever Unleash does, what was known goes on to hold, and it is asked again with the next interval.
func TestWhenUnleashFailsTheLastStateHolds(t *testing.T) {
	for why, answer := range map[string]http.HandlerFunc{
		"503":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"401":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"429":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"unreadable":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>sorry</html>")) },
		"too long":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, longest+1)) },
		"unreachable": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(why, func(t *testing.T) {
			u := newStandIn(t, listing(enforced))
			f, log, heard := asking(t, u, Options{Dir: t.TempDir()})
			until(t, heard, func() bool { return f.variant(provider(1)) == "enforce" })
			u.now(answer)
			until(t, heard, func() bool { return f.State().Failed >= 3 })
			if is := f.State(); f.variant(provider(1)) != "enforce" || is.From != FromUnleash || is.Why != why {
				t.Errorf("it gives %s, and stands so: %+v", f.variant(provider(1)), is)
			}
			u.now(listing(shadowed))
			until(t, heard, func() bool { return f.variant(provider(1)) == "shadow" })
			if said := log.String(); strings.Count(said, "Unleash doesn't answer") != 1 || strings.Count(said, "Unleash answers again") != 1 {
				t.Errorf("logged %s", said)
			}
		})
	}
}

// What isn't a list must not take all flags away, nor be kept on disk.
func TestAnAnswerWithoutAListChangesNothing(t *testing.T) {
	for _, body := range []string{`{}`, `{"status":"ok"}`, `{"features":null}`, `[]`, `{"features":[]}{}`, ``} {
		u := newStandIn(t, listing(enforced))
		dir := t.TempDir()
		f, _, heard := asking(t, u, Options{Dir: dir})
		until(t, heard, func() bool { return f.State().Refreshed > 0 })
		u.now(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
		until(t, heard, func() bool { return f.State().Failed > 0 })
		kept, err := os.ReadFile(filepath.Join(dir, stateFile))
		if err != nil || f.variant(provider(1)) != "enforce" || !strings.Contains(string(kept), `"enforce"`) {
			t.Errorf("after %q: %s; on disk %s, %v", body, f.variant(provider(1)), kept, err)
		}
	}
}

// A call that hangs holds nothing up: neither the start, nor decisions, nor the end.
func TestNothingWaitsForAnUnleashThatHangs(t *testing.T) {
	gone := make(chan struct{})
	came := make(chan struct{}, 1)
	u := newStandIn(t, func(_ http.ResponseWriter, r *http.Request) {
		came <- struct{}{}
		select {
		case <-r.Context().Done():
			close(gone)
		case <-t.Context().Done():
		}
	})
	f, _, _ := asking(t, u, Options{Bootstrap: []byte(`{"features":[` + enforced + `]}`)})
	<-came
	if f.variant(provider(1)) != "enforce" || u.asked.Load() != 1 {
		t.Error("the bootstrap doesn't hold while it hangs")
	}
	f.Close()
	<-gone
}

func TestStalenessIsToldOnce(t *testing.T) {
	now := clock.FrozenAt(time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC))
	u := newStandIn(t, listing(enforced))
	f, log, heard := asking(t, u, Options{Clock: now, Dir: t.TempDir()})
	until(t, heard, func() bool { return f.State().From == FromUnleash })
	u.now(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	until(t, heard, func() bool { return f.State().Failed > 0 })
	if f.State().Stale {
		t.Errorf("it is stale at once: %+v", f.State())
	}
	now.Advance(time.Hour)
	failed := f.State().Failed
	until(t, heard, func() bool { return f.State().Failed > failed+3 })
	if is := f.State(); !is.Stale || is.AgeMs != time.Hour.Milliseconds() || f.variant(provider(1)) != "enforce" {
		t.Errorf("after an hour: %+v", is)
	}
	if said := log.String(); strings.Count(said, "flags are stale") != 1 {
		t.Errorf("logged %s", said)
	}
}

func TestARestartWithoutUnleashGoesOnWithTheLastState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "flags")
	bootstrap := []byte(`{"features":[` + shadowed + `]}`)
	u := newStandIn(t, listing(enforced))
	first, _, heard := asking(t, u, Options{Dir: dir, Bootstrap: bootstrap})
	until(t, heard, func() bool { return first.State().From == FromUnleash })
	first.Close()
	u.Server.Close()
	again, _, heard := asking(t, u, Options{Dir: dir, Bootstrap: bootstrap})
	if is := again.State(); again.variant(provider(1)) != "enforce" || is.From != FromDisk || is.Age < 0 {
		t.Errorf("from the first moment it gives %s, and stands so: %+v", again.variant(provider(1)), is)
	}
	until(t, heard, func() bool { return again.State().Why == "unreachable" })
	if again.variant(provider(1)) != "enforce" {
		t.Error("the failure has taken it away")
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, stateFile): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".flags-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestWithoutAStateThatCanBeReadTheBootstrapHolds(t *testing.T) {
	for name, text := range map[string]string{"cut off": `{"features":[{"name":"boo`, "empty": "", "something else": `{"hello":1}`, "too long": strings.Repeat(" ", longest+1)} {
		dir := t.TempDir()
		write(t, dir, text)
		u := newStandIn(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
		f, log, _ := asking(t, u, Options{Dir: dir, Bootstrap: []byte(`{"features":[` + shadowed + `]}`)})
		if f.variant(provider(1)) != "shadow" || f.State().From != FromBootstrap || !strings.Contains(log.String(), "the last state of the flags can't be read") || strings.Contains(log.String(), dir) {
			t.Errorf("%s: %s from %s; logged %s", name, f.variant(provider(1)), f.State().From, log)
		}
	}
	f, log := open(t, Options{Bootstrap: []byte("{")})
	if f.Decide(StaffOverrides, Subject{}, access.Actor{}).Enabled || f.State().From != FromNowhere || !strings.Contains(log.String(), "the safe defaults hold") {
		t.Errorf("with a bootstrap that can't be read: %+v; logged %s", f.State(), log)
	}
}

func TestAFolderThatCantBeWrittenIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	u := newStandIn(t, listing(enforced))
	f, log, heard := asking(t, u, Options{Dir: filepath.Join(file, "flags")})
	until(t, heard, func() bool { return f.State().Refreshed > 3 })
	if f.variant(provider(1)) != "enforce" || f.State().Unsaved == 0 || strings.Count(log.String(), "can't be kept on disk") != 1 {
		t.Errorf("%+v; logged %s", f.State(), log)
	}
}

// An Unleash that is away, and one that is hung, are never on the way of a decision: nothing is asked while a million are made.
func TestADecisionAsksNobody(t *testing.T) {
	u := newStandIn(t, listing(detection(rollout("25", "enforce:1"))))
	f, _, heard := asking(t, u, Options{Refresh: time.Hour})
	until(t, heard, func() bool { return f.State().From == FromUnleash })
	before := u.asked.Load()
	_ = share(f)
	if asked := u.asked.Load() - before; asked != 0 {
		t.Errorf("%d decisions asked %d times", keys, asked)
	}
}

func TestUnleashIsAskedOnceAnInterval(t *testing.T) {
	var asked []string
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked = append(asked, r.Method+" "+r.URL.Path); len(asked) == 4 {
			close(done)
		}
		listing(enforced)(w, r)
	}))
	defer server.Close()
	f, _, _ := asking(t, &standIn{Server: server}, Options{})
	_ = share(f)
	<-done
	f.Close()
	for _, what := range asked {
		if what != "GET /api/client/features" {
			t.Errorf("asked %v", asked)
		}
	}
}
