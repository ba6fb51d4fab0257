package words

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

var effects = []reminder.Effect{
	reminder.AskedCancelling, reminder.AskedMoving, reminder.CancelledByReply, reminder.ConfirmedByReply, reminder.HelpGiven, reminder.NotConfirmed, reminder.NotUnderstood,
	reminder.NoVisit, reminder.Resumed, reminder.Stopped, reminder.VisitMoved, reminder.WhichVisit,
}

func TestEveryAnswerIsAnsweredInEachLanguage(t *testing.T) {
	said := map[string]bool{}
	for _, l := range []string{"en", "de-AT", "es-MX", "fr"} {
		for _, e := range effects {
			for _, phone := range []string{"", "+12125550100"} {
				for _, organization := range []string{"", "Clinic"} {
					a := reminder.Answered{Effect: e, Facts: reminder.Facts{Language: l, Organization: organization, Phone: phone}}
					text := Answer(a, "https://app.example.org")
					if text == "" || strings.ContainsAny(text, "{}") || utf8.RuneCountInString(text) > 250 {
						t.Errorf("%s %s: %q", l, e, text)
					}
					said[text] = true
				}
			}
		}
	}
	if len(said) < len(effects)*4*2 {
		t.Errorf("only %d sentences", len(said))
	}
}

func TestAnAnswerSaysHowToGoOn(t *testing.T) {
	f := reminder.Facts{Organization: "Clinic", Phone: "+12125550100", Location: "Main Street", Modality: clinic.InPerson, Local: civil.DateTime{Date: civil.Date{Year: 2026, Month: 6, Day: 8}, Time: civil.Time{Hour: 9}}}
	for _, c := range []struct {
		effect reminder.Effect
		app    string
		want   string
	}{
		{reminder.ConfirmedByReply, "", "Clinic: thank you, your visit is confirmed."},
		{reminder.AskedMoving, "https://app.example.org", "Clinic: we have noted that you want another time. Choose one here: https://app.example.org"},
		{reminder.AskedMoving, "", "Clinic: we have noted that you want another time. Please call +12125550100."},
	} {
		if got := Answer(reminder.Answered{Effect: c.effect, Facts: f}, c.app); got != c.want {
			t.Errorf("%s: %q", c.effect, got)
		}
	}
	if got := Visit(f); !slices.Contains([]string{"Monday 8 June 2026 at 09:00, at Main Street", "Monday, June 8, 2026 at 9:00 AM, at Main Street"}, got) {
		t.Errorf("a visit is %q", got)
	}
	if got := Answer(reminder.Answered{Effect: reminder.HelpGiven, Facts: reminder.Facts{Organization: "{phone} & Co"}}, ""); !strings.Contains(got, "{phone} & Co") {
		t.Errorf("a name is filled in like a sentence: %q", got)
	}
}
