package relay_test

import (
	"context"
	"errors"
	"testing"

	"github.com/mediconnect/mediconnect/graph/relay"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Counting may look at everything, so a document that asks for it under many names has it done once.
func TestATotalIsCountedOnce(t *testing.T) {
	asked := 0
	c := relay.Connect(paging.Page[string]{}, func(s string) []string { return []string{s} }, func(context.Context) (int, error) {
		asked++
		if asked == 1 {
			return 0, errors.New("busy")
		}
		return 7, nil
	})
	if n, err := c.TotalCount(t.Context()); n != nil || err == nil {
		t.Errorf("a failed count answers %v, %v", n, err)
	}
	for range 3 {
		if n, err := c.TotalCount(t.Context()); err != nil || n == nil || *n != 7 {
			t.Errorf("counted %v (%v)", n, err)
		}
	}
	if asked != 2 {
		t.Errorf("counted %d times", asked)
	}
}
