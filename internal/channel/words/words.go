// Package words is part of the cellar: what messages say on each channel, in the languages that patients read. They tell when and where a
// visit is, and nothing else of it.
package words

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Fault is why there are no words for a message: a fact that they need is missing, the text is too long, or nothing is worded for a channel.
type Fault struct {
	Cause reminder.Cause
	What  string // the fact, or the channel
}

func (f Fault) Error() string { return fmt.Sprintf("no words: %s (%s)", f.Cause, f.What) }

// Write words a message. An SMS has a text alone, of two segments if its names aren't long; an e-mail has everything; of a push
// message the subject is the title. It fails with Fault, and never leaves a gap.
func Write(channel reminder.ChannelKind, kind reminder.Kind, f reminder.Facts) (subject, text, html string, err error) {
	switch channel {
	case reminder.SMS:
		text, err = short(kind, f)
		return "", text, "", err
	case reminder.Email:
		return long(kind, f)
	case reminder.Push:
		return push(kind, f)
	}
	return "", "", "", Fault{reminder.ChannelUnavailable, string(channel)}
}

// vocabulary is a language. Words in braces stand for facts; no other fact can be told. Sentences go after a name and a colon, too.
type vocabulary struct {
	tag         language.Tag
	brief, full names
	when        func(moment, manner) string
	day         func(moment, manner) string // alone, for texts
	zone        string                      // after the time of a call
	places      map[clinic.Modality]string
	sentences   map[sentence]string
	subjects    map[reminder.Kind]string
	refused     string                   // the subject of a cancellation that refuses what was asked for
	displaced   string                   // the subject of an offer in place of a visit that can't take place
	replies     map[reminder.Kind]string // what a text may be answered with; the numbers are the same in all languages
	exchange    string                   // in place of that, of an offer in place of a visit: there is more to tell
	again       string                   // how to book again
	questions   string
	reference   string
	stop        string // what ends texts: Twilio understands the word in all languages
	links       labels
}

// names of days, Sunday first, and of months.
type names struct {
	days   [7]string
	months [12]string
}

type labels struct{ confirm, move, cancel, unsubscribe, take, decline string }

// sentence is one that tells a kind of message.
type sentence string

// The sentences. A cancellation says whose it was.
const (
	booked      sentence = "booked"
	changed     sentence = "changed"
	ourCancel   sentence = "cancelled by the clinic"
	theirCancel sentence = "cancelled by the patient"
	reminding   sentence = "reminding"
	offering    sentence = "offering"
	exchanging  sentence = "offering in place of a visit"
	orOff       sentence = "offering in place of a visit that is cancelled otherwise"
	impossible  sentence = "a visit can't take place" // for a page
	requested   sentence = "requested"
	declined    sentence = "declined by the clinic"
	lapsed      sentence = "not approved in time"
)

// telling picks the sentence; empty: there is no such kind.
func telling(kind reminder.Kind, f reminder.Facts) sentence {
	switch kind {
	case reminder.Confirmation:
		return booked
	case reminder.Change:
		return changed
	case reminder.Cancellation:
		return ending(f)
	case reminder.Request:
		return requested
	case reminder.Remind:
		return reminding
	case reminder.Offer:
		return offered(f)
	}
	return ""
}

// ending picks the sentence of a cancellation.
func ending(f reminder.Facts) sentence {
	switch {
	case f.Refusal == reminder.Declined:
		return declined
	case f.Refusal == reminder.Lapsed:
		return lapsed
	case f.ByClinic:
		return ourCancel
	}
	return theirCancel
}

// offered picks the sentence of an offer.
func offered(f reminder.Facts) sentence {
	switch {
	case !whole(f.Was):
		return offering
	case f.OrOff:
		return orOff
	}
	return exchanging
}

// languages that messages are written in. The first is for whoever understands none of the others.
var languages = []*vocabulary{english, german, spanish, french}

var matcher = language.NewMatcher(tags())

func tags() []language.Tag {
	list := make([]language.Tag, len(languages))
	for i, l := range languages {
		list[i] = l.tag
	}
	return list
}

// speaking finds the words, and the manners, for who prefers a language, a BCP 47 tag: English for whoever understands none of ours.
func speaking(preferred string) (*vocabulary, manner) {
	wanted, err := language.Parse(preferred)
	if err != nil {
		wanted = language.English
	}
	_, i, _ := matcher.Match(wanted)
	return languages[i], mannerOf(languages[i].tag, wanted)
}

// capital begins a sentence that follows nothing.
func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// facts are what words in braces stand for.
type facts map[string]string

// fill puts facts in the place of the words in braces. What a fact says is not looked at again.
func (f facts) fill(text string) string {
	pairs := make([]string, 0, 2*len(f))
	for _, name := range slices.Sorted(maps.Keys(f)) {
		pairs = append(pairs, "{"+name+"}", f[name])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// factsOf words the facts.
func (v *vocabulary) factsOf(f reminder.Facts, m manner, n names) facts {
	when, place := v.when(momentOf(f.Local, n), m), ""
	if !f.Modality.OnSite() {
		when += facts{"city": city(f.TimeZone)}.fill(v.zone)
	}
	if f.Modality != clinic.InPerson || f.Location != "" {
		place = ", " + facts{"location": f.Location}.fill(v.places[f.Modality])
	}
	until, was := "", ""
	if whole(f.Until) {
		until = v.when(momentOf(f.Until, n), m)
	}
	if whole(f.Was) {
		was = v.when(momentOf(f.Was, n), m)
	}
	return facts{
		"until": until, "was": was, "when": when, "place": place, "organization": f.Organization, "phone": f.Phone, "reference": f.Reference,
	}
}
