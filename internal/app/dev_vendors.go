package app

import (
	"context"
	"net/url"
	"strings"

	"github.com/mediconnect/mediconnect/internal/channel/email"
	"github.com/mediconnect/mediconnect/internal/channel/sms"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/vendors"
)

// Accounts of `dev` with its own vendors. Nobody else's is reached by it.
var devAccount = sms.Account{SID: "AC" + strings.Repeat("0", 32), Token: "dev"}

const (
	devNumber  = "+15005550006"
	devMailKey = "dev"
	devMailer  = "MediConnect <no-reply@localhost>"
)

// startVendors starts servers that stand in for Twilio and SendGrid. What they have taken is gone when they stop.
func (d *dev) startVendors(context.Context) (err error) {
	d.vendors, err = vendors.Start(vendors.Options{
		Address: loopback(0), Clock: clock.System{}, AccountSID: devAccount.SID, AuthToken: devAccount.Token, Numbers: []string{devNumber}, APIKey: devMailKey,
	})
	if err != nil {
		return devstack.PortProblem(0, "the servers that stand in for Twilio and SendGrid", err)
	}
	d.atStop(d.vendors.Close)
	api := "http://" + d.listener.Addr().String()
	d.vendors.SendRepliesTo(api + sms.ReplyPath)
	d.vendors.SendEventsTo(api + email.EventsPath)
	return nil
}

// channels are those of `dev`.
func (d *dev) channels() (ChannelSettings, error) {
	at, err := url.Parse(d.vendors.URL())
	return ChannelSettings{
		TwilioAccount: devAccount.SID, TwilioToken: Secret(devAccount.Token), TwilioFrom: devNumber, TwilioURL: WebURL{at},
		SendGridKey: devMailKey, SendGridFrom: devMailer, SendGridURL: WebURL{at}, SendGridReports: d.vendors.EventKey(),
		Callbacks: WebURL{&url.URL{Scheme: "http", Host: d.listener.Addr().String()}},
	}, err
}

// messaging tells patients by those.
func (d *dev) messaging() (*Messaging, error) {
	settings, err := d.channels()
	if err != nil {
		return nil, err
	}
	m, err := settings.messaging(RedisSettings{URL: Secret(d.redis.URL())}, d.log)
	if err == nil {
		d.atStop(m.Close)
	}
	return m, err
}

// answering reads what those report, and what is answered there.
func (d *dev) answering() (*Answering, error) {
	settings, err := d.channels()
	if err != nil {
		return nil, err
	}
	return settings.answering(WebURL{}), nil
}
