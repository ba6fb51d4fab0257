package patient

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"cloud.google.com/go/civil"
	"golang.org/x/text/cases"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Handle is something that a patient is looked up by. A store keeps digests of handles only.
type Handle struct {
	Purpose string // parts handles of equal value: nobody's name is their e-mail
	Value   access.Private
}

// The beginnings of names that patients are looked up by, in letters. Longer ones are compared by their first 12.
const (
	shortest = 2
	longest  = 12
	maxWords = 20 // of one name
)

// IdentifierHandle is what the organisation's identifier is unique by.
func (p Patient) IdentifierHandle() Handle { return byIdentifier(p.System, p.Identifier) }

// Handles are all that the patient can be looked up by, each once.
func (p Patient) Handles() []Handle {
	list := []Handle{p.IdentifierHandle()}
	if p.BirthDate != nil {
		list = append(list, byBirthDate(*p.BirthDate))
	}
	if p.Phone != nil {
		list = append(list, byPhone(*p.Phone))
	}
	if p.Email != nil {
		list = append(list, byEmail(*p.Email))
	}
	for _, name := range []access.Private{p.GivenName, p.FamilyName} {
		for _, word := range words(name) {
			for n := shortest; n <= min(len(word), longest); n++ {
				list = append(list, byName(word[:n]))
			}
		}
	}
	slices.SortFunc(list, func(a, b Handle) int { return cmp.Or(cmp.Compare(a.Purpose, b.Purpose), cmp.Compare(a.Value, b.Value)) })
	return slices.Compact(list)
}

// asked are the handles of a name that is looked for, the longest word first.
func asked(check *form.Check, name access.Private) []Handle {
	list := words(name)
	slices.SortStableFunc(list, func(a, b []rune) int { return cmp.Compare(len(b), len(a)) })
	enough := len(list) > 0 && len(list[len(list)-1]) >= shortest
	check.That(enough, "Give at least 2 letters of each word.", "name")
	var handles []Handle
	for _, word := range list {
		handles = append(handles, byName(word[:min(len(word), longest)]))
	}
	return handles
}

func byName(beginning []rune) Handle { return Handle{"name", access.Private(beginning)} }

func byBirthDate(d civil.Date) Handle { return Handle{"birth date", access.Private(d.String())} }

func byPhone(number access.Private) Handle { return Handle{"phone", number} }

func byEmail(address access.Private) Handle {
	return Handle{"e-mail", access.Private(strings.ToLower(address.Reveal()))}
}

func byIdentifier(system string, value access.Private) Handle {
	return Handle{"identifier", access.Private(system + "\x00" + value.Reveal())}
}

// Letters that Unicode doesn't take apart into a base and a mark, as people write them without.
var plain = strings.NewReplacer("ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "æ", "ae", "œ", "oe", "ı", "i", "ħ", "h", "ŧ", "t")

// words takes a name apart: letter case, accents and apostrophes don't matter, whatever else is no letter parts words.
func words(name access.Private) [][]rune {
	folding := transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), norm.NFKC)
	folded, _, err := transform.String(folding, cases.Fold().String(name.Reveal()))
	if err != nil {
		return nil // the transformers accept every text
	}
	folded = strings.NewReplacer("'", "", "’", "", "ʼ", "").Replace(plain.Replace(folded))
	parts := strings.FieldsFunc(folded, func(r rune) bool { return !unicode.In(r, unicode.L, unicode.N, unicode.M) })
	var list [][]rune
	for _, part := range parts[:min(len(parts), maxWords)] {
		list = append(list, []rune(part))
	}
	return list
}
