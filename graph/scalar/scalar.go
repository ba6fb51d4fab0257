// Package scalar belongs to the door: the scalars of the contract, strict in what they read. A scalar judges how a value is
// written; what it means (a zone that doesn't exist, a duration that is too long) is for the rooms, which name the field.
package scalar

import (
	"strconv"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mediconnect/mediconnect/internal/errs"
)

// Check says whether a value can be read as the named scalar. A scalar that is not of this package passes.
func Check(name string, value any) error {
	switch name {
	case "DateTime":
		return fault(UnmarshalDateTime(value))
	case "LocalDate":
		return fault(UnmarshalLocalDate(value))
	case "LocalTime":
		return fault(UnmarshalLocalTime(value))
	case "LocalDateTime":
		return fault(UnmarshalLocalDateTime(value))
	case "Duration":
		return fault(UnmarshalDuration(value))
	case "LanguageTag", "TimeZone", "URL":
		return fault(UnmarshalText(value))
	}
	return nil
}

func fault[T any](_ T, err error) error { return err }

func quoted(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// text reads a string; nothing else is taken for one.
func text(value any, expected string) (string, error) {
	s, ok := value.(string)
	if !ok {
		return "", errs.Invalid("Write " + expected + " as a string.")
	}
	return s, nil
}

// digits reads a number of exactly so many digits.
func digits(s string, count int) (int, bool) {
	if len(s) != count {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil
}
