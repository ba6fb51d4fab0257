package keyring_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/keyring"
	"github.com/mediconnect/mediconnect/internal/seal"
)

var then = time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)

// folder makes one whose processes remember keys for a while.
func folder(t *testing.T, remember time.Duration) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	must(t, keyring.Create(dir, then, remember))
	return dir
}

func open(t *testing.T, dir string) *keyring.Ring {
	t.Helper()
	ring, err := keyring.Open(dir)
	must(t, err)
	return ring
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func people(n int) []seal.Subject {
	org, list := uuid.New(), make([]seal.Subject, n)
	for i := range list {
		list[i] = seal.Subject{Organization: org, ID: uuid.New()}
	}
	return list
}

func current(t *testing.T, ring *keyring.Ring, about ...seal.Subject) map[seal.Subject]seal.Key {
	t.Helper()
	keys, err := ring.Current(t.Context(), about)
	must(t, err)
	return keys
}

func ids(keys map[seal.Subject]seal.Key) (list []seal.KeyID) {
	for s, k := range keys {
		list = append(list, seal.KeyID{Subject: s, Generation: k.Generation})
	}
	return list
}

// opens says that a ring knows the very same keys.
func opens(t *testing.T, ring *keyring.Ring, keys map[seal.Subject]seal.Key) {
	t.Helper()
	found, err := ring.Keys(t.Context(), ids(keys))
	must(t, err)
	for s, k := range keys {
		if found[seal.KeyID{Subject: s, Generation: k.Generation}].Secret != k.Secret {
			t.Fatalf("of %d keys, %d are found, and that of %s is another", len(keys), len(found), s.ID)
		}
	}
}

func TestEachSubjectHasAKeyOfItsOwnThatStays(t *testing.T) {
	dir := folder(t, time.Minute)
	about := people(1000)
	about = append(about, about[0], seal.Subject{Organization: uuid.New(), ID: about[0].ID})
	keys := current(t, open(t, dir), about...)
	secrets := map[[32]byte]bool{{}: true}
	for _, k := range keys {
		if secrets[k.Secret] || k.Generation != 1 {
			t.Fatalf("a first key is empty, shared or of generation %d", k.Generation)
		}
		secrets[k.Secret] = true
	}
	if len(keys) != 1001 {
		t.Fatalf("%d keys", len(keys))
	}
	opens(t, open(t, dir), keys)
	if again := current(t, open(t, dir), about...); !reflect.DeepEqual(secretsOf(again), secretsOf(keys)) {
		t.Error("asked for again, the keys are others")
	}
}

func secretsOf(keys map[seal.Subject]seal.Key) map[seal.Subject][32]byte {
	list := map[seal.Subject][32]byte{}
	for s, k := range keys {
		list[s] = k.Secret
	}
	return list
}

func TestThoseWhoAskAtOnceGetTheSameKey(t *testing.T) {
	dir := folder(t, time.Minute)
	about := people(40)
	answers := make([]map[seal.Subject]seal.Key, 8)
	var all sync.WaitGroup
	for i := range answers {
		ring := open(t, dir)
		all.Go(func() { answers[i], _ = ring.Current(context.Background(), about) })
	}
	all.Wait()
	for _, keys := range answers {
		if !reflect.DeepEqual(secretsOf(keys), secretsOf(answers[0])) || len(keys) != len(about) {
			t.Fatal("two who asked at once have different keys")
		}
	}
}

func TestADestroyedKeyIsGoneForGood(t *testing.T) {
	dir := folder(t, 50*time.Millisecond)
	ring, other := open(t, dir), open(t, dir)
	about := people(3)
	keys := current(t, ring, about...)
	opens(t, other, keys)
	worn := filesOf(t, dir)
	must(t, ring.Destroy(t.Context(), about[0]))

	gone := ids(map[seal.Subject]seal.Key{about[0]: keys[about[0]]})
	if found, err := ring.Keys(t.Context(), gone); err != nil || len(found) != 0 {
		t.Errorf("it is found: %v, %v", found, err)
	}
	if found := current(t, ring, about[0]); len(found) != 0 {
		t.Errorf("there is a new one: %v", found)
	}
	until(t, "the other process forgets it", func() bool {
		found, err := other.Keys(t.Context(), gone)
		return err == nil && len(found) == 0
	})
	delete(keys, about[0])
	opens(t, open(t, dir), keys)
	for path, file := range worn {
		text := make([]byte, 4096)
		n, _ := file.ReadAt(text, 0)
		if path == shardFile(dir, about[0]) && len(bytes.Trim(text[:n], "\x00")) > 0 {
			t.Error("the file that held it is still there to be read")
		}
	}
	must(t, ring.Destroy(t.Context(), about[0])) // again is as once
	if s, err := ring.Status(t.Context()); err != nil || s.Destroyed != 1 || s.Subjects != 2 {
		t.Errorf("the status is %+v, %v", s, err)
	}
}

// filesOf opens every file of keys as it is now.
func filesOf(t *testing.T, dir string) map[string]*os.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "tenants", "*", "??"))
	must(t, err)
	files := map[string]*os.File{}
	for _, path := range paths {
		files[path], err = os.Open(path)
		must(t, err)
		t.Cleanup(func() { _ = files[path].Close() })
	}
	return files
}

// until waits for something that another process does by itself.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticks := time.NewTicker(5 * time.Millisecond)
	defer ticks.Stop()
	end := time.After(10 * time.Second)
	for !holds() {
		select {
		case <-end:
			t.Fatalf("after 10 s it is not so that %s", what)
		case <-ticks.C:
		}
	}
}

func TestANewGenerationTakesThePlaceOfTheOneBefore(t *testing.T) {
	dir := folder(t, time.Minute)
	ring := open(t, dir)
	about := people(300)
	first := current(t, ring, about...)
	must(t, ring.Destroy(t.Context(), about[0]))
	delete(first, about[0])
	if n, err := ring.NewGeneration(t.Context(), about[0].Organization); n != 299 || err != nil {
		t.Fatalf("%d new keys, %v", n, err)
	}
	second := current(t, ring, about...)
	for s, k := range second {
		if k.Generation != 2 || k.Secret == first[s].Secret {
			t.Fatalf("the new key is of generation %d, or as before", k.Generation)
		}
	}
	opens(t, open(t, dir), first)
	opens(t, open(t, dir), second)
	if n, err := ring.DropGenerations(t.Context(), about[0].Organization); n != 299 || err != nil {
		t.Fatalf("%d keys dropped, %v", n, err)
	}
	opens(t, open(t, dir), second)
	for _, id := range ids(first) {
		if found, err := ring.Keys(t.Context(), []seal.KeyID{id}); err == nil {
			t.Fatalf("a dropped key is found, or said to be destroyed: %v", found)
		}
	}
}

func TestRootKeysAreReplacedUnderRunningProcesses(t *testing.T) {
	dir := folder(t, time.Minute)
	ring, running := open(t, dir), open(t, dir)
	about := people(300)
	keys := current(t, ring, about...)
	id, err := ring.AddRoot(t.Context(), then.Add(time.Hour))
	must(t, err)
	later := people(1)[0]
	later.Organization = about[0].Organization
	keys[later] = current(t, running, later)[later] // wrapped with the new root by one who knew only the old
	if err := ring.DropRoot(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "300 keys are wrapped with root key 1") {
		t.Errorf("a root key that is needed is dropped: %v", err)
	}
	if n, err := ring.Rewrap(t.Context()); n != 300 || err != nil {
		t.Errorf("%d keys are rewrapped, %v", n, err)
	}
	must(t, ring.DropRoot(t.Context(), 1))
	if err := ring.DropRoot(t.Context(), id); err == nil {
		t.Error("the newest root key is dropped")
	}
	opens(t, running, keys)
	opens(t, open(t, dir), keys)
	s, err := ring.Status(t.Context())
	if want := []keyring.Root{{ID: id, MadeAt: then.Add(time.Hour), Keys: 301}}; err != nil || !reflect.DeepEqual(s.Roots, want) {
		t.Errorf("the roots are %+v, %v", s.Roots, err)
	}
}

func TestLookUpAndChainKeysStay(t *testing.T) {
	dir := folder(t, time.Minute)
	ring := open(t, dir)
	one, two := uuid.New(), uuid.New()
	derived := func() (keys [][]byte) {
		for _, org := range []uuid.UUID{one, two} {
			lookUp, err := ring.LookUpKey(t.Context(), org)
			must(t, err)
			id, chain, err := ring.ChainKey(t.Context(), org)
			must(t, err)
			again, err := ring.ChainKeyOf(t.Context(), org, id)
			must(t, err)
			if !bytes.Equal(chain, again) {
				t.Error("by its id, the chain key is another")
			}
			keys = append(keys, lookUp, chain)
		}
		return keys
	}
	before := derived()
	for i, k := range before {
		for _, other := range before[:i] {
			if len(k) != 32 || bytes.Equal(k, other) {
				t.Error("two purposes or organisations share a key")
			}
		}
	}
	_, err := ring.AddRoot(t.Context(), then)
	must(t, err)
	must(t, ring.DropRoot(t.Context(), 1))
	ring = open(t, dir)
	if !reflect.DeepEqual(derived(), before) {
		t.Error("they change with the root keys")
	}
	if _, err := ring.ChainKeyOf(t.Context(), one, 2); err == nil {
		t.Error("there is a chain key that was never made")
	}
}
