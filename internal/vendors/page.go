package vendors

import (
	"bytes"
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// onPage is how many messages a page shows.
const onPage = 50

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"clock": func(t time.Time) string { return t.UTC().Format("15:04:05") },
	"stamp": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
}).Parse(pageText))

// usual are the faults that the page switches on and off, by their names.
var usual = []Fault{
	{Name: "Refuses everything (503)", Do: Refuse, Status: 503, RetryAfter: 5},
	{Name: "Too many requests (429)", Do: Refuse, Status: 429, RetryAfter: 5},
	{Name: "Stalls until switched off", Do: Stall},
	{Name: "Answers get lost", Do: Lose},
	{Name: "Takes it and answers 500", Do: Fail},
	{Name: "No callbacks", Do: Mute},
	{Name: "Callbacks come twice", Do: Repeat},
}

// view is what the page shows.
type view struct {
	Notice   string
	Kind     string // "", "sms" or "email": which messages
	Before   int64  // only those numbered lower; 0: all
	Refresh  bool
	Vendors  []vendorView
	Messages []messageView
	Older    int64 // to go on with; 0: there is nothing older
}

type vendorView struct {
	ID       Vendor
	Name     string
	Stats    Stats
	Switches []switchView
	Others   []string // faults that were set otherwise, in JSON
}

type switchView struct {
	Name string
	On   bool
}

type messageView struct {
	Message
	Tone string // of its status: good, bad or plain
}

// SMS says whether it is a text.
func (m messageView) SMS() bool { return m.Vendor == Twilio }

// Incoming says whether somebody sent it to the account.
func (m messageView) Incoming() bool { return m.Direction == "inbound" }

// Said is the text, or a mail's as shown in the page.
func (m messageView) Said() string { return or(m.Text, "(no plain text)") }

// Framed is the HTML of a mail for a frame that runs nothing: its bytes are untouched, and the template escapes them for the attribute.
func (m messageView) Framed() string { return m.HTML }

func (v *Vendors) showPage(w http.ResponseWriter, r *http.Request) { v.page(w, r, http.StatusOK, "") }

func (v *Vendors) page(w http.ResponseWriter, r *http.Request, status int, notice string) {
	q := r.URL.Query()
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64)
	p := view{Notice: notice, Kind: q.Get("kind"), Before: before, Refresh: q.Get("refresh") != "" && r.Method == http.MethodGet}
	wanted := map[string]Vendor{"sms": Twilio, "email": SendGrid}[p.Kind]
	if wanted == "" {
		p.Kind = ""
	}
	found := v.ledger.newest("", onPage+1, func(m *Message) bool {
		return (wanted == "" || m.Vendor == wanted) && (before <= 0 || m.Number < before)
	})
	if len(found) > onPage {
		found = found[:onPage]
		p.Older = found[onPage-1].Number
	}
	for _, m := range found {
		p.Messages = append(p.Messages, messageView{m, tone(m.Status)})
	}
	p.Vendors = []vendorView{v.vendorView(Twilio, "Twilio (SMS)"), v.vendorView(SendGrid, "SendGrid (e-mail)")}
	var text bytes.Buffer
	if err := pageTemplate.Execute(&text, p); err != nil {
		http.Error(w, "the page can't be shown", http.StatusInternalServerError)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "same-origin")
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes())
}

// tone colours a status, whose word stands beside it.
func tone(status string) string {
	switch status {
	case "delivered", "open", "received":
		return "good"
	case "undelivered", "failed", "bounce", "blocked", "dropped", "spamreport", "unsubscribe", "group_unsubscribe":
		return "bad"
	}
	return "plain"
}

func (v *Vendors) vendorView(id Vendor, name string) vendorView {
	view := vendorView{ID: id, Name: name, Stats: v.Stats(id)}
	on := v.Faults(id)
	for _, u := range usual {
		view.Switches = append(view.Switches, switchView{u.Name, slices.ContainsFunc(on, func(f Fault) bool { return f.Name == u.Name })})
	}
	for _, f := range on {
		if !slices.ContainsFunc(usual, func(u Fault) bool { return u.Name == f.Name }) {
			text, err := f.MarshalJSON()
			if err == nil {
				view.Others = append(view.Others, string(text))
			}
		}
	}
	return view
}

// flip switches one of the usual faults on or off, and leaves the others.
func (v *Vendors) flip(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	vendor, name := Vendor(r.PostFormValue("vendor")), r.PostFormValue("name")
	at := slices.IndexFunc(usual, func(f Fault) bool { return f.Name == name })
	if _, ok := v.services[vendor]; !ok || at < 0 {
		v.page(w, r, http.StatusBadRequest, "There is no such switch.")
		return
	}
	faults := slices.DeleteFunc(v.Faults(vendor), func(f Fault) bool { return f.Name == name })
	if r.PostFormValue("to") == "on" {
		faults = append(faults, usual[at])
	}
	if err := v.Set(vendor, faults...); err != nil {
		v.page(w, r, http.StatusBadRequest, err.Error())
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// calm ends all faults of a vendor.
func (v *Vendors) calm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	v.Clear(Vendor(r.PostFormValue("vendor")))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// sayBack is a reply from the page.
func (v *Vendors) sayBack(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	from, body := r.PostFormValue("from"), or(r.PostFormValue("quick"), r.PostFormValue("body"))
	if !e164.MatchString(from) || body == "" || len(body) > 1600 {
		v.page(w, r, http.StatusBadRequest, "A reply has a number that it comes from, and up to 1,600 characters.")
		return
	}
	var failed ReplyFailed
	switch _, err := v.Reply(r.Context(), from, body); {
	case errors.As(err, &failed):
		v.page(w, r, http.StatusBadGateway, "The reply was sent, but MediConnect did not take it (status "+strconv.Itoa(failed.Status)+").")
	case err != nil:
		v.page(w, r, http.StatusBadGateway, "The reply has nowhere to go: nobody has said which address takes replies.")
	default:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}
