package sms

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/channel/wire"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Reader reads what Twilio sends. Whatever isn't signed with the account's token it refuses as errs.Forbidden, and what Twilio wouldn't send
// as errs.InvalidInput. The URL that it is given is the one that Twilio was told, with its query: https://host/callbacks/twilio/status?m=…
type Reader struct {
	Account Account
	Clock   clock.Clock // Twilio's callbacks have no time of their own
}

// ReadStatus reads what became of a text that we sent (https://www.twilio.com/docs/messaging/guides/track-outbound-message-status).
// The signature is the header X-Twilio-Signature.
func (r Reader) ReadStatus(at string, form url.Values, signature string) (reminder.Report, error) {
	if err := r.verify(at, form, signature); err != nil {
		return reminder.Report{}, err
	}
	u, err := url.Parse(at)
	if err != nil {
		return reminder.Report{}, errs.Invalid("That is no URL.", "url")
	}
	of, ok := wire.Named(u.Query().Get("m"))
	if !ok {
		return reminder.Report{}, errs.Invalid("It names no message.", "m")
	}
	sid, status := form.Get("MessageSid"), form.Get("MessageStatus")
	if !named(sid) {
		return reminder.Report{}, errs.Invalid("It must be Twilio's name of a message.", "MessageSid")
	}
	if _, known := fates[status]; !known {
		return reminder.Report{}, errs.Invalid("It must be a status of a text that was sent.", "MessageStatus")
	}
	code, _ := strconv.Atoi(form.Get("ErrorCode")) // left out of what didn't fail
	report := reported(sid, status, code)
	report.Message, report.At = of, r.Clock.Now()
	return report, nil
}

// The longest fields of a reply. A text of ten segments is the longest there is.
const (
	longestNumber = 64
	longestBody   = 1600 // characters
)

// ReadReply reads a text that somebody sent to one of our numbers (https://www.twilio.com/docs/messaging/guides/webhook-request). What it
// asks for is for the room to say; OptOut is what Twilio itself made of it.
func (r Reader) ReadReply(at string, form url.Values, signature string) (reminder.Inbound, error) {
	if err := r.verify(at, form, signature); err != nil {
		return reminder.Inbound{}, err
	}
	in := reminder.Inbound{
		ID: form.Get("MessageSid"), From: access.Private(form.Get("From")), Body: form.Get("Body"), At: r.Clock.Now(),
	}
	switch {
	case !named(in.ID):
		return reminder.Inbound{}, errs.Invalid("It must be Twilio's name of a message.", "MessageSid")
	case in.From == "" || len(in.From) > longestNumber:
		return reminder.Inbound{}, errs.Invalid("It must be a phone number.", "From")
	}
	if runes := []rune(in.Body); len(runes) > longestBody {
		in.Body = string(runes[:longestBody])
	}
	if kind := strings.ToUpper(form.Get("OptOutType")); slices.Contains([]string{"STOP", "START", "HELP"}, kind) {
		in.OptOut = kind
	}
	return in, nil
}

// verify says whether Twilio sent a form to a URL, for our account.
func (r Reader) verify(at string, form url.Values, signature string) error {
	got, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || r.Account.Token == "" || !hmac.Equal(got, r.sign(at, form)) {
		return errs.Denied("It isn't signed by Twilio.")
	}
	if form.Get("AccountSid") != r.Account.SID {
		return errs.Denied("It is about another account.", "AccountSid")
	}
	return nil
}

// sign is Twilio's signature: HMAC-SHA1 over the URL and then each field's name and value, sorted
// (https://www.twilio.com/docs/usage/webhooks/webhooks-security). A value that comes twice counts once.
func (r Reader) sign(at string, form url.Values) []byte {
	mac := hmac.New(sha1.New, []byte(r.Account.Token))
	mac.Write([]byte(at))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, value := range slices.Compact(values) {
			mac.Write([]byte(name + value))
		}
	}
	return mac.Sum(nil)
}
