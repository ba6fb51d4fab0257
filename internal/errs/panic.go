package errs

import "fmt"

// Panicked says what a log is told of a panic's cause: the runtime's own words, else no more than its type, since it may hold
// anything, also a patient's.
func Panicked(cause any) string {
	if fault, ok := cause.(interface {
		error
		RuntimeError() // only the runtime's have it: runtime.Error
	}); ok {
		return fault.Error()
	}
	return fmt.Sprintf("%T", cause)
}
