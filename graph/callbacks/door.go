package callbacks

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/throttle"
	"github.com/mediconnect/mediconnect/graph/transport"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// bounds are those of one kind of callback.
type bounds struct {
	longest int64         // bytes of a body
	time    time.Duration // for an answer
}

// call is one callback.
type call struct {
	ctx     context.Context
	w       http.ResponseWriter
	r       *http.Request
	longest int64
}

// errors of requests that no vendor makes.
var (
	errUnsigned = errs.Denied("It isn't signed.")
	errForm     = errs.Invalid("It must be a form.")
)

type tooLong struct{}

func (tooLong) Error() string { return "the body is too long" }

// door bounds what a callback may cost. One that isn't signed costs a body of so many bytes, read within a time, and a digest of it.
func (h Handlers) door(serve func(call) error, b bounds) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), b.time)
		defer cancel()
		if r.ContentLength > b.longest {
			h.refuse(w, r, tooLong{})
			return
		}
		_ = http.NewResponseController(w).SetReadDeadline(clock.System{}.Now().Add(readTime)) // the server's own is longer
		if err := serve(call{ctx, w, r, b.longest}); err != nil {
			h.refuse(w, r, err)
		}
	})
}

// body reads no more than may be sent.
func (c call) body() ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, c.longest))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return nil, tooLong{}
	}
	if err != nil {
		return nil, errs.Invalid("The body can't be read.")
	}
	return body, nil
}

// form reads Twilio's.
func (c call) form() (url.Values, error) {
	if c.r.Header.Get(twilioSigns) == "" {
		return nil, errUnsigned
	}
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, errForm
	}
	body, err := c.body()
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errForm
	}
	return form, nil
}

// refuse answers what isn't served, without a word of what was sent. What the vendor may send again is counted for nobody; what no vendor
// sends is counted for the address, which is told to wait once it is too much.
func (h Handlers) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, why := http.StatusInternalServerError, "Internal error."
	switch kind := errs.Of(err); {
	case errors.As(err, new(tooLong)):
		status, why = http.StatusRequestEntityTooLarge, "The body is too long."
	case kind == errs.Forbidden:
		status, why = http.StatusForbidden, "Not signed by whom it should be."
	case kind == errs.InvalidInput:
		status, why = http.StatusBadRequest, "Not what was expected here."
	case kind == errs.Busy, errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		status, why = http.StatusServiceUnavailable, "Try again in a moment."
		transport.Later(w.Header())
	default:
		h.Log.ErrorContext(r.Context(), "callback failed", "requestId", accesslog.From(r.Context()).RequestID, "error", err)
	}
	if status < http.StatusInternalServerError {
		w.Header().Set("Connection", "close") // whatever else it sends isn't read
		if h.tooMany(w, r) {
			status, why = http.StatusTooManyRequests, "Too many requests."
		}
	}
	http.Error(w, why, status)
}

// tooMany counts a request that was refused.
func (h Handlers) tooMany(w http.ResponseWriter, r *http.Request) bool {
	nobody := viewer.Viewer{Actor: access.Nobody(accesslog.From(r.Context()).RequestID)}
	if h.Address != nil {
		nobody.Address = h.Address(r)
	}
	return throttle.New(h.Allow, nobody, w.Header()).Take(r.Context(), 1) != nil
}

// response is TwiML: what a text is answered with (https://www.twilio.com/docs/messaging/twiml).
type response struct {
	XMLName xml.Name `xml:"Response"`
	Message []string `xml:"Message,omitempty"`
}

// said answers a text.
func said(w http.ResponseWriter, text string) error {
	var answer response
	if text != "" {
		answer.Message = []string{text}
	}
	body, err := xml.Marshal(answer)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = w.Write(append([]byte(xml.Header), body...)) // nobody is left to tell
	return nil
}
