package links

import (
	"context"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"strconv"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/transport"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Room reads and does what the pages show and offer. It fails with errs.NotFound and errs.Busy.
type Room interface {
	See(ctx context.Context, message clinic.Ref, request string) (reminder.Seen, error)
	Press(ctx context.Context, p reminder.Pressed) (reminder.Answered, error)
	Unsubscribe(ctx context.Context, message clinic.Ref) error
}

// Records keeps what a caller's trail holds. While it fails, nothing may be shown.
type Records interface {
	Keep(ctx context.Context, a access.Actor, fields map[string][]string) error
}

// Pages serve the links.
type Pages struct {
	Links
	Room       Room
	Records    Records
	Clock      clock.Clock                    // the product's: links end when the visit begins
	App        string                         // where a new time is chosen; empty: nowhere but at the clinic
	Visit      func(reminder.Facts) string    // words when and where a visit is
	Until      func(reminder.Facts) string    // words by when an offer is to be answered
	Impossible func(reminder.Facts) string    // words that the visit can't take place in whose stead a time is offered
	Said       func(reminder.Answered) string // words what came of an answer
	Log        *slog.Logger
}

// shown are the fields of an appointment that a page has.
var shown = map[string][]string{"Appointment": {"id", "localStart", "location", "modality", "status", "timeZone", "version"}}

// Register serves the pages on a mux. wrap bounds the time of an answer, and counts a request for its address.
func (p Pages) Register(mux *http.ServeMux, wrap func(http.Handler) http.Handler) {
	mux.Handle("GET "+route+"{token}", wrap(p.opened(p.look)))
	mux.Handle("POST "+route+"{token}", wrap(p.opened(p.press)))
}

// opened has a link's page served. What was not made here doesn't exist.
func (p Pages) opened(serve func(visit) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		private(w.Header())
		message, purpose, ok := p.open(r.PathValue("token"))
		if !ok {
			p.refuse(visit{w: w, r: r}, errs.Missing("link"))
			return
		}
		v := visit{w, r, message, purpose}
		if err := serve(v); err != nil {
			p.refuse(v, err)
		}
	})
}

// visit is somebody who follows a link.
type visit struct {
	w       http.ResponseWriter
	r       *http.Request
	message clinic.Ref
	purpose purpose
}

// request is its id.
func (v visit) request() string { return accesslog.From(v.r.Context()).RequestID }

// look shows a page. It changes nothing: programs that look through mails follow links, too.
func (p Pages) look(v visit) error {
	if v.r.Method == http.MethodHead {
		return nil // nothing is shown
	}
	if v.purpose == toUnsubscribe {
		return p.show(v, http.StatusOK, page{words: spoken(v.r), Ending: true})
	}
	return p.showVisit(v, http.StatusOK, "")
}

// showVisit shows the visit with what can be done. Who saw it is recorded before it leaves.
func (p Pages) showVisit(v visit, status int, said string) error {
	seen, err := p.Room.See(v.r.Context(), v.message, v.request())
	if err != nil {
		return err
	}
	words := speaking(seen.Facts.Language)
	if !seen.Ahead(p.Clock.Now()) {
		return p.show(v, http.StatusGone, page{words: words, Said: words.Over})
	}
	if err := p.Records.Keep(v.r.Context(), seen.By, shown); err != nil {
		return errs.TryAgain(err)
	}
	facts := seen.Facts
	shows := page{
		words: words, Organization: facts.Organization, Visit: p.Visit(facts), Phone: facts.Phone, Said: said, Version: seen.Version,
		Confirmed: seen.Confirmed, Pending: seen.Pending, Cancellable: seen.Cancellable, Mails: seen.Channel == reminder.Email && !seen.OptedOut,
	}
	if seen.AnswerBy != nil {
		shows.Answer, shows.Impossible = p.Until(facts), p.Impossible(facts)
	}
	if seen.Fee != nil {
		shows.Fee, shows.MinorUnits = money(*seen.Fee), seen.Fee.MinorUnits
	}
	return p.show(v, status, shows)
}

// longestPress of a form: there is nothing to write in it.
const longestPress = 4 << 10

// press does what a button says.
func (p Pages) press(v visit) error {
	if err := read(v); err != nil {
		return err
	}
	form := v.r.PostForm
	do := form.Get("do")
	switch {
	case v.purpose == toUnsubscribe && (form.Get("List-Unsubscribe") == "One-Click" || do == "unsubscribe"), do == "unsubscribe":
		if err := p.Room.Unsubscribe(v.r.Context(), v.message); err != nil {
			return err
		}
		words := spoken(v.r)
		return p.show(v, http.StatusOK, page{words: words, Said: words.Ended})
	case v.purpose == toUnsubscribe || wishes[do] == "":
		return errs.Invalid("That is no button of this page.")
	}
	version, err := strconv.Atoi(form.Get("version"))
	if err != nil {
		return errs.Invalid("That is no form of this page.")
	}
	return p.pressed(v, reminder.Pressed{Message: v.message, Wish: wishes[do], Version: version, Request: v.request()})
}

// final are the effects after which there is nothing to go back to.
var final = map[reminder.Effect]bool{reminder.CancelledByReply: true, reminder.OfferDeclined: true, reminder.OfferOver: true, reminder.OfferTaken: true}

// wishes are what the buttons about the visit stand for.
var wishes = map[string]reminder.Wish{"cancel": reminder.WishCancel, "confirm": reminder.WishConfirm, "move": reminder.WishMove}

func (p Pages) pressed(v visit, asks reminder.Pressed) error {
	if fee, err := strconv.Atoi(v.r.PostForm.Get("fee")); err == nil && fee >= 0 {
		asks.Fee = &fee
	}
	done, err := p.Room.Press(v.r.Context(), asks)
	if err != nil {
		return err
	}
	words := speaking(done.Facts.Language)
	switch done.Effect {
	case reminder.NoVisit:
		return p.show(v, http.StatusGone, page{words: words, Said: words.Over})
	case reminder.VisitMoved: // while the page was open
		return p.showVisit(v, http.StatusConflict, words.Changed)
	case reminder.FeeNotAccepted:
		return p.showVisit(v, http.StatusUnprocessableEntity, words.Accept)
	}
	result := page{words: words, Said: p.Said(done), Back: !final[done.Effect], Token: v.r.PathValue("token")}
	if done.Effect == reminder.AskedMoving {
		result.App = p.App
	}
	return p.show(v, http.StatusOK, result)
}

// read reads a form, of a page or of a program that ends mails (RFC 8058, section 3.2: either encoding).
func read(v visit) error {
	kind, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, longestPress)
	switch {
	case err != nil:
	case kind == "multipart/form-data":
		err = v.r.ParseMultipartForm(longestPress)
	case kind == "application/x-www-form-urlencoded":
		err = v.r.ParseForm()
	default:
		err = http.ErrNotSupported
	}
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return tooLong{}
	}
	if err != nil {
		return errs.Invalid("That is no form of this page.")
	}
	return nil
}

type tooLong struct{}

func (tooLong) Error() string { return "the form is too long" }

// refuse says why there is no page.
func (p Pages) refuse(v visit, err error) {
	words := spoken(v.r)
	status, why := http.StatusInternalServerError, words.Failed
	switch errs.Of(err) {
	case errs.NotFound:
		status, why = http.StatusNotFound, words.Missing
	case errs.InvalidInput:
		status, why = http.StatusBadRequest, words.Wrong
	case errs.Busy:
		status, why = http.StatusServiceUnavailable, words.Busy
		transport.Later(v.w.Header())
	default:
		if errors.As(err, new(tooLong)) {
			status, why = http.StatusRequestEntityTooLarge, words.Wrong
			break
		}
		p.Log.ErrorContext(v.r.Context(), "message link failed", "requestId", v.request(), "error", err)
	}
	if err := p.show(v, status, page{words: words, Said: why}); err != nil {
		p.Log.ErrorContext(v.r.Context(), "message link failed", "requestId", v.request(), "error", err)
	}
}
