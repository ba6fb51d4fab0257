package reminder

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Wish is what somebody asks for who answers a message.
type Wish string

// The wishes.
const (
	WishCancel  Wish = "CANCEL"
	WishConfirm Wish = "CONFIRM"
	WishHelp    Wish = "HELP"
	WishMove    Wish = "RESCHEDULE"
	WishStart   Wish = "START"
	WishStop    Wish = "STOP"
	WishUnclear Wish = "UNCLEAR"
)

// Reply is a text that somebody sent back, as far as it is understood.
type Reply struct {
	Wish      Wish
	Reference string // of the message that is meant, as messages have it; empty: none is named
}

// Words that the carriers take for their own if nothing else is in the text
// (https://help.twilio.com/articles/223134027-Twilio-support-for-opt-out-keywords-SMS-STOP-filtering-), and those that mean the same in our
// other languages. None of them is an answer, wherever it stands in a text: CANCEL ends texts, and no visit.
var reserved = map[string]Wish{
	"CANCEL": WishStop, "END": WishStop, "OPTOUT": WishStop, "QUIT": WishStop, "REVOKE": WishStop, "STOP": WishStop, "STOPALL": WishStop, "UNSUBSCRIBE": WishStop,
	"ABMELDEN": WishStop, "STOPP": WishStop, "ALTO": WishStop, "BAJA": WishStop, "PARAR": WishStop, "ARRET": WishStop, "ARRETER": WishStop,
	"START": WishStart, "UNSTOP": WishStart, "YES": WishStart,
	"HELP": WishHelp, "INFO": WishHelp, "HILFE": WishHelp, "AYUDA": WishHelp, "AIDE": WishHelp,
}

// Words that answer, in the languages that messages are written in, without their accents.
var answers = map[string]Wish{
	"1": WishConfirm, "OK": WishConfirm, "OKAY": WishConfirm, "CONFIRM": WishConfirm, "CONFIRMED": WishConfirm,
	"JA": WishConfirm, "BESTATIGEN": WishConfirm, "BESTAETIGEN": WishConfirm, "BESTATIGT": WishConfirm,
	"SI": WishConfirm, "CONFIRMAR": WishConfirm, "CONFIRMO": WishConfirm, "OUI": WishConfirm, "CONFIRMER": WishConfirm, "CONFIRME": WishConfirm,
	"2": WishMove, "MOVE": WishMove, "RESCHEDULE": WishMove, "VERSCHIEBEN": WishMove, "VERLEGEN": WishMove,
	"CAMBIAR": WishMove, "REPROGRAMAR": WishMove, "DEPLACER": WishMove, "REPORTER": WishMove,
	"3": WishCancel, "ABSAGEN": WishCancel, "STORNIEREN": WishCancel, "CANCELAR": WishCancel, "ANULAR": WishCancel, "ANNULER": WishCancel,
}

// Words that change nothing.
var fillers = map[string]bool{
	"PLEASE": true, "THANKS": true, "THANK": true, "YOU": true, "BITTE": true, "DANKE": true, "POR": true, "FAVOR": true, "GRACIAS": true, "MERCI": true,
	"SVP": true, "REF": true, "REFERENCE": true, "REFERENZ": true, "REFERENCIA": true,
}

// longestReply is how many words are looked at. Whoever writes more wants something that only a person understands.
const longestReply = 8

// ReadReply understands a text. What the vendor took it for by itself (STOP, START or HELP; empty: nothing) goes before what we make of it. A
// text with an answer, at most one reference and no other word is understood; two answers, or anything else, aren't guessed at.
func ReadReply(body, vendors string) Reply {
	switch w := Wish(vendors); w {
	case WishStop, WishStart, WishHelp:
		return Reply{Wish: w}
	}
	words := wordsOf(body)
	if len(words) == 0 || len(words) > longestReply {
		return Reply{Wish: WishUnclear}
	}
	if w, ours := reserved[words[0]]; ours && onlyFillers(words[1:]) {
		return Reply{Wish: w}
	}
	return answerOf(words)
}

func answerOf(words []string) (r Reply) {
	unclear := Reply{Wish: WishUnclear}
	for _, word := range words {
		wish, answers := answers[word]
		reference, named := referenceOf(word)
		_, ours := reserved[word]
		switch {
		case fillers[word]:
		case answers && (r.Wish == "" || r.Wish == wish):
			r.Wish = wish
		case answers, ours, !named, r.Reference != "" && r.Reference != reference:
			return unclear
		default:
			r.Reference = reference
		}
	}
	if r.Wish == "" {
		return unclear
	}
	return r
}

func onlyFillers(words []string) bool {
	for _, word := range words {
		if !fillers[word] {
			return false
		}
	}
	return true
}

// wordsOf are the words and numbers of a text, in capitals and without accents: phones write 1 as a key, in full width or with a dot.
func wordsOf(text string) []string {
	plain := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, norm.NFKD.String(text))
	return strings.FieldsFunc(plain, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// look are characters that are taken for others, as Crockford's base 32 has it (https://www.crockford.com/base32.html).
var look = strings.NewReplacer("O", "0", "I", "1", "L", "1")

// referenceOf reads a reference, however it was copied from a screen.
func referenceOf(word string) (string, bool) {
	word = look.Replace(word)
	if len(word) != referenceLength {
		return "", false
	}
	for _, c := range word {
		if !strings.ContainsRune(alphabet, c) {
			return "", false
		}
	}
	return word, true
}
