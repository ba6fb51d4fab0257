package scalar

import (
	"fmt"
	"strings"
	"time"

	"cloud.google.com/go/civil"
	"github.com/99designs/gqlgen/graphql"

	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// MarshalLocalDate writes a date as YYYY-MM-DD.
func MarshalLocalDate(d civil.Date) graphql.Marshaler { return quoted(d.String()) }

// UnmarshalLocalDate reads a date that exists, as YYYY-MM-DD.
func UnmarshalLocalDate(value any) (civil.Date, error) {
	s, err := text(value, "a date")
	if err != nil {
		return civil.Date{}, err
	}
	d, err := civil.ParseDate(s)
	if err != nil {
		return civil.Date{}, errs.Invalid("Write a date that exists, such as 2030-05-07.")
	}
	return d, nil
}

// MarshalLocalDateTime writes a wall-clock date and time as YYYY-MM-DDTHH:MM:SS.
func MarshalLocalDateTime(t civil.DateTime) graphql.Marshaler { return quoted(t.String()) }

// UnmarshalLocalDateTime reads a wall-clock date and time as YYYY-MM-DDTHH:MM, with or without seconds.
func UnmarshalLocalDateTime(value any) (civil.DateTime, error) {
	s, err := text(value, "a local date and time")
	if err != nil {
		return civil.DateTime{}, err
	}
	for _, shape := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(shape, s); err == nil && len(s) == len(shape) {
			return civil.DateTimeOf(t), nil
		}
	}
	return civil.DateTime{}, errs.Invalid("Write a date and time without an offset, such as 2030-05-07T09:30.")
}

const (
	minute  = 60
	hour    = 60 * minute
	fullDay = 24 * hour
)

// TimeOf is the time of day that a number of minutes after some midnight shows. The end of the first day is 24:00.
func TimeOf(minutes int) provider.TimeOfDay {
	t := minutes * minute
	if t > fullDay {
		t %= fullDay
	}
	return provider.TimeOfDay(t)
}

// MarshalLocalTime writes a time of day as HH:MM, with seconds where there are any.
func MarshalLocalTime(t provider.TimeOfDay) graphql.Marshaler {
	s := fmt.Sprintf("%02d:%02d", t/hour, t%hour/minute)
	if t%minute != 0 {
		s += fmt.Sprintf(":%02d", t%minute)
	}
	return quoted(s)
}

// UnmarshalLocalTime reads HH:MM or HH:MM:SS, from 00:00 to 24:00.
func UnmarshalLocalTime(value any) (provider.TimeOfDay, error) {
	s, err := text(value, "a time of day")
	if err != nil {
		return 0, err
	}
	parts := append(strings.Split(s, ":"), "00")
	wrong := errs.Invalid("Write a time of day, such as 09:30.")
	if len(parts) != 3 && len(parts) != 4 {
		return 0, wrong
	}
	var of [3]int
	for i := range of {
		n, ok := digits(parts[i], 2)
		if !ok || i > 0 && n > 59 {
			return 0, wrong
		}
		of[i] = n
	}
	t := of[0]*hour + of[1]*minute + of[2]
	if t > fullDay {
		return 0, wrong
	}
	return provider.TimeOfDay(t), nil
}
