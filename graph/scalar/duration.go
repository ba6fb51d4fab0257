package scalar

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mediconnect/mediconnect/internal/errs"
)

// ISO 8601-1:2019, section 5.5.2.3, without years and months, which have no fixed length, and without fractions. A day is
// 24 hours of elapsed time. A sign in front is read so that the room that refuses it can name the field.
var duration = regexp.MustCompile(`^(-)?P(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?$`)

var units = [...]time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second}

const longest = 100 * 366 * 24 * time.Hour

// MarshalDuration writes days, hours, minutes and seconds, such as P1DT30M.
func MarshalDuration(d time.Duration) graphql.Marshaler {
	if d == 0 {
		return quoted("PT0S")
	}
	var b strings.Builder
	if d < 0 {
		b.WriteByte('-')
		d = -d
	}
	b.WriteByte('P')
	for i, unit := range units[1:] {
		n := d / unit
		if i == 1 && d > 0 {
			b.WriteByte('T')
		}
		if n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10))
			b.WriteByte("DHMS"[i])
			d -= n * unit
		}
	}
	return quoted(b.String())
}

// UnmarshalDuration reads a duration of at most 100 years.
func UnmarshalDuration(value any) (time.Duration, error) {
	wrong := errs.Invalid("Write an ISO 8601 duration of weeks, days, hours, minutes or seconds, such as PT30M.")
	s, err := text(value, "a duration")
	if err != nil {
		return 0, err
	}
	parts := duration.FindStringSubmatch(s)
	if parts == nil || strings.HasSuffix(s, "P") || strings.HasSuffix(s, "T") {
		return 0, wrong
	}
	var d time.Duration
	for i, unit := range units {
		if parts[i+2] == "" {
			continue
		}
		n, err := strconv.ParseInt(parts[i+2], 10, 64)
		if err != nil || n > int64((longest-d)/unit) {
			return 0, wrong
		}
		d += time.Duration(n) * unit
	}
	if parts[1] == "-" {
		d = -d
	}
	return d, nil
}
