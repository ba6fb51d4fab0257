// Package form is a foundation: rules for what people and programs write into inputs, each fault with its path.
package form

import "github.com/mediconnect/mediconnect/internal/errs"

// Check reads the fields of one input and keeps the first fault. Its methods return the cleaned value, or the zero value
// once something was wrong, so that an input is read in one go and judged at the end by Err.
type Check struct{ fault error }

// Err is the first fault, an *errs.Error of kind InvalidInput, NotFound or Forbidden, or nil.
func (c *Check) Err() error { return c.fault }

// Fail keeps a fault of bad input unless there is an earlier one.
func (c *Check) Fail(message string, path ...string) {
	c.Keep(errs.Invalid(message, path...))
}

// Keep keeps any fault unless there is an earlier one; nil is none.
func (c *Check) Keep(fault error) {
	if c.fault == nil && fault != nil {
		c.fault = fault
	}
}

// That fails with message unless ok.
func (c *Check) That(ok bool, message string, path ...string) {
	if !ok {
		c.Fail(message, path...)
	}
}
