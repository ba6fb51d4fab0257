package wire

import (
	"net/http"
	"strconv"
	"time"

	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/resilience"
)

// Taken says that a vendor has taken what it was sent.
func (a Answer) Taken() bool { return a.Status/100 == 2 }

// Code is the status in digits.
func (a Answer) Code() string { return strconv.Itoa(a.Status) }

// Failure is what an answer means that isn't Taken, by its status alone (RFC 9110, section 15). What broke on the way, at a gateway or within the vendor,
// may have been taken before it did, and so may what fails in a way that nobody has named.
func (a Answer) Failure(now time.Time) error {
	switch a.Status {
	case http.StatusTooManyRequests, http.StatusRequestTimeout, http.StatusTooEarly:
		return reminder.Later{Cause: reminder.VendorBusy, Code: a.Code(), After: a.after(now)}
	case http.StatusNotImplemented, http.StatusServiceUnavailable:
		return reminder.Later{Cause: reminder.VendorUnavailable, Code: a.Code(), After: a.after(now)}
	case http.StatusUnauthorized, http.StatusForbidden:
		return reminder.Refused{Cause: reminder.Unauthorized, Code: a.Code()}
	case http.StatusRequestEntityTooLarge:
		return reminder.Refused{Cause: reminder.TooLong, Code: a.Code()}
	}
	if a.Status >= http.StatusInternalServerError {
		return reminder.Unclear{Code: a.Code()}
	}
	return reminder.Refused{Cause: reminder.VendorRefused, Code: a.Code()}
}

// after is what the vendor wants to be waited for; 0: it doesn't say.
func (a Answer) after(now time.Time) time.Duration {
	after, _ := resilience.RetryAfter(a.Header.Get("Retry-After"), now)
	return after
}
