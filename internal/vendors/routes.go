package vendors

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"
)

// routes are the vendors' own paths, and ours: the page, the faults and the ledger.
func (v *Vendors) routes() http.Handler {
	account := "/" + twilioVersion + "/Accounts/{account}/Messages"
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+account+".json", v.twilioSend)
	mux.HandleFunc("GET "+account+".json", v.twilioList)
	mux.HandleFunc("GET "+account+"/{sid}", v.twilioFind)
	mux.HandleFunc("POST /v3/mail/send", v.sendgridSend)
	mux.HandleFunc("GET /faults/{vendor}", v.showFaults)
	mux.HandleFunc("PUT /faults/{vendor}", v.putFaults)
	mux.HandleFunc("DELETE /faults/{vendor}", v.deleteFaults)
	mux.HandleFunc("GET /ledger", v.showLedger)
	mux.HandleFunc("DELETE /ledger", v.deleteLedger)
	mux.HandleFunc("PUT /hooks", v.putHooks)
	mux.HandleFunc("GET /{$}", v.showPage)
	mux.HandleFunc("POST /switch", v.flip)
	mux.HandleFunc("POST /calm", v.calm)
	mux.HandleFunc("POST /reply", v.sayBack)
	return mux
}

// guarded counts what runs, and lets nobody in who came by another name: a page of somebody else's can't reach a server on loopback by a
// name of its own. Other sites' forms are refused, too.
func (v *Vendors) guarded(next http.Handler) http.Handler {
	sameSite := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !v.running.begin() {
			return
		}
		defer v.running.handlers.Done()
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this is served on loopback only", http.StatusMisdirectedRequest)
			return
		}
		sameSite.ServeHTTP(w, r)
	})
}

func write(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(body)
}

// served finds the vendor of a path.
func (v *Vendors) served(w http.ResponseWriter, r *http.Request) (Vendor, bool) {
	vendor := Vendor(r.PathValue("vendor"))
	if _, ok := v.services[vendor]; !ok {
		http.Error(w, "the vendors are twilio and sendgrid", http.StatusNotFound)
		return "", false
	}
	return vendor, true
}

func (v *Vendors) showFaults(w http.ResponseWriter, r *http.Request) {
	if vendor, ok := v.served(w, r); ok {
		write(w, v.Faults(vendor))
	}
}

// putFaults takes an array of faults, instead of those there were.
func (v *Vendors) putFaults(w http.ResponseWriter, r *http.Request) {
	vendor, ok := v.served(w, r)
	if !ok {
		return
	}
	var faults []Fault
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&faults); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := v.Set(vendor, faults...); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	write(w, v.Faults(vendor))
}

func (v *Vendors) deleteFaults(w http.ResponseWriter, r *http.Request) {
	if vendor, ok := v.served(w, r); ok {
		v.Clear(vendor)
		w.WriteHeader(http.StatusNoContent)
	}
}

// Ledger is what GET /ledger answers, in JSON.
type Ledger struct {
	Distinct   int              `json:"distinct"`   // keys
	Accepted   int              `json:"accepted"`   // messages that are kept
	Duplicates map[string]int   `json:"duplicates"` // keys with more than one message
	Vendors    map[Vendor]Stats `json:"vendors"`
	Callbacks  Carried          `json:"callbacks"`
	Messages   []Message        `json:"messages"` // the newest, newest first; ?limit=100 of them, at most 10,000, and ?key= of one key
}

func (v *Vendors) showLedger(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(or(r.URL.Query().Get("limit"), "100"))
	if err != nil || limit < 0 || limit > 10_000 {
		http.Error(w, "limit is from 0 to 10000", http.StatusBadRequest)
		return
	}
	key := r.URL.Query().Get("key")
	fits := func(m *Message) bool { return outgoing(m) && (key == "" || m.Key == key) }
	write(w, Ledger{
		Distinct: v.Distinct(), Accepted: len(v.ledger.newest("", v.options.Keep, outgoing)), Duplicates: v.Duplicates(),
		Vendors: map[Vendor]Stats{Twilio: v.Stats(Twilio), SendGrid: v.Stats(SendGrid)}, Callbacks: v.Carried(),
		Messages: append([]Message{}, v.ledger.newest("", limit, fits)...),
	})
}

func (v *Vendors) deleteLedger(w http.ResponseWriter, _ *http.Request) {
	v.Forget()
	w.WriteHeader(http.StatusNoContent)
}

// putHooks says where events and replies go: {"events": "http://…", "replies": "http://…"}.
func (v *Vendors) putHooks(w http.ResponseWriter, r *http.Request) {
	var to struct{ Events, Replies string }
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&to)
	if err != nil || to.Events != "" && !absolute(to.Events) || to.Replies != "" && !absolute(to.Replies) {
		http.Error(w, "events and replies are addresses", http.StatusBadRequest)
		return
	}
	v.SendEventsTo(to.Events)
	v.SendRepliesTo(to.Replies)
	w.WriteHeader(http.StatusNoContent)
}
