package prove_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/internal/channel/email"
	"github.com/mediconnect/mediconnect/internal/channel/sms"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/keyring"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/vendors"
)

// listen has the vendors report to an address, and answers it.
func (p *post) listen(keys *keyring.Ring) string {
	p.t.Helper()
	config := postgres.Defaults(p.url)
	config.Keys, config.MaxConns = keys, 4
	db, err := postgres.Open(p.t.Context(), config)
	p.check(err)
	p.t.Cleanup(db.Close)
	service := reminder.NewService(reminder.Config{Store: postgres.NewMessages(db), Timing: reminder.UsualTiming(), Alert: func(reminder.Alert) {}})
	texts := sms.Reader{Account: sms.Account{SID: vendors.AccountSID, Token: vendors.AuthToken}, Clock: clock.System{}}
	mails, err := email.NewReader(p.vendors.EventKey())
	p.check(err)
	var base string
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+sms.StatusPath, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		report, err := texts.ReadStatus(base+r.URL.String(), r.PostForm, r.Header.Get("X-Twilio-Signature"))
		if err == nil {
			_, err = service.Report(r.Context(), report)
		}
		answerTo(w, err)
	})
	mux.HandleFunc("POST "+email.EventsPath, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 2<<20))
		reports, err := mails.ReadEvents(body, r.Header.Get("X-Twilio-Email-Event-Webhook-Signature"), r.Header.Get("X-Twilio-Email-Event-Webhook-Timestamp"), time.Now())
		for _, report := range reports {
			if err == nil {
				_, err = service.Report(r.Context(), report)
			}
		}
		answerTo(w, err)
	})
	server := httptest.NewServer(mux)
	p.t.Cleanup(server.Close)
	base = server.URL
	p.vendors.SendEventsTo(base + email.EventsPath)
	return base
}

func answerTo(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
	}
}

// ear hears what workers log.
type ear struct {
	mu   sync.Mutex
	rest []byte
	said map[string][]time.Time // by the words
}

// Write takes lines of JSON. One that a kill cuts off is passed over.
func (e *ear) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rest = append(e.rest, p...)
	for {
		line, rest, whole := bytes.Cut(e.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		e.rest = rest
		e.hear(line)
	}
}

func (e *ear) hear(line []byte) {
	var said struct {
		Time       time.Time
		Level, Msg string
		Job, Error string
	}
	if json.Unmarshal(line, &said) != nil {
		return
	}
	if e.said == nil {
		e.said = map[string][]time.Time{}
	}
	words := said.Level + " " + said.Msg
	if said.Job != "" {
		words += ": " + said.Job
	}
	if said.Error != "" {
		words += ": " + said.Error[:min(len(said.Error), 100)]
	}
	e.said[words] = append(e.said[words], said.Time)
}

// heard are the words that were said, with how often.
func (e *ear) heard() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := map[string]int{}
	for words, times := range e.said {
		all[words] = len(times)
	}
	return all
}
