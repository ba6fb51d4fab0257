package scalar

import (
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mediconnect/mediconnect/internal/errs"
)

// MarshalDateTime writes an instant in UTC, to the microsecond.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return quoted(t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano))
}

// UnmarshalDateTime reads an instant with an offset (RFC 3339, section 5.6), to the microsecond.
func UnmarshalDateTime(value any) (time.Time, error) {
	s, err := text(value, "an instant")
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, errs.Invalid("Write an instant with its offset, such as 2030-05-07T09:30:00-04:00.")
	}
	return t.UTC().Truncate(time.Microsecond), nil
}
