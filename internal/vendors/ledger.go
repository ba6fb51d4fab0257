package vendors

import (
	"maps"
	"sync"
	"time"
)

// most is how many bytes of texts are kept; the oldest messages go first.
const most = 256 << 20

// Message is one that a vendor has, with what became of it.
type Message struct {
	Number    int64             `json:"number"` // from 1, in the order of acceptance
	Vendor    Vendor            `json:"vendor"`
	ID        string            `json:"id"`            // Twilio's sid, SendGrid's X-Message-Id
	Key       string            `json:"key,omitempty"` // ours: "m" of the StatusCallback's query, or the custom argument "message"
	Direction string            `json:"direction"`     // Twilio's words: outbound-api, outbound-reply or inbound
	From      string            `json:"from"`
	Service   string            `json:"service,omitempty"` // Twilio's MessagingServiceSid
	To        string            `json:"to"`
	Subject   string            `json:"subject,omitempty"`
	Text      string            `json:"text"`
	HTML      string            `json:"html,omitempty"`
	Args      map[string]string `json:"args,omitempty"`     // SendGrid's custom arguments
	Headers   map[string]string `json:"headers,omitempty"`  // of a mail
	Callback  string            `json:"callback,omitempty"` // Twilio's StatusCallback
	Validity  string            `json:"validity,omitempty"` // Twilio's ValidityPeriod, in seconds
	Arrived   time.Time         `json:"arrived"`            // when the request's head had been read
	Accepted  time.Time         `json:"accepted"`
	SentAt    *time.Time        `json:"sentAt,omitempty"`
	Updated   time.Time         `json:"updated"`
	Status    string            `json:"status"`              // the vendor's word
	ErrorCode int               `json:"errorCode,omitempty"` // Twilio's; 0: none
}

func (m *Message) size() int { return len(m.Text) + len(m.HTML) + 512 }

// ledger keeps the newest messages, oldest first.
type ledger struct {
	mu      sync.Mutex
	keep    int
	changed *signal
	last    int64
	bytes   int
	entries []*Message
	byID    map[string]*Message
	byTo    map[string][]*Message
	counts  map[string]int
}

func newLedger(keep int, changed *signal) *ledger {
	l := &ledger{keep: keep, changed: changed}
	l.clear()
	return l
}

func (l *ledger) clear() {
	l.entries, l.bytes = nil, 0
	l.byID, l.byTo, l.counts = map[string]*Message{}, map[string][]*Message{}, map[string]int{}
}

// add keeps a message and lets go of the oldest beyond what is kept.
func (l *ledger) add(m Message) *Message {
	l.mu.Lock()
	l.last++
	m.Number = l.last
	kept := &m
	l.entries = append(l.entries, kept)
	l.byID[m.ID], l.byTo[m.To] = kept, append(l.byTo[m.To], kept)
	l.bytes += m.size()
	if m.Key != "" {
		l.counts[m.Key]++
	}
	for len(l.entries) > 1 && (len(l.entries) > l.keep || l.bytes > most) {
		l.drop()
	}
	l.mu.Unlock()
	l.changed.tell()
	return kept
}

func (l *ledger) drop() {
	old := l.entries[0]
	l.entries[0], l.entries = nil, l.entries[1:]
	l.bytes -= old.size()
	if l.byID[old.ID] == old {
		delete(l.byID, old.ID)
	}
	if rest := l.byTo[old.To][1:]; len(rest) > 0 {
		l.byTo[old.To] = rest
	} else {
		delete(l.byTo, old.To)
	}
	if l.counts[old.Key]--; l.counts[old.Key] <= 0 {
		delete(l.counts, old.Key)
	}
}

// turn changes what became of a message.
func (l *ledger) turn(m *Message, change func(*Message)) {
	l.mu.Lock()
	change(m)
	l.mu.Unlock()
	l.changed.tell()
}

func (l *ledger) find(id string) (*Message, Message, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m, ok := l.byID[id]
	if !ok {
		return nil, Message{}, false
	}
	return m, *m, true
}

// newest lists up to limit messages that fit, newest first, of one recipient or of all.
func (l *ledger) newest(to string, limit int, fits func(*Message) bool) []Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.entries
	if to != "" {
		all = l.byTo[to]
	}
	var found []Message
	for i := len(all) - 1; i >= 0 && len(found) < limit; i-- {
		if fits(all[i]) {
			found = append(found, *all[i])
		}
	}
	return found
}

func outgoing(m *Message) bool { return m.Direction == "outbound-api" }

// Messages are those that were handed to the vendors and accepted, oldest first: the newest 200,000, or as Options say.
func (v *Vendors) Messages() []Message {
	v.ledger.mu.Lock()
	defer v.ledger.mu.Unlock()
	all := make([]Message, 0, len(v.ledger.entries))
	for _, m := range v.ledger.entries {
		if outgoing(m) {
			all = append(all, *m)
		}
	}
	return all
}

// Count is how many of the messages kept have a key of ours.
func (v *Vendors) Count(key string) int {
	v.ledger.mu.Lock()
	defer v.ledger.mu.Unlock()
	return v.ledger.counts[key]
}

// Distinct is how many different keys the messages kept have.
func (v *Vendors) Distinct() int {
	v.ledger.mu.Lock()
	defer v.ledger.mu.Unlock()
	return len(v.ledger.counts)
}

// Duplicates are the keys that more than one message has, with how many.
func (v *Vendors) Duplicates() map[string]int {
	v.ledger.mu.Lock()
	defer v.ledger.mu.Unlock()
	twice := maps.Clone(v.ledger.counts)
	maps.DeleteFunc(twice, func(_ string, n int) bool { return n < 2 })
	return twice
}

// Forget empties the ledger. Faults and the list of who wants no more texts stay.
func (v *Vendors) Forget() {
	v.ledger.mu.Lock()
	v.ledger.clear()
	v.ledger.mu.Unlock()
	v.changed.tell()
}
