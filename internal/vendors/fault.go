package vendors

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Action is what a fault does.
type Action string

// What can go wrong with a request.
const (
	Refuse Action = "refuse" // not accepted: it answers Status (503), with Code, Body and RetryAfter
	Stall  Action = "stall"  // for a time nothing happens; then it goes on, unless its client has gone
	Late   Action = "late"   // accepted after a time, whether its client is still there or not
	Reset  Action = "reset"  // not accepted: the connection is reset
	Lose   Action = "lose"   // accepted; then the connection is reset
	Hang   Action = "hang"   // accepted; then for a time no answer, and the connection is reset
	Fail   Action = "fail"   // accepted; it answers Status (500)
)

// What can go wrong afterwards.
const (
	Mute    Action = "mute"    // no callbacks
	Repeat  Action = "repeat"  // each callback twice
	Shuffle Action = "shuffle" // callbacks in the wrong order: the last first
	Delay   Action = "delay"   // callbacks come later
	Forge   Action = "forge"   // callbacks have a signature by another key
	Become  Action = "become"  // Outcome is what becomes of the message
)

var (
	requestActions  = []Action{Refuse, Stall, Late, Reset, Lose, Hang, Fail}
	callbackActions = []Action{Mute, Repeat, Shuffle, Delay, Forge, Become}
)

// What a fault may strike.
const (
	OnSend  = "send"  // requests to send
	OnFind  = "find"  // Twilio's list, and its single messages; requests alone
	OnReply = "reply" // texts that come in: Forge alone
)

// Fault is something that goes wrong, for all or for some. A request suffers the first that strikes it; callbacks suffer every one.
type Fault struct {
	Name       string        // to show, and to switch off by; at most 100 characters
	Do         Action        // what happens
	On         string        // OnSend, OnFind or OnReply; empty: OnSend
	Status     int           // HTTP's, of Refuse and Fail
	Code       int           // Twilio's error, of Refuse and of Become
	Body       string        // of Refuse and Fail; empty: the vendor's own for the status
	RetryAfter int           // seconds, of Refuse; 0: the header is left out
	For        time.Duration // 0: until the faults are set anew; of Late and Delay, at once
	Outcome    string        // of Become: see Outcomes
	To         string        // strikes this recipient alone; empty: all
	Every      int           // strikes every nth only; 0: each
	Share      float64       // strikes this share, at random; 0: each
	Seed       uint64        // of the randomness
	Times      int           // strikes so often, then no more; 0: for ever
}

// faultText is a fault in JSON. Durations are as Go writes them: "1.5s".
type faultText struct {
	Name       string  `json:"name,omitempty"`
	Do         Action  `json:"do"`
	On         string  `json:"on,omitempty"`
	Status     int     `json:"status,omitempty"`
	Code       int     `json:"code,omitempty"`
	Body       string  `json:"body,omitempty"`
	RetryAfter int     `json:"retryAfter,omitempty"`
	For        string  `json:"for,omitempty"`
	Outcome    string  `json:"outcome,omitempty"`
	To         string  `json:"to,omitempty"`
	Every      int     `json:"every,omitempty"`
	Share      float64 `json:"share,omitempty"`
	Seed       uint64  `json:"seed,omitempty"`
	Times      int     `json:"times,omitempty"`
}

// MarshalJSON writes durations as texts.
func (f Fault) MarshalJSON() ([]byte, error) {
	t := faultText{f.Name, f.Do, f.On, f.Status, f.Code, f.Body, f.RetryAfter, "", f.Outcome, f.To, f.Every, f.Share, f.Seed, f.Times}
	if f.For != 0 {
		t.For = f.For.String()
	}
	return json.Marshal(t)
}

// UnmarshalJSON refuses fields that it doesn't know.
func (f *Fault) UnmarshalJSON(data []byte) error {
	var t faultText
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return err
	}
	*f = Fault{t.Name, t.Do, t.On, t.Status, t.Code, t.Body, t.RetryAfter, 0, t.Outcome, t.To, t.Every, t.Share, t.Seed, t.Times}
	if t.For == "" {
		return nil
	}
	var err error
	f.For, err = time.ParseDuration(t.For)
	return err
}

// Outcomes are what may become of a message of a vendor. Twilio's are statuses; SendGrid's are events.
func Outcomes(vendor Vendor) []string {
	if vendor == Twilio {
		return []string{"delivered", "undelivered", "failed", "sent", "queued"}
	}
	return []string{"delivered", "bounce", "blocked", "dropped", "deferred", "processed", "open", "unsubscribe", "group_unsubscribe", "spamreport"}
}

// BadFault reports a fault that makes no sense, by the field that is wrong.
type BadFault struct{ Field string }

func (b BadFault) Error() string { return "vendors: a fault's " + b.Field + " makes no sense" }

func (f Fault) check(vendor Vendor) error {
	request, callback := slices.Contains(requestActions, f.Do), slices.Contains(callbackActions, f.Do)
	for _, rule := range []struct {
		field string
		holds bool
	}{
		{"name", len(f.Name) <= 100},
		{"do", request || callback},
		{"on", f.On == "" || f.On == OnSend || f.On == OnFind && request || f.On == OnReply && f.Do == Forge},
		{"status", f.Status == 0 || f.Status >= 200 && f.Status <= 599},
		{"body", len(f.Body) <= 64<<10},
		{"retryAfter", f.RetryAfter >= 0},
		{"for", f.For >= 0 && f.For <= 24*time.Hour},
		{"outcome", f.Do != Become || slices.Contains(Outcomes(vendor), f.Outcome)},
		{"every", f.Every >= 0},
		{"share", f.Share >= 0 && f.Share <= 1},
		{"times", f.Times >= 0},
	} {
		if !rule.holds {
			return BadFault{rule.field}
		}
	}
	return nil
}

// maxFaults are as many as a vendor has at once.
const maxFaults = 1000

func checkAll(vendor Vendor, faults []Fault) error {
	if len(faults) > maxFaults {
		return fmt.Errorf("vendors: more than %d faults", maxFaults)
	}
	for _, f := range faults {
		if err := f.check(vendor); err != nil {
			return err
		}
	}
	return nil
}
