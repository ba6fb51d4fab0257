// Package callbacks belongs to the door: what Twilio and SendGrid tell of messages, and the texts that patients send back.
package callbacks

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/throttle"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Texts reads what Twilio sends. At is the URL that Twilio was told, with its query. Both fail with errs.Forbidden for what Twilio hasn't
// signed for our account, and with errs.InvalidInput for what it wouldn't send.
type Texts interface {
	ReadStatus(at string, form url.Values, signature string) (reminder.Report, error)
	ReadReply(at string, form url.Values, signature string) (reminder.Inbound, error)
}

// Mails reads what SendGrid sends. It fails with errs.Forbidden for what SendGrid hasn't signed, or at another time, and with
// errs.InvalidInput for what it wouldn't send.
type Mails interface {
	ReadEvents(body []byte, signature, timestamp string, now time.Time) ([]reminder.Report, error)
}

// Room keeps what is told. Its methods may fail with errs.Busy; what is told twice counts once.
type Room interface {
	Report(ctx context.Context, r reminder.Report) (bool, error)
	Reports(ctx context.Context, reports []reminder.Report) error // of one channel, in their order; one that fails leaves the others kept
	Unsubscribe(ctx context.Context, message clinic.Ref) error
	Text(ctx context.Context, in reminder.Inbound, request string) (reminder.Answered, error)
}

// Handlers serve callbacks.
type Handlers struct {
	URL     string // where the vendors reach us, without a slash at its end: what they sign begins with it, whatever a proxy makes of it
	Texts   Texts  // nil: Twilio isn't set up
	Mails   Mails  // nil: SendGrid isn't set up
	Room    Room
	Words   func(reminder.Answered) string // what a text is answered with; empty: nothing
	Clock   clock.Clock                    // the machine's, as signatures are
	Allow   throttle.Allow                 // counts refused requests for their address; nil: there is no limit
	Address func(*http.Request) string     // that a request came from; nil: unknown
	Log     *slog.Logger
}

// The paths under the URL, as the vendors' consoles have to name them.
const (
	StatusPath = "/callbacks/twilio/status"
	ReplyPath  = "/callbacks/twilio/reply"
	EventsPath = "/callbacks/sendgrid/events"
)

// Bounds. Twilio waits 15 s for an answer to a text (https://www.twilio.com/docs/usage/webhooks/webhooks-faq); a list of events takes
// a few statements, and each unsubscribing a few more.
const (
	longestForm = 64 << 10
	longestList = 1 << 20
	formTime    = 5 * time.Second
	listTime    = 10 * time.Second
	readTime    = 5 * time.Second // for a body
)

// Register serves the callbacks of the vendors that are set up on a mux. Signed ones aren't counted for their address: they come in bursts, from
// few.
func (h Handlers) Register(mux *http.ServeMux) {
	if h.Texts != nil {
		mux.Handle("POST "+StatusPath, h.door(h.status, bounds{longestForm, formTime}))
		mux.Handle("POST "+ReplyPath, h.door(h.reply, bounds{longestForm, formTime}))
	}
	if h.Mails != nil {
		mux.Handle("POST "+EventsPath, h.door(h.events, bounds{longestList, listTime}))
	}
}

// status is what became of a text. Of texts that aren't known as much is said as of others.
func (h Handlers) status(c call) error {
	form, err := c.form()
	if err != nil {
		return err
	}
	report, err := h.Texts.ReadStatus(h.at(c.r, StatusPath), form, c.r.Header.Get(twilioSigns))
	if err != nil {
		return err
	}
	if _, err = h.Room.Report(c.ctx, report); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// reply is a text that somebody sent back. It is answered by another one.
func (h Handlers) reply(c call) error {
	form, err := c.form()
	if err != nil {
		return err
	}
	in, err := h.Texts.ReadReply(h.at(c.r, ReplyPath), form, c.r.Header.Get(twilioSigns))
	if err != nil {
		return err
	}
	answered, err := h.Room.Text(c.ctx, in, accesslog.From(c.ctx).RequestID)
	if err != nil {
		return err
	}
	return said(c.w, h.Words(answered))
}

// events are what became of mails.
func (h Handlers) events(c call) error {
	head := c.r.Header
	if len(head.Get(sendgridSigns)) == 0 || len(head.Get(sendgridTimes)) == 0 {
		return errUnsigned // before a megabyte is read
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	reports, err := h.Mails.ReadEvents(body, head.Get(sendgridSigns), head.Get(sendgridTimes), h.Clock.Now())
	if err != nil {
		return err
	}
	if err := h.noted(c.ctx, reports); err != nil {
		return err // the whole list comes again
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// noted keeps reports of mails, and who wants no more: of each as much as can be, whatever comes of the others.
func (h Handlers) noted(ctx context.Context, reports []reminder.Report) error {
	var news []reminder.Report
	var leaving []clinic.Ref
	for _, r := range reports {
		switch {
		case r.Fate != reminder.Unsubscribed:
			news = append(news, r)
		case !slices.Contains(leaving, r.Message):
			leaving = append(leaving, r.Message)
		}
	}
	var failed []error
	if len(news) > 0 {
		failed = append(failed, h.Room.Reports(ctx, news))
	}
	for _, message := range leaving {
		failed = append(failed, h.Room.Unsubscribe(ctx, message))
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed...)
}

// The headers of signatures.
const (
	twilioSigns   = "X-Twilio-Signature"
	sendgridSigns = "X-Twilio-Email-Event-Webhook-Signature"
	sendgridTimes = "X-Twilio-Email-Event-Webhook-Timestamp"
)

// at is the URL that the vendor was told.
func (h Handlers) at(r *http.Request, path string) string {
	if r.URL.RawQuery == "" {
		return h.URL + path
	}
	return h.URL + path + "?" + r.URL.RawQuery
}
