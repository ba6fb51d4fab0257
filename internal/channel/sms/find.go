package sms

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Bounds of one search.
const (
	pageSize  = 20 // such a page fits into an answer, whatever its texts are
	mostPages = 5
	skew      = time.Minute // between Twilio's clock and ours
)

// message is one of Twilio's list.
type message struct {
	SID       string `json:"sid"`
	Direction string `json:"direction"`
	To        string `json:"to"`
	Body      string `json:"body"`
	Status    string `json:"status"`
	ErrorCode *int   `json:"error_code"`
	Created   string `json:"date_created"` // RFC 2822
	Updated   string `json:"date_updated"`
}

type page struct {
	Messages []message `json:"messages"`
	Next     string    `json:"next_page_uri"` // a path; empty or null: there is none
}

// Find is documented at reminder.Channel. It looks for a body with the reference among the texts that went to the number since the day of
// Since, UTC. One that Twilio hasn't handed on yet has no date of sending, and its pages don't say whether the list has it then; so it is
// looked for among the number's newest texts, too. It takes a place among the letters in flight, if there is one soon. Find fails as Send does, but for Unclear, and with Later when a list is longer than is
// read: that there is none it says only of a whole list.
func (c *Channel) Find(ctx context.Context, s reminder.Sought) (finding reminder.Finding, err error) {
	since := s.Since.UTC().Add(-skew)
	err = c.Ask(ctx, func(ctx context.Context) error {
		dated := url.Values{"To": {s.To.Reveal()}, "DateSent>": {since.Format(time.DateOnly)}, "PageSize": {strconv.Itoa(pageSize)}}
		newest := url.Values{"To": dated["To"], "PageSize": dated["PageSize"]}
		for _, query := range []url.Values{dated, newest} {
			if finding, err = c.search(ctx, query, s); err != nil || finding.Found {
				return err
			}
		}
		return nil
	})
	return finding, err
}

// search reads a list, newest first, until the message is found or the rest is older.
func (c *Channel) search(ctx context.Context, query url.Values, s reminder.Sought) (reminder.Finding, error) {
	for range mostPages {
		p, err := c.list(ctx, query)
		if err != nil {
			return reminder.Finding{}, err
		}
		for _, m := range p.Messages {
			if m.is(s) && !m.earlier(s) {
				return reminder.Finding{Found: true, Report: c.report(m, s.Message)}, nil
			}
		}
		next, more := c.following(p.Next)
		if !more || p.older(s.Since.Add(-skew)) {
			return reminder.Finding{}, nil
		}
		query = next
	}
	return reminder.Finding{}, reminder.Later{Cause: reminder.VendorBusy, Code: "pages"}
}

func (c *Channel) list(ctx context.Context, query url.Values) (page, error) {
	request, err := c.request(ctx, http.MethodGet, query, strings.NewReader(""))
	if err != nil {
		return page{}, err
	}
	answer, err := c.line.Ask(ctx, request, nil)
	if err != nil {
		return page{}, asked(err)
	}
	if !answer.Taken() {
		return page{}, asked(c.failure(answer))
	}
	var p page
	if err := json.Unmarshal(answer.Body, &p); !answer.Whole || err != nil || p.Messages == nil {
		return page{}, reminder.Later{Cause: reminder.VendorUnavailable, Code: answer.Code()}
	}
	return p, nil
}

// asked is a failure of a question: a question changes nothing, so whatever came of it, it may be asked again.
func asked(err error) error {
	if unclear, ok := errors.AsType[reminder.Unclear](err); ok {
		return reminder.Later{Cause: reminder.VendorUnavailable, Code: unclear.Code}
	}
	return err
}

// following reads where the next page is. It is at no other path than the first: the query alone is believed.
func (c *Channel) following(next string) (url.Values, bool) {
	at, err := url.Parse(next)
	if next == "" || err != nil || at.Path != c.path() {
		return nil, false
	}
	return at.Query(), true
}

// older says that a page ends with a message that was made before a time, and so does what follows.
func (p page) older(than time.Time) bool {
	if len(p.Messages) == 0 {
		return true
	}
	made, err := time.Parse(time.RFC1123Z, p.Messages[len(p.Messages)-1].Created)
	return err == nil && made.Before(than)
}

func (m message) is(s reminder.Sought) bool {
	return m.To == s.To.Reveal() && !strings.HasPrefix(m.Direction, "inbound") && named(m.SID) && hasWord(m.Body, s.Reference)
}

// earlier says that a message is what an earlier try came to, and failed: it says nothing of the one that is sought. One that was taken is what was
// sought, whenever that was.
func (m message) earlier(s reminder.Sought) bool {
	made, err := time.Parse(time.RFC1123Z, m.Created)
	return err == nil && made.Before(s.Since.Add(-skew)) && fates[m.Status] == reminder.Undelivered
}

// hasWord says that a text has a word of letters and digits that is no part of a longer one.
func hasWord(text, word string) bool {
	return slices.Contains(strings.FieldsFunc(text, func(r rune) bool { return !alphanumeric(r) }), word)
}

func alphanumeric(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// report is what a list tells of a message. A status that nobody has named is at least that of one that was taken.
func (c *Channel) report(m message, of clinic.Ref) reminder.Report {
	at, err := time.Parse(time.RFC1123Z, m.Updated)
	if err != nil {
		at = c.config.Clock.Now()
	}
	r := reported(m.SID, m.Status, codeOf(m.ErrorCode))
	r.Message, r.At = of, at.UTC()
	return r
}

func codeOf(code *int) int {
	if code == nil {
		return 0
	}
	return *code
}

// reported is a status in our words. It has the same id however it came to us, so that it counts once.
func reported(sid, status string, code int) reminder.Report {
	r := reminder.Report{VendorID: sid, Fate: reminder.Taken}
	if fate, known := fates[status]; known {
		r.Fate = fate
	}
	if r.Fate == reminder.Undelivered {
		r.Cause = causeOf(code, reminder.NotDelivered)
		if code > 0 {
			r.Code = strconv.Itoa(code)
		}
	}
	return r
}
