package app

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/mediconnect/mediconnect/graph/callbacks"
	"github.com/mediconnect/mediconnect/graph/links"
	telling "github.com/mediconnect/mediconnect/internal/channel/words"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Answering is how vendors' reports and patients' answers reach a process.
type Answering struct {
	URL   string          // where the vendors reach it, without a slash at its end
	Texts callbacks.Texts // nil: Twilio isn't set up
	Mails callbacks.Mails // nil: SendGrid isn't set up
	App   string          // where patients choose another time; empty: nowhere but at the clinic
}

// answering opens what vendors' reports are read by.
func (s *ChannelSettings) answering(app WebURL) *Answering {
	with := &Answering{URL: textOf(s.Callbacks.url), App: textOf(app.url)}
	texts, mails := s.readers(clock.System{})
	if texts != nil {
		with.Texts = texts
	}
	if mails != nil {
		with.Mails = mails
	}
	return with
}

// textOf is a URL without a slash at its end; none is empty.
func textOf(u *url.URL) string {
	if u == nil {
		return ""
	}
	return strings.TrimSuffix(u.String(), "/")
}

// hear wires what patients answer. Its time is the product's: so are the visits' and the messages'.
func (a *App) hear(source clinic.Source) *reminder.Answers {
	return &reminder.Answers{Store: postgres.NewMessages(a.db), Visits: a.appointments, Offers: a.waitlist, Wishes: a.choices, Source: source, Heard: a.heard}
}

// heard logs that somebody wants no more, or wants it again; not who.
func (a *App) heard(ctx context.Context, c reminder.ChannelKind, e reminder.Effect) {
	a.frame.Log.InfoContext(ctx, "somebody turned messages off or on", "channel", string(c), "effect", string(e))
}

// links makes those of messages, and opens them; without a base none are offered.
func (f Frame) links() links.Links {
	if f.Links.Base != "" || f.PublicURL == nil {
		return f.Links
	}
	return links.Links{Base: textOf(f.PublicURL), Key: f.LinkKey}
}

// offered are the links of a message; nil: mails have none.
func (f Frame) offered() func(clinic.Ref) reminder.Links {
	if l := f.links(); l.Base != "" && len(l.Key) > 0 {
		return l.For
	}
	return nil
}

// toldRoom is what vendors and patients tell the room.
type toldRoom struct {
	*reminder.Answers
	*reminder.Service
}

// answersBeside serves the pages behind the links of messages, and the callbacks of the vendors that are set up.
func (a *App) answersBeside(mux *http.ServeMux, wrap func(http.Handler) http.Handler, settings HTTPSettings, limit *limiter) {
	with := a.frame.Answering
	if with == nil {
		with = &Answering{}
	}
	links.Pages{
		Links: a.frame.links(), Room: a.answers, Records: a.recorder, Clock: a.frame.Clock, App: with.App, Visit: telling.Visit, Until: telling.Until, Impossible: telling.Impossible, Said: with.words, Log: a.frame.Log,
	}.Register(mux, wrap)
	callbacks.Handlers{
		URL: with.URL, Texts: with.Texts, Mails: with.Mails, Room: toldRoom{a.answers, a.reminder}, Words: with.words, Clock: clock.System{},
		Allow: limit.allows(), Address: settings.TrustedProxies.address, Log: a.frame.Log,
	}.Register(mux)
}

// words are what a text is answered with. Whoever turns texts off or on is answered by the carrier, if it did that itself.
func (w *Answering) words(of reminder.Answered) string {
	if of.Heeded && (of.Effect == reminder.Stopped || of.Effect == reminder.Resumed) {
		return ""
	}
	return telling.Answer(of, w.App)
}
