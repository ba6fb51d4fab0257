package app

import (
	"context"
	netmail "net/mail"
	"net/url"
	"strings"

	"github.com/mediconnect/mediconnect/internal/channel/email"
	"github.com/mediconnect/mediconnect/internal/channel/sms"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/queue"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/resilience"
	"github.com/mediconnect/mediconnect/internal/vendors"
)

// What `dev` is called by its own vendors. Nobody else's is reached by it.
var devAccount = sms.Account{SID: "AC" + strings.Repeat("0", 32), Token: "dev"}

const (
	devNumber = "+15005550006"
	devMailer = "dev"
)

// startVendors starts servers that stand in for Twilio and SendGrid. What they have taken is gone when they stop.
func (d *dev) startVendors(context.Context) (err error) {
	d.vendors, err = vendors.Start(vendors.Options{
		Address: loopback(0), Clock: clock.System{}, AccountSID: devAccount.SID, AuthToken: devAccount.Token, Numbers: []string{devNumber}, APIKey: devMailer,
	})
	if err != nil {
		return devstack.PortProblem(0, "the servers that stand in for Twilio and SendGrid", err)
	}
	d.atStop(d.vendors.Close)
	api := "http://" + d.listener.Addr().String()
	d.vendors.SendRepliesTo(api + sms.ReplyPath)
	d.vendors.SendEventsTo(api + "/callbacks/sendgrid/events")
	return nil
}

// messaging tells patients by those.
func (d *dev) messaging() (*Messaging, error) {
	at, err := url.Parse(d.vendors.URL())
	if err != nil {
		return nil, err
	}
	q, err := queue.Open(queue.Options{Redis: queue.Address{URL: d.redis.URL()}, Clock: clock.System{}, Log: d.log})
	if err != nil {
		return nil, err
	}
	d.atStop(q.Close)
	texts, mails := resilience.GuardOf(resilience.Twilio), resilience.GuardOf(resilience.SendGrid)
	return &Messaging{
		Channels: []reminder.Channel{
			sms.New(sms.Config{
				URL: at, Account: devAccount, From: devNumber, Callbacks: &url.URL{Scheme: "http", Host: d.listener.Addr().String()}, Guard: texts, Clock: clock.System{},
			}),
			email.New(email.Config{URL: at, Key: devMailer, From: netmail.Address{Name: "MediConnect", Address: "no-reply@localhost"}, Guard: mails, Clock: clock.System{}}),
		},
		Guards: []*resilience.Guard{texts, mails}, Queue: q, Timing: reminder.UsualTiming(),
	}, nil
}
