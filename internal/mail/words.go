package mail

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"

	"golang.org/x/text/language"

	"github.com/mediconnect/mediconnect/internal/identity"
)

// written is a mail in one language.
type written struct{ language, subject, text, html string }

// wording is what a kind of mail says. The verb %s in a subject or a line is the organisation's name.
type wording struct {
	subject string
	before  []string // lines above the link
	link    string   // what the link is called
	path    string   // of the app's page that it opens
	after   []string // lines below it
}

// vocabulary is a language: the words for each kind of mail.
type vocabulary struct {
	tag      language.Tag
	platform string // what stands for an organisation's name in mails of the platform itself
	of       map[identity.LetterKind]wording
}

// languages that mails are written in. The first is for whoever understands none of the others; another one is another entry.
var languages = []vocabulary{english}

// Pages of the app. What they do with a code they do when the reader presses a button: programs that look through mails open links, too.
const (
	confirmPage = "/confirm-email"
	resetPage   = "/reset-password"
	forgotPage  = "/forgot-password"
	invitePage  = "/accept-invitation"
	signInPage  = "/sign-in"
)

var english = vocabulary{tag: language.English, platform: "MediConnect", of: map[identity.LetterKind]wording{
	identity.ConfirmLetter: {
		subject: "Confirm your e-mail address for %s",
		before:  []string{"Somebody, probably you, wants to sign up at %s with this e-mail address.", "Confirm it and choose a password within one hour:"},
		link:    "Confirm my e-mail address", path: confirmPage,
		after: []string{"If it wasn't you, do nothing: without this link there will be no account."},
	},
	identity.KnownLetter: {
		subject: "You already have an account at %s",
		before:  []string{"Somebody, probably you, wants to sign up at %s with this e-mail address, which has an account already.", "Sign in as usual. If you have forgotten your password, choose a new one:"},
		link:    "Choose a new password", path: forgotPage,
		after: []string{"If it wasn't you, do nothing: your account is as it was."},
	},
	identity.ResetLetter: {
		subject: "Choose a new password for %s",
		before:  []string{"Somebody, probably you, has asked for a new password for your account at %s.", "Choose it within one hour. You will be signed out everywhere:"},
		link:    "Choose a new password", path: resetPage,
		after: []string{"If it wasn't you, do nothing: your password stays as it is."},
	},
	identity.InviteLetter: {
		subject: "You are invited to %s",
		before:  []string{"You are invited to have an account at %s.", "Choose a password within seven days:"},
		link:    "Accept the invitation", path: invitePage,
		after: []string{"If you don't expect this, do nothing: without this link there will be no account."},
	},
	identity.InvitedLetter: {
		subject: "You are invited to %s",
		before:  []string{"You are invited to have an account at %s, and you have one already, which stays as it is.", "Sign in as usual:"},
		link:    "Sign in", path: signInPage,
	},
}}

var page = template.Must(template.New("mail").Parse(`<!DOCTYPE html>
<html lang="{{.Language}}"><head><meta charset="utf-8"><title>{{.Subject}}</title></head>
<body style="font-family:sans-serif;line-height:1.5;max-width:36em">
{{range .Before}}<p>{{.}}</p>
{{end}}<p><a href="{{.Href}}">{{.Link}}</a></p>
{{range .After}}<p>{{.}}</p>
{{end}}</body></html>
`))

// write words a letter. The code stands in the link's fragment, which browsers keep to themselves: no server's log has it.
func (b *Box) write(l identity.Letter) (written, error) {
	words := speaking(l.Locale)
	w, ok := words.of[l.Kind]
	if !ok {
		return written{}, fmt.Errorf("there are no words for mails of the kind %s", l.Kind)
	}
	name := l.Organization
	if name == "" {
		name = words.platform
	}
	href := b.app + w.path
	if l.Code != "" {
		href += "#code=" + l.Code.Reveal()
	}
	out := written{language: words.tag.String(), subject: named(w.subject, name)}
	before, after := allNamed(w.before, name), allNamed(w.after, name)
	out.text = strings.Join(append(append(before, href), after...), "\n\n") + "\n"
	var html bytes.Buffer
	err := page.Execute(&html, map[string]any{
		"Language": out.language, "Subject": out.subject, "Before": before, "Href": href, "Link": w.link, "After": after,
	})
	out.html = html.String()
	return out, err
}

func speaking(locale string) vocabulary {
	tags := make([]language.Tag, len(languages))
	for i, l := range languages {
		tags[i] = l.tag
	}
	wanted, err := language.Parse(locale)
	if err != nil {
		return languages[0]
	}
	_, i, _ := language.NewMatcher(tags).Match(wanted)
	return languages[i]
}

func named(line, organization string) string { return strings.ReplaceAll(line, "%s", organization) }

func allNamed(lines []string, organization string) []string {
	list := make([]string, len(lines))
	for i, line := range lines {
		list[i] = named(line, organization)
	}
	return list
}
