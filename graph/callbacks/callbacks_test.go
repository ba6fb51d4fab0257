package callbacks

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// desk stands for readers and room: what it is given it remembers, and it fails as told.
type desk struct {
	at        []string
	reports   []reminder.Report
	lists     int // of reports
	ended     int
	refuse    error // by the readers
	fail      error // by the room
	read      []reminder.Report
	forgotten bool // the deadline of a request
}

func (d *desk) ReadStatus(at string, _ url.Values, _ string) (reminder.Report, error) {
	d.at = append(d.at, at)
	return reminder.Report{Fate: reminder.Arrived}, d.refuse
}

func (d *desk) ReadReply(at string, form url.Values, _ string) (reminder.Inbound, error) {
	d.at = append(d.at, at)
	return reminder.Inbound{ID: form.Get("MessageSid")}, d.refuse
}

func (d *desk) ReadEvents([]byte, string, string, time.Time) ([]reminder.Report, error) {
	return d.read, d.refuse
}

func (d *desk) Report(ctx context.Context, r reminder.Report) (bool, error) {
	_, bounded := ctx.Deadline()
	d.forgotten = !bounded
	d.reports = append(d.reports, r)
	return false, d.fail
}

func (d *desk) Reports(ctx context.Context, list []reminder.Report) error {
	_, bounded := ctx.Deadline()
	d.forgotten = !bounded
	d.lists++
	d.reports = append(d.reports, list...)
	return d.fail
}

func (d *desk) Unsubscribe(context.Context, clinic.Ref) error { d.ended++; return d.fail }

func (d *desk) Text(context.Context, reminder.Inbound, string) (reminder.Answered, error) {
	return reminder.Answered{}, d.fail
}

func served(d *desk, words string) *http.ServeMux {
	mux := http.NewServeMux()
	Handlers{
		URL: "https://public.example.org/mc", Texts: d, Mails: d, Room: d, Words: func(reminder.Answered) string { return words },
		Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
	}.Register(mux)
	return mux
}

func post(mux *http.ServeMux, path string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://10.0.0.1:8080"+path, body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	r.Header.Set("X-Forwarded-Host", "evil.example.org")
	for _, name := range []string{twilioSigns, sendgridSigns, sendgridTimes} {
		r.Header.Set(name, "x")
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

// What is verified is what the vendor was told, whatever a proxy makes of it.
func TestThePublicURLIsVerified(t *testing.T) {
	d := &desk{}
	mux := served(d, "")
	if got := post(mux, "/callbacks/twilio/status?m=a%2Fb", strings.NewReader("a=b")); got.Code != 204 || got.Body.Len() != 0 {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	post(mux, "/callbacks/twilio/reply", strings.NewReader("a=b"))
	if len(d.at) != 2 || d.at[0] != "https://public.example.org/mc/callbacks/twilio/status?m=a%2Fb" || d.at[1] != "https://public.example.org/mc/callbacks/twilio/reply" {
		t.Errorf("verified are %v", d.at)
	}
	if len(d.reports) != 1 || d.forgotten {
		t.Errorf("reports %+v, without a deadline: %v", d.reports, d.forgotten)
	}
}

func TestWhatFailsIsAnsweredByKind(t *testing.T) {
	for name, c := range map[string]struct {
		d    desk
		want int
	}{
		"forged":              {desk{refuse: errs.Denied("no")}, 403},
		"garbage":             {desk{refuse: errs.Invalid("no")}, 400},
		"a busy database":     {desk{fail: errs.TryAgain(nil)}, 503},
		"an unforeseen fault": {desk{fail: io.ErrClosedPipe}, 500},
		"a deadline":          {desk{fail: context.DeadlineExceeded}, 503},
	} {
		c.d.read = []reminder.Report{{Fate: reminder.Arrived}}
		mux := served(&c.d, "")
		for _, path := range []string{StatusPath, ReplyPath, EventsPath} {
			got := post(mux, path, strings.NewReader("Body=private"))
			if got.Code != c.want || strings.Contains(got.Body.String(), "private") || (got.Header().Get("Retry-After") != "") != (c.want == 503) {
				t.Errorf("%s at %s: %d %s %v", name, path, got.Code, got.Body, got.Header())
			}
			if c.want < 500 && len(c.d.reports) > 0 {
				t.Errorf("%s at %s is kept", name, path)
			}
		}
	}
}

// counted counts how much of it was read.
type counted struct{ read int }

func (c *counted) Read(p []byte) (int, error) {
	c.read += len(p)
	return copy(p, bytes.Repeat([]byte("a"), len(p))), nil
}

func TestABodyIsReadUpToItsBound(t *testing.T) {
	for path, bound := range map[string]int{StatusPath: longestForm, ReplyPath: longestForm, EventsPath: longestList} {
		d, body := &desk{}, &counted{}
		got := post(served(d, ""), path, body) // of a length that isn't told
		if got.Code != http.StatusRequestEntityTooLarge || body.read > 2*bound {
			t.Errorf("%s: %d after %d bytes", path, got.Code, body.read)
		}
		r := httptest.NewRequest(http.MethodPost, path, body)
		r.ContentLength = 10 << 20
		before, w := body.read, httptest.NewRecorder()
		served(d, "").ServeHTTP(w, r)
		if w.Code != http.StatusRequestEntityTooLarge || body.read != before {
			t.Errorf("%s, of a length that is told: %d after %d bytes", path, w.Code, body.read-before)
		}
	}
}

func TestATextIsAnsweredInTwiML(t *testing.T) {
	for _, words := range []string{"", `<Redirect>http://evil.example.org</Redirect> & "more"`} {
		got := post(served(&desk{}, words), ReplyPath, strings.NewReader("MessageSid=SM1"))
		var read response
		if err := xml.Unmarshal(got.Body.Bytes(), &read); err != nil || got.Code != 200 || !strings.HasPrefix(got.Header().Get("Content-Type"), "text/xml") {
			t.Fatalf("%d %s: %v", got.Code, got.Body, err)
		}
		if strings.Join(read.Message, "|") != words || strings.Contains(got.Body.String(), "<Redirect") {
			t.Errorf("%q is said as %s", words, got.Body)
		}
	}
}

func TestUnsubscribingIsNoReport(t *testing.T) {
	leaves := clinic.Ref{ID: uuid.New()}
	d := &desk{read: []reminder.Report{{Fate: reminder.Arrived}, {Fate: reminder.Unsubscribed}, {Fate: reminder.Taken}, {Fate: reminder.Unsubscribed, Message: leaves}, {Fate: reminder.Unsubscribed}}}
	if got := post(served(d, ""), EventsPath, strings.NewReader("[]")); got.Code != 204 || d.ended != 2 || len(d.reports) != 2 || d.reports[1].Fate != reminder.Taken {
		t.Errorf("%d, %d ended, %v", got.Code, d.ended, d.reports)
	}
}

// A list is kept together, and what fails of it keeps nothing else from being kept: the list comes again for that alone.
func TestAListIsKeptTogetherAndAsMuchOfItAsCanBe(t *testing.T) {
	d := &desk{}
	for range 1000 {
		d.read = append(d.read, reminder.Report{Fate: reminder.Arrived, Message: clinic.Ref{ID: uuid.New()}})
	}
	if got := post(served(d, ""), EventsPath, strings.NewReader("[]")); got.Code != 204 || d.lists != 1 || len(d.reports) != 1000 {
		t.Errorf("%d, in %d lists %d", got.Code, d.lists, len(d.reports))
	}
	d = &desk{fail: io.ErrClosedPipe, read: []reminder.Report{
		{Fate: reminder.Unsubscribed}, {Fate: reminder.Arrived}, {Fate: reminder.Unsubscribed, Message: clinic.Ref{ID: uuid.New()}}}}
	if got := post(served(d, ""), EventsPath, strings.NewReader("[]")); got.Code != 500 || len(d.reports) != 1 || d.ended != 2 {
		t.Errorf("%d, reports %v, %d ended", got.Code, d.reports, d.ended)
	}
}

func TestAVendorThatIsNotSetUpHasNoCallbacks(t *testing.T) {
	mux := http.NewServeMux()
	Handlers{Log: slog.New(slog.DiscardHandler)}.Register(mux)
	for _, path := range []string{StatusPath, ReplyPath, EventsPath} {
		if got := post(mux, path, strings.NewReader("")); got.Code != 404 {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
}
