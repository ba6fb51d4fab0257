package scalar

import (
	"fmt"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/provider"
)

const maxText = 2000

// MarshalText writes a zone's name, a language tag or a URL.
func MarshalText(s string) graphql.Marshaler { return quoted(s) }

// UnmarshalText reads a zone's name, a language tag or a URL, at most 2,000 bytes. The rooms say whether it is one.
func UnmarshalText(value any) (string, error) {
	s, err := text(value, "it")
	if err == nil && len(s) > maxText {
		err = errs.Invalid("At most 2000 bytes.")
	}
	return s, err
}

// MarshalPrivate reveals a patient's datum to a caller whom the room let see it. Nothing, as of an erased patient, is null.
func MarshalPrivate(p access.Private) graphql.Marshaler {
	if p == "" {
		return graphql.Null
	}
	return quoted(p.Reveal())
}

// UnmarshalPrivate takes a patient's datum in.
func UnmarshalPrivate(value any) (access.Private, error) {
	s, err := text(value, "it")
	return access.Private(s), err
}

var weekdays = [...]string{1: "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"}

// MarshalWeekday writes the contract's name of a day.
func MarshalWeekday(d provider.Weekday) graphql.Marshaler {
	if d < 1 || int(d) >= len(weekdays) {
		panic(fmt.Sprintf("no such weekday: %d", d))
	}
	return quoted(weekdays[d])
}

// UnmarshalWeekday reads the contract's name of a day.
func UnmarshalWeekday(value any) (provider.Weekday, error) {
	for i, name := range weekdays[1:] {
		if name == value {
			return provider.Weekday(i + 1), nil
		}
	}
	return 0, errs.Invalid("Write the name of a day, such as MONDAY.")
}
