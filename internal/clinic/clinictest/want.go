package clinictest

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mediconnect/mediconnect/internal/errs"
)

// Refused fails unless err has the kind and, its names parted by spaces, the path.
func Refused(t testing.TB, err error, kind errs.Kind, path string) {
	t.Helper()
	var fault *errs.Error
	if !errors.As(err, &fault) || fault.Kind != kind || !slices.Equal(fault.Path, strings.Fields(path)) {
		t.Errorf("got %v (%#v), want kind %d at %q", err, err, kind, path)
	}
}

// AtOnce runs f n times at the same time and answers what failed.
func AtOnce(n int, f func(i int) error) error {
	failures := make([]error, n)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-start
			failures[i] = f(i)
		})
	}
	close(start)
	group.Wait()
	return errors.Join(failures...)
}
