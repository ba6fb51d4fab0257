package words

import (
	"net/url"
	"slices"
	"strings"
	"unicode"

	"cloud.google.com/go/civil"
	"golang.org/x/text/unicode/norm"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// checked are the facts without what would break a line, or a missing one that the words need.
func checked(kind reminder.Kind, f reminder.Facts) (reminder.Facts, error) {
	f.Organization, f.Location, f.Reference = oneLine(f.Organization), oneLine(f.Location), oneLine(f.Reference)
	f.Phone, f.TimeZone = oneLine(f.Phone), oneLine(f.TimeZone)
	for _, needed := range []struct {
		what string
		have bool
	}{
		{"kind", telling(kind, f) != ""},
		{"organization", f.Organization != ""},
		{"modality", slices.Contains(clinic.Modalities, f.Modality)},
		{"location", f.Modality != clinic.InPerson || f.Location != ""},
		{"timeZone", f.Modality.OnSite() || f.TimeZone != ""},
		{"local", whole(f.Local)},
		{"until", kind != reminder.Offer || whole(f.Until)},
	} {
		if !needed.have {
			return f, Fault{reminder.MissingValue, needed.what}
		}
	}
	if strings.EqualFold(f.Location, f.Organization) {
		f.Location = "" // it is said already
	}
	return f, checkLinks(f.Links)
}

// whole says that a time is one: the zero time is none.
func whole(t civil.DateTime) bool { return t.IsValid() && !t.IsZero() }

func checkLinks(l reminder.Links) error {
	for _, link := range []struct{ name, at string }{
		{"links.confirm", l.Confirm}, {"links.move", l.Move}, {"links.cancel", l.Cancel}, {"links.unsubscribe", l.Unsubscribe},
	} {
		u, err := url.Parse(link.at)
		if link.at != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			return Fault{reminder.MissingValue, link.name}
		}
	}
	return nil
}

// oneLine makes a text one of letters and single spaces: line breaks, control characters and marks that turn the direction of what follows
// are how one text passes for another. The joiners of Persian and Indian scripts stay.
func oneLine(text string) string {
	const nonJoiner, joiner = '\u200c', '\u200d'
	clean := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r), r == unicode.ReplacementChar:
			return ' '
		case unicode.Is(unicode.Cf, r) && r != nonJoiner && r != joiner:
			return -1
		}
		return r
	}, norm.NFC.String(text))
	return strings.Join(strings.Fields(clean), " ")
}

// shortened cuts a name to so many letters, its ellipsis included. A letter keeps its marks, or goes with them.
func shortened(name string, most int, ellipsis string) string {
	letters := []rune(name)
	if len(letters) <= most {
		return name
	}
	at := most - len([]rune(ellipsis))
	for at > 1 && (unicode.Is(unicode.M, letters[at]) || letters[at] == '\u200d' || letters[at-1] == '\u200d') {
		at--
	}
	return strings.TrimRight(string(letters[:at]), " ") + ellipsis
}
