package reminder

import (
	"strings"
	"time"
)

// Limits bound what is sent, so that neither a fault nor somebody's malice floods a phone or runs up a bill. A message counts once, when it is
// claimed for its first attempt; what is over a limit counts nowhere. Hours and days are those of UTC. The zero value limits nothing, nor does an AddressHour,
// AddressDay or TextsDay of 0.
//
// Reminders and confirmations are held to them. Changes may go on to twice as many, and cancellations to three times: a visit that is off is
// told of, whatever else filled the limit.
type Limits struct {
	AddressHour, AddressDay int            // messages to one number or address, of all organisations
	TextsDay                int            // texts of an organisation
	Countries               map[string]int // texts of an organisation a day to numbers that begin so, without the +; 0: none are sent there
	Others                  *int           // likewise to each country that isn't among those; nil: no limit
}

// UsualLimits hold unless others are set. A home whose residents share a number stays below them, and a hospital.
func UsualLimits() Limits {
	others := 20_000
	return Limits{AddressHour: 60, AddressDay: 200, TextsDay: 50_000, Others: &others}
}

// Counted is whose messages a limit counts.
type Counted string

// What is counted: messages to one address, and those of an organisation.
const (
	OfRecipient    Counted = "RECIPIENT"
	OfOrganization Counted = "ORGANIZATION"
)

// Span is how long a limit counts for.
type Span string

// The spans.
const (
	Hour Span = "HOUR"
	Day  Span = "DAY"
)

// Begun is when the span of an instant began, by UTC.
func (s Span) Begun(at time.Time) time.Time {
	if s == Hour {
		return at.UTC().Truncate(time.Hour)
	}
	return at.UTC().Truncate(24 * time.Hour)
}

// Count is a limit that a message counts towards.
type Count struct {
	Of      Counted
	Country string // of an organisation's texts: how their numbers begin; empty: all of them
	Span    Span
	Most    int // the message may be the last of so many
}

// counts are the limits that hold for a draft.
func (l Limits) counts(d Draft) (list []Count) {
	share := 1
	switch d.Message.Kind {
	case Change:
		share = 2
	case Cancellation:
		share = 3
	}
	add := func(c Count, limited bool) {
		if c.Most *= share; limited {
			list = append(list, c)
		}
	}
	if d.Message.Channel != SMS && d.Message.Channel != Email {
		return nil
	}
	add(Count{Of: OfRecipient, Span: Hour, Most: l.AddressHour}, l.AddressHour > 0)
	add(Count{Of: OfRecipient, Span: Day, Most: l.AddressDay}, l.AddressDay > 0)
	if d.Message.Channel == SMS {
		add(Count{Of: OfOrganization, Span: Day, Most: l.TextsDay}, l.TextsDay > 0)
		country, most, limited := l.country(d.To.Reveal())
		add(Count{Of: OfOrganization, Country: country, Span: Day, Most: most}, limited)
	}
	return list
}

// longestPrefix of numbers that have a limit of their own.
const longestPrefix = 7

// country is how a number begins, as far as its limit goes by it, and the limit.
func (l Limits) country(number string) (begins string, most int, limited bool) {
	digits := strings.TrimPrefix(number, "+")
	for n := min(longestPrefix, len(digits)); n > 0; n-- {
		if most, named := l.Countries[digits[:n]]; named {
			return digits[:n], most, true
		}
	}
	if l.Others == nil {
		return "", 0, false
	}
	return callingCode(digits), *l.Others, true
}

// Codes of two digits; 1 and 7 are the only ones of one, and all others have three
// (https://www.itu.int/pub/T-SP-E.164D: List of Recommendation ITU-T E.164 assigned country codes).
const codesOfTwo = " 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 "

// callingCode of a number of ITU-T E.164, without its +.
func callingCode(digits string) string {
	switch {
	case strings.HasPrefix(digits, "1") || strings.HasPrefix(digits, "7"):
		return digits[:1]
	case len(digits) >= 2 && strings.Contains(codesOfTwo, " "+digits[:2]+" "):
		return digits[:2]
	}
	return digits[:min(3, len(digits))]
}
