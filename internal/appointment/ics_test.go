package appointment

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

func TestACalendarFileFollowsTheAppointment(t *testing.T) {
	at := time.Date(2026, 6, 8, 14, 0, 0, 0, time.UTC)
	ap := Appointment{
		ID: uuid.MustParse("0197b1d2-0000-7000-8000-000000000001"), Version: 1, Status: Booked, Modality: clinic.InPerson,
		Start: at, End: at.Add(30 * time.Minute), UpdatedAt: at.Add(-time.Hour),
	}
	place := clinic.Location{Name: "Main Street; Suite 2", AddressLines: []string{strings.Repeat("Long Road ", 12)}}
	file := string(calendar(ap, place))
	for _, line := range []string{
		"BEGIN:VCALENDAR\r\n", "VERSION:2.0\r\n", "UID:0197b1d2-0000-7000-8000-000000000001@mediconnect\r\n", "SEQUENCE:0\r\n",
		"DTSTAMP:20260608T130000Z\r\n", "DTSTART:20260608T140000Z\r\n", "DTEND:20260608T143000Z\r\n", "STATUS:CONFIRMED\r\n",
		`Main Street\; Suite 2\, Long Road`,
	} {
		if !strings.Contains(file, line) {
			t.Errorf("no %q in\n%s", line, file)
		}
	}
	for _, line := range strings.Split(file, "\r\n") {
		if len(line) > 75 {
			t.Errorf("a line of %d octets", len(line))
		}
	}
	if strings.Contains(file, "METHOD") {
		t.Errorf("a message without an organizer:\n%s", file)
	}
	for status, want := range map[Status]string{
		Pending: "TENTATIVE", Booked: "CONFIRMED", Arrived: "CONFIRMED", Fulfilled: "CONFIRMED", NoShow: "CONFIRMED",
		Cancelled: "CANCELLED", EnteredInError: "CANCELLED",
	} {
		ap.Status = status
		if file = string(calendar(ap, place)); !strings.Contains(file, "STATUS:"+want+"\r\n") {
			t.Errorf("%s isn't %s:\n%s", status, want, file)
		}
	}
	ap.Version, ap.Status = 3, Cancelled
	if file = string(calendar(ap, place)); !strings.Contains(file, "SEQUENCE:2\r\n") || !strings.Contains(file, "STATUS:CANCELLED\r\n") {
		t.Errorf("after a cancellation:\n%s", file)
	}
}
