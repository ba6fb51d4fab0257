package reminder

import (
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
)

func TestTextsCountTowardsTheCountryOfTheirNumber(t *testing.T) {
	others := 7
	l := Limits{Countries: map[string]int{"1": 50, "1876": 5, "49": 0}, Others: &others}
	for number, want := range map[string]Count{
		"+12025550123":   {Country: "1", Most: 50},
		"+18765550123":   {Country: "1876", Most: 5},
		"+4915112345678": {Country: "49", Most: 0},
		"+447700900123":  {Country: "44", Most: 7},
		"+77012345678":   {Country: "7", Most: 7},
		"+352621123456":  {Country: "352", Most: 7},
	} {
		want.Of, want.Span = OfOrganization, Day
		d := Draft{Message: Message{Channel: SMS, Kind: Remind}, To: access.Private(number)}
		if got := l.counts(d); len(got) != 1 || got[0] != want {
			t.Errorf("of %s: %+v, not %+v", number, got, want)
		}
	}
}

func TestWhatMattersMoreHasMoreRoom(t *testing.T) {
	for kind, want := range map[Kind]int{Remind: 4, Confirmation: 4, Change: 8, Cancellation: 12} {
		d := Draft{Message: Message{Channel: Email, Kind: kind}, To: "pat@example.org"}
		if got := (Limits{AddressHour: 4, TextsDay: 1, Countries: map[string]int{"1": 1}}).counts(d); len(got) != 1 || got[0] != (Count{Of: OfRecipient, Span: Hour, Most: want}) {
			t.Errorf("%s: %+v", kind, got)
		}
	}
	if got := UsualLimits().counts(Draft{Message: Message{Channel: Push, Kind: Remind}}); got != nil {
		t.Errorf("what the app shows is limited: %+v", got)
	}
	if got := (Limits{}).counts(Draft{Message: Message{Channel: SMS, Kind: Remind}, To: "+12025550123"}); got != nil {
		t.Errorf("without limits: %+v", got)
	}
}

func TestSpansAreThoseOfUTC(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 30, 0, 0, time.FixedZone("", 3600))
	if h, d := Hour.Begun(at), Day.Begun(at); h != time.Date(2026, 2, 28, 23, 0, 0, 0, time.UTC) || d != time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC) {
		t.Errorf("%s, %s", h, d)
	}
}
