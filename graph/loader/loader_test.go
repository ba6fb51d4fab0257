package loader

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// lengths answers a text's length, but for "none", and notes what it was asked for.
type lengths struct {
	mu      sync.Mutex
	fetched [][]string
	fail    error
	panics  bool
	ctx     context.Context
}

func (l *lengths) fetch(ctx context.Context, keys []string) (map[string]int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fetched, l.ctx = append(l.fetched, keys), ctx
	if l.panics {
		panic("broken")
	}
	found := map[string]int{}
	for _, key := range keys {
		if key != "none" {
			found[key] = len(key)
		}
	}
	return found, errors.Join(l.fail, ctx.Err())
}

func TestAnswersComeInTheOrderAsked(t *testing.T) {
	from := &lengths{}
	got, err := batch(from.fetch).LoadAll(t.Context(), []string{"ccc", "none", "a", "bb", "a"})
	if err != nil || *got[0] != 3 || got[1] != nil || *got[2] != 1 || *got[3] != 2 || *got[4] != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	if len(from.fetched) != 1 || len(from.fetched[0]) != 4 {
		t.Errorf("fetched %v", from.fetched)
	}
}

func TestWhatBelongsTogetherIsFetchedAtOnceAndOnlyWhenAskedFor(t *testing.T) {
	from := &lengths{}
	l := batch(from.fetch)
	l.Together([]string{"a", "bb", "a"})
	l.Together([]string{"bb", "ccc"})
	if len(from.fetched) != 0 {
		t.Fatalf("fetched %v before anything was asked for", from.fetched)
	}
	for _, key := range []string{"bb", "a", "bb"} {
		if n, err := l.Load(t.Context(), key); err != nil || *n != len(key) {
			t.Errorf("%s: %v, %v", key, n, err)
		}
	}
	if len(from.fetched) != 1 || !slices.Equal(from.fetched[0], []string{"a", "bb"}) {
		t.Errorf("fetched %v", from.fetched)
	}
}

func TestALargeGroupIsFetchedInParts(t *testing.T) {
	from := &lengths{}
	l := batch(from.fetch)
	keys := make([]string, capacity+1)
	for i := range keys {
		keys[i] = strings.Repeat("x", i+1)
	}
	if _, err := l.LoadAll(t.Context(), keys); err != nil || len(from.fetched) != 2 {
		t.Errorf("%d fetches, %v", len(from.fetched), err)
	}
}

func TestAFetchOutlivesTheFieldThatAskedFirst(t *testing.T) {
	from := &lengths{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := batch(from.fetch).Load(ctx, "a"); err != nil || *n != 1 {
		t.Errorf("%v, %v", n, err)
	}
	if deadline, ok := from.ctx.Deadline(); !ok || time.Until(deadline) > timeout {
		t.Errorf("the fetch may run until %v", deadline)
	}
}

func TestFailuresAndPanicsReachWhoAsked(t *testing.T) {
	for name, from := range map[string]*lengths{"failure": {fail: errors.New("down")}, "panic": {panics: true}} {
		l := batch(from.fetch)
		l.Together([]string{"a", "bb"})
		for _, key := range []string{"a", "bb", "alone"} {
			if _, err := l.Load(t.Context(), key); err == nil {
				t.Errorf("%s: %s was answered", name, key)
			}
		}
	}
}

// Whoever isn't within a request has no caller, so that nothing may be loaded for them.
func TestNothingIsLoadedOutsideARequest(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("there are loaders without a request")
		}
	}()
	From(t.Context())
}
