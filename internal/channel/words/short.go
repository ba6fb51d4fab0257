package words

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mediconnect/mediconnect/internal/reminder"
)

// How long texts may be. Twilio takes 1,600 characters, and two segments are paid for: 2 × 153 letters of the GSM alphabet.
const (
	longestText = 1600
	twoSegments = 306
	leastName   = 12 // that a name is cut to
)

// short words a text message.
func short(kind reminder.Kind, f reminder.Facts) (string, error) {
	f, err := checked(kind, f)
	if err != nil {
		return "", err
	}
	if f.Reference == "" || strings.ContainsFunc(f.Reference, func(r rune) bool { return !alphanumeric(r) }) {
		return "", Fault{reminder.MissingValue, "reference"}
	}
	text := texted(kind, f)
	for whole := f; size(text) > twoSegments; text = texted(kind, f) {
		longer, name := &f.Organization, whole.Organization
		if letters(f.Location) > letters(f.Organization) {
			longer, name = &f.Location, whole.Location
		}
		if letters(*longer) <= leastName {
			break
		}
		*longer = shortened(name, letters(*longer)-1, dots)
	}
	if size(text) > longestText {
		return "", Fault{reminder.TooLong, "text"}
	}
	return text, nil
}

func letters(name string) int { return utf8.RuneCountInString(name) }

// dots are an ellipsis of letters that are in the GSM alphabet.
const dots = "..."

func alphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}

func texted(kind reminder.Kind, f reminder.Facts) string {
	v, m := speaking(f.Language)
	told := v.factsOf(f, m, v.brief)
	replies, any := v.replies[kind]
	if whole(f.Was) {
		told["was"], replies = v.day(momentOf(f.Was, v.brief), m), v.exchange
	}
	parts := []string{f.Organization + ": " + told.fill(v.sentences[telling(kind, f)])}
	if kind == reminder.Cancellation && f.Phone != "" {
		parts = append(parts, told.fill(v.again))
	}
	if any {
		parts = append(parts, told.fill(replies))
	}
	if kind != reminder.Offer { // its replies name it: there may be a visit ahead, too
		parts = append(parts, told.fill(v.reference))
	}
	return strings.Join(append(parts, v.stop), " ")
}

// The alphabet of GSM 03.38 (3GPP TS 23.038, section 6.2.1), and the letters that take the place of two.
const (
	gsm = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmTwice = "^{}\\[~]|€"
)

// size is how long a text is on its way: in letters of the GSM alphabet, or for want of one in units of UTF-16.
func size(text string) int {
	taken := 0
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsm, r):
			taken++
		case strings.ContainsRune(gsmTwice, r):
			taken += 2
		default:
			return len(utf16.Encode([]rune(text)))
		}
	}
	return taken
}
