package app

import (
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/mail"
)

// MailSettings say how mails about accounts are sent. Without a URL none are.
type MailSettings struct {
	URL  Secret `env:"MAIL_URL" help:"what mails about accounts are sent by: smtp://user:password@host:587 (STARTTLS), smtps://user:password@host:465, or file:///folder, where they are kept as files; without it none are sent"`
	From string `env:"MAIL_FROM" help:"their sender, e.g. MediConnect <no-reply@example.org>; needed with MAIL_URL"`
	App  WebURL `env:"APP_URL" help:"the app that links in mails lead into, e.g. https://app.example.org; needed with MAIL_URL"`
}

// MessageSettings say how much is mailed because strangers ask for it.
type MessageSettings struct {
	PerDay     int `env:"MESSAGES_PER_DAY" envDefault:"2000" help:"mails about accounts of one organisation a day"`
	PerNetwork int `env:"MESSAGES_PER_NETWORK" envDefault:"30" help:"mails of one organisation that strangers at one network address ask for in an hour; a whole clinic may share one"`
}

func (s *MailSettings) check() (faults []fault) {
	if s.URL == "" {
		return nil
	}
	if err := mail.Check(s.URL.Reveal()); err != nil {
		faults = append(faults, fault{settingPrefix + "MAIL_URL", err.Error()})
	}
	if err := mail.CheckFrom(s.From); err != nil {
		faults = append(faults, fault{settingPrefix + "MAIL_FROM", err.Error()})
	}
	if s.App.url == nil {
		faults = append(faults, fault{settingPrefix + "APP_URL", "must be set with " + settingPrefix + "MAIL_URL"})
	}
	return faults
}

// post opens what mails are sent by; none without a URL.
func (s *MailSettings) post(now clock.Clock) (identity.Post, error) {
	if s.URL == "" {
		return nil, nil
	}
	return mail.Open(mail.Config{URL: s.URL.Reveal(), From: s.From, App: s.App.url, Clock: now})
}

func (s *MessageSettings) check() []fault {
	return append(wantAtLeast("MESSAGES_PER_DAY", s.PerDay, 0), wantAtLeast("MESSAGES_PER_NETWORK", s.PerNetwork, 0)...)
}

// limits are the settings, and what nobody sets.
func (s *MessageSettings) limits() *identity.MailLimits {
	l := identity.UsualMailLimits()
	l.OrganizationDay, l.NetworkHour = s.PerDay, s.PerNetwork
	return &l
}
