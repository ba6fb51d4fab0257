package anchor_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/anchor"
	"github.com/mediconnect/mediconnect/internal/audit"
	"github.com/mediconnect/mediconnect/internal/errs"
)

type keys struct{}

func (keys) ChainKey(context.Context, uuid.UUID) (int, []byte, error) {
	return 1, []byte("secret"), nil
}
func (keys) ChainKeyOf(context.Context, uuid.UUID, int) ([]byte, error) {
	return []byte("secret"), nil
}

// What is there stays as it is, whoever appends, and what a process left half written is cut off.
func TestLinesAreOnlyEverAppended(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anchors")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			one := []audit.Anchor{{Ordinal: 1, Hash: []byte{1}}}
			err := anchor.In(path, keys{}).Append(t.Context(), one)
			for errs.Of(err) == errs.Busy { // another one is at it
				err = anchor.In(path, keys{}).Append(t.Context(), one)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(bytes.Clone(before), `{"line":9`...), 0o600); err != nil {
		t.Fatal(err)
	}
	f := anchor.In(path, keys{})
	if err := f.Append(t.Context(), []audit.Anchor{{Ordinal: 2, Hash: []byte{2}}}); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(after, before) {
		t.Fatalf("what was there has changed, %v: %s", err, after)
	}
	var told []int64
	if err := f.Each(t.Context(), func(a audit.Anchor) error { told = append(told, a.Ordinal); return nil }); err != nil || len(told) != 9 || told[8] != 2 {
		t.Errorf("%v, %v", told, err)
	}
}
