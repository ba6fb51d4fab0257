package words

import (
	"html/template"
	"strings"

	"github.com/mediconnect/mediconnect/internal/reminder"
)

// longestName is how long names are in what is read on a screen.
const longestName = 100

var page = template.Must(template.New("message").Parse(`<!DOCTYPE html>
<html lang="{{.Language}}"><head><meta charset="utf-8"><title>{{.Subject}}</title></head>
<body style="font-family:sans-serif;line-height:1.5;max-width:36em">
<p>{{.Sentence}}</p>
{{range .Links}}<p><a href="{{.At}}">{{.Label}}</a></p>
{{end}}{{range .After}}<p>{{.}}</p>
{{end}}<p>{{.Organization}}</p>
{{with .Unsubscribe}}<p style="font-size:smaller"><a href="{{.At}}">{{.Label}}</a></p>
{{end}}</body></html>
`))

// letter is what an e-mail is made of, plain or not.
type letter struct {
	Language, Subject, Sentence, Organization string
	Links                                     []link
	After                                     []string
	Unsubscribe                               *link
}

type link struct{ Label, At string }

// long words an e-mail.
func long(kind reminder.Kind, f reminder.Facts) (subject, text, html string, err error) {
	f, err = checked(kind, f)
	if err != nil {
		return "", "", "", err
	}
	l := composed(kind, cut(f))
	var written strings.Builder
	err = page.Execute(&written, l)
	return l.Subject, l.plain(), written.String(), err
}

// push words a message of the app.
func push(kind reminder.Kind, f reminder.Facts) (title, text, html string, err error) {
	f, err = checked(kind, f)
	if err != nil {
		return "", "", "", err
	}
	f = cut(f)
	v, m := speaking(f.Language)
	return f.Organization, capital(v.factsOf(f, m, v.brief).fill(v.sentences[telling(kind, f)])), "", nil
}

func cut(f reminder.Facts) reminder.Facts {
	f.Organization, f.Location = shortened(f.Organization, longestName, "…"), shortened(f.Location, longestName, "…")
	return f
}

func composed(kind reminder.Kind, f reminder.Facts) letter {
	v, m := speaking(f.Language)
	told, brief := v.factsOf(f, m, v.full), v.factsOf(f, m, v.brief)
	l := letter{
		Language: v.tag.String(), Subject: brief.fill(v.subject(kind, f)), Organization: f.Organization,
		Sentence: capital(told.fill(v.sentences[telling(kind, f)])),
	}
	after := v.questions
	switch kind {
	case reminder.Cancellation:
		after = v.again
	case reminder.Offer:
		l.Links = given(link{v.links.take, f.Links.Confirm}, link{v.links.decline, f.Links.Cancel})
	case reminder.Request: // nobody confirms what isn't booked
		l.Links = given(link{v.links.move, f.Links.Move}, link{v.links.cancel, f.Links.Cancel})
	default:
		l.Links = given(link{v.links.confirm, f.Links.Confirm}, link{v.links.move, f.Links.Move}, link{v.links.cancel, f.Links.Cancel})
	}
	if f.Phone != "" {
		l.After = append(l.After, told.fill(after))
	}
	if f.Reference != "" {
		l.After = append(l.After, told.fill(v.reference))
	}
	if f.Links.Unsubscribe != "" {
		l.Unsubscribe = &link{v.links.unsubscribe, f.Links.Unsubscribe}
	}
	return l
}

func (v *vocabulary) subject(kind reminder.Kind, f reminder.Facts) string {
	switch {
	case kind == reminder.Cancellation && f.Refusal != "":
		return v.refused
	case kind == reminder.Offer && whole(f.Was):
		return v.displaced
	}
	return v.subjects[kind]
}

func given(links ...link) (list []link) {
	for _, l := range links {
		if l.At != "" {
			list = append(list, l)
		}
	}
	return list
}

func (l letter) plain() string {
	paragraphs := []string{l.Sentence}
	for _, link := range l.Links {
		paragraphs = append(paragraphs, link.Label+":\n"+link.At)
	}
	paragraphs = append(append(paragraphs, l.After...), l.Organization)
	if l.Unsubscribe != nil {
		paragraphs = append(paragraphs, l.Unsubscribe.Label+":\n"+l.Unsubscribe.At)
	}
	return strings.Join(paragraphs, "\n\n") + "\n"
}
