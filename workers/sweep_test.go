package workers

import (
	"errors"
	"fmt"
	"testing"

	"github.com/mediconnect/mediconnect/internal/errs"
)

func TestAStreakOfFailuresRingsOnceAndBeingBusyOnlyWhenItGoesOn(t *testing.T) {
	busy, broken := errs.TryAgain(errors.New("locked")), errors.New("broken")
	for _, c := range []struct {
		name string
		runs []error
		want []bool
	}{
		{"all well", []error{nil, nil}, []bool{false, false}},
		{"a streak", []error{broken, broken, nil, broken}, []bool{true, false, false, true}},
		{"busy for as long as is borne", []error{busy, busy, nil, busy, busy}, []bool{false, false, false, false, false}},
		{"busy for longer", []error{busy, busy, busy, busy}, []bool{false, false, true, false}},
		{"broken beside busy", []error{errors.Join(busy, errors.Join(busy, broken))}, []bool{true}},
		{"busy twice", []error{errors.Join(fmt.Errorf("one: %w", busy), errors.Join(busy))}, []bool{false}},
		{"broken while busy", []error{busy, broken, busy}, []bool{false, true, false}},
	} {
		b := bell{patience: 2}
		for i, err := range c.runs {
			if got := b.rings(err); got != c.want[i] {
				t.Errorf("%s: run %d rang %v", c.name, i, got)
			}
		}
	}
}
