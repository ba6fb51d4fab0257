package email

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/mediconnect/mediconnect/internal/channel/wire"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// EventsPath is what SendGrid calls with events, below the URL that it was told.
const EventsPath = "/callbacks/sendgrid/events"

// Bounds of what SendGrid sends at once.
const (
	LongestBody = 1 << 20 // bytes
	mostEvents  = 1000
	longestID   = 200
)

// How far a signed time may be from ours. SendGrid tries for 24 hours to get rid of events, and doesn't say that it signs them anew each time.
// An event that is lost is lost for good, since nobody can ask for it; one that somebody replays says nothing new.
const (
	longestAgo   = 25 * time.Hour
	longestAhead = 5 * time.Minute
)

// Reader reads what SendGrid sends.
type Reader struct{ key *ecdsa.PublicKey }

// NewReader takes the public key that SendGrid shows for signed events: base64 of its DER, or PEM.
func NewReader(key string) (*Reader, error) {
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(key))
	if block, _ := pem.Decode([]byte(strings.ReplaceAll(key, `\n`, "\n"))); block != nil {
		der, err = block.Bytes, nil
	}
	if err != nil {
		return nil, errKey
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	public, ok := parsed.(*ecdsa.PublicKey)
	if err != nil || !ok || public.Curve != elliptic.P256() {
		return nil, errKey
	}
	return &Reader{public}, nil
}

var errKey = errors.New("must be the public key that SendGrid shows for signed events: base64 of a P-256 key")

// event is one of https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event. Whom it is about is not read.
type event struct {
	Name    string `json:"event"`
	Mail    string `json:"sg_message_id"`
	Type    string `json:"type"`   // of bounces: bounce, or blocked
	Status  string `json:"status"` // of bounces: RFC 3463
	Reason  string `json:"reason"`
	At      int64  `json:"timestamp"` // Unix seconds
	Message string `json:"message"`   // our argument
}

// ReadEvents reads what became of mails. Signature and timestamp are the headers X-Twilio-Email-Event-Webhook-Signature and -Timestamp; the
// body is as it came, byte for byte. Events about nothing of ours, and those that say nothing new, are passed over. It fails with
// errs.Forbidden for what SendGrid hasn't signed, or long ago, and with errs.InvalidInput for what is too much, or no list of events.
func (r *Reader) ReadEvents(body []byte, signature, timestamp string, now time.Time) ([]reminder.Report, error) {
	if len(body) > LongestBody {
		return nil, errs.Invalid("It must be at most 1 MB.")
	}
	if err := r.verify(body, signature, timestamp, now); err != nil {
		return nil, err
	}
	var all []json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, errs.Invalid("It must be a list of events.")
	}
	if len(all) > mostEvents {
		return nil, errs.Invalid("It must be at most 1,000 events.")
	}
	var reports []reminder.Report
	for _, raw := range all {
		var e event
		if json.Unmarshal(raw, &e) != nil {
			continue // another mail's argument may be anything; refusing would bring the whole list again for a day
		}
		if report, ok := e.report(); ok {
			reports = append(reports, report)
		}
	}
	return reports, nil
}

// verify says whether SendGrid signed a body: ECDSA over SHA-256 of the time and the body
// (https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features).
func (r *Reader) verify(body []byte, signature, timestamp string, now time.Time) error {
	signed, err := base64.StdEncoding.DecodeString(signature)
	hash := sha256.New()
	hash.Write([]byte(timestamp))
	hash.Write(body)
	if err != nil || !ecdsa.VerifyASN1(r.key, hash.Sum(nil), signed) {
		return errs.Denied("It isn't signed by SendGrid.")
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if at := time.Unix(seconds, 0); err != nil || at.Before(now.Add(-longestAgo)) || at.After(now.Add(longestAhead)) {
		return errs.Denied("It was signed at another time.")
	}
	return nil
}

// fates are SendGrid's events that say something new of a mail. Of deferred ones more is heard; opened and clicked ones are not asked for.
var fates = map[string]reminder.Fate{
	"processed": reminder.Taken,
	"delivered": reminder.Arrived,
	"bounce":    reminder.Undelivered, "blocked": reminder.Undelivered, "dropped": reminder.Undelivered,
	"unsubscribe": reminder.Unsubscribed, "group_unsubscribe": reminder.Unsubscribed, "spamreport": reminder.Unsubscribed,
}

func (e event) report() (reminder.Report, bool) {
	of, ours := wire.Named(e.Message)
	fate, known := fates[e.Name]
	if !ours || !known || e.At <= 0 {
		return reminder.Report{}, false
	}
	r := reminder.Report{Message: of, VendorID: e.vendorID(), Fate: fate, At: time.Unix(e.At, 0).UTC()}
	if fate == reminder.Undelivered {
		r.Cause, r.Code = e.cause(), e.code()
	}
	return r, true
}

// vendorID is the X-Message-Id of the answer to the mail, which an event's own id begins with.
func (e event) vendorID() string {
	id := e.Mail[:min(len(e.Mail), longestID)]
	for _, where := range []string{".filter", ".recvd"} {
		id, _, _ = strings.Cut(id, where)
	}
	return id
}

// dropped are reasons why SendGrid doesn't even try: its own lists, and addresses that are none.
var dropped = map[string]reminder.Cause{
	"bounced address":        reminder.BadAddress,
	"invalid":                reminder.BadAddress,
	"unsubscribed address":   reminder.OptedOut,
	"spam reporting address": reminder.OptedOut,
}

// cause tells an address that there isn't from a server that doesn't want the mail now. Bounces are for good but for those of the type
// blocked, and for those whose status begins with 4 (RFC 3463: it may pass).
func (e event) cause() reminder.Cause {
	switch cause, known := dropped[strings.ToLower(e.Reason)]; {
	case e.Name == "dropped" && known:
		return cause
	case e.Name == "bounce" && e.Type != "blocked" && !strings.HasPrefix(e.Status, "4"):
		return reminder.BadAddress
	}
	return reminder.NotDelivered
}

// code is the status, or else the event. The reason may repeat the address, and is not kept.
func (e event) code() string {
	if digits := strings.Trim(e.Status, "0123456789."); e.Status != "" && digits == "" && len(e.Status) <= len("5.999.999") {
		return e.Status
	}
	return e.Name
}
