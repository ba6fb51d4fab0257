package vendors

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// mailMagic are names before the @ that decide what becomes of a mail.
var mailMagic = map[string]string{
	"bounce": "bounce", "block": "blocked", "drop": "dropped", "defer": "deferred", "spam": "spamreport", "unsubscribe": "group_unsubscribe",
}

// sendgridBecomes goes through the events of a mail: "Event Webhook Reference" in SendGrid's docs.
func (v *Vendors) sendgridBecomes(kept *Message, m Message, faults []Fault) {
	end := "delivered"
	name, _, _ := strings.Cut(m.To, "@")
	if magic := mailMagic[strings.ToLower(name)]; magic != "" {
		end = magic
	}
	for _, f := range faults {
		if f.Do == Become {
			end = f.Outcome
		}
	}
	path := []string{"processed", end}
	switch end {
	case "processed", "dropped":
		path = path[1:] // what is dropped was not processed
	case "open", "unsubscribe", "group_unsubscribe", "spamreport":
		path = []string{"processed", "delivered", end}
	case "deferred":
		path = []string{"processed", "deferred", "delivered"}
	}
	steps := make([]step, len(path))
	for i, event := range path {
		steps[i] = v.sendgridStep(kept, m, event, suffers(faults, Forge))
	}
	v.planned(steps, faults)
}

func (v *Vendors) sendgridStep(kept *Message, m Message, event string, forged bool) step {
	s := step{become: func() {
		now := v.now()
		v.ledger.turn(kept, func(m *Message) {
			m.Status, m.Updated = event, now
			if event == "processed" {
				m.SentAt = &now
			}
		})
	}}
	if address, _ := v.hooks.get(); address != "" {
		s.tell = v.sendgridParcel(address, v.sendgridEvent(m, event), forged)
	}
	return s
}

// eventDetails are the fields that only some events have.
var eventDetails = map[string]map[string]any{
	"processed":         {},
	"delivered":         {"response": "250 OK", "ip": "127.0.0.1", "tls": 1},
	"deferred":          {"response": "450 4.2.1 try again later", "attempt": "1", "ip": "127.0.0.1", "tls": 1},
	"bounce":            {"reason": "550 5.1.1 no such mailbox", "status": "5.1.1", "type": "bounce", "bounce_classification": "Invalid Address", "ip": "127.0.0.1", "tls": 1},
	"blocked":           {"reason": "554 5.7.1 not accepted by policy", "status": "5.7.1", "type": "blocked", "bounce_classification": "Content", "ip": "127.0.0.1", "tls": 1},
	"dropped":           {"reason": "Bounced Address", "status": "5.0.0"},
	"open":              {"useragent": "Mozilla/5.0", "ip": "127.0.0.1", "sg_machine_open": false},
	"unsubscribe":       {},
	"group_unsubscribe": {"useragent": "Mozilla/5.0", "ip": "127.0.0.1", "asm_group_id": 1},
	"spamreport":        {},
}

// sendgridEvent is one event. A block is a bounce of another type. Custom arguments stand beside the event's own fields, which they don't replace.
func (v *Vendors) sendgridEvent(m Message, event string) map[string]any {
	e := map[string]any{}
	for name, value := range m.Args {
		e[name] = value
	}
	maps.Copy(e, eventDetails[event])
	if event == "blocked" {
		event = "bounce"
	}
	e["email"], e["timestamp"], e["event"] = m.To, v.now().Unix(), event
	e["smtp-id"] = fmt.Sprintf("<%s@geopod-ismtpd-1>", m.ID)
	e["sg_event_id"] = base64.RawURLEncoding.EncodeToString([]byte(newSID(event)))
	e["sg_message_id"] = fmt.Sprintf("%s.recvd-workshop-1-%X-1.0", m.ID, m.Number)
	return e
}

// sendgridParcel is a signed post of one event, an array all the same: "Getting Started with the Event Webhook Security Features" in
// SendGrid's docs. It is tried again whatever goes wrong, theirs for a day, ours five times.
func (v *Vendors) sendgridParcel(address string, event map[string]any, forged bool) *parcel {
	body, err := json.Marshal([]any{event})
	if err != nil {
		panic(err) // texts and numbers have a form
	}
	key := v.options.EventKey
	if forged {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err) // never fails
		}
	}
	return &parcel{
		url: address, body: body, retries: 5, again: func(int) bool { return true },
		headers: func() map[string]string {
			stamp := strconv.FormatInt(v.now().Unix(), 10)
			return map[string]string{
				"Content-Type": "application/json; charset=utf-8", "User-Agent": "SendGrid Event API",
				"X-Twilio-Email-Event-Webhook-Signature": sendgridSignature(key, stamp, body), "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
			}
		},
	}
}

// sendgridSignature is the base64 of an ECDSA signature in ASN.1, over the SHA-256 of the timestamp and the body.
func sendgridSignature(key *ecdsa.PrivateKey, stamp string, body []byte) string {
	sum := sha256.Sum256(append([]byte(stamp), body...))
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		panic(err) // never fails for a P-256 key
	}
	return base64.StdEncoding.EncodeToString(signature)
}

// Report lets something more become of a message that was accepted, and tells it: one of Outcomes. It fails with BadFault for what can't be.
func (v *Vendors) Report(id, outcome string, code int) error {
	kept, m, found := v.ledger.find(id)
	if !found {
		return BadFault{"id"}
	}
	f := Fault{Do: Become, Outcome: outcome}
	if err := f.check(m.Vendor); err != nil {
		return err
	}
	one := v.sendgridStep
	if m.Vendor == Twilio {
		one = func(kept *Message, m Message, status string, forged bool) step {
			return v.twilioStep(kept, m, fate{status, code}, forged)
		}
	}
	v.planned([]step{one(kept, m, outcome, false)}, nil)
	return nil
}
