package app

import "github.com/mediconnect/mediconnect/graph/links"

// LinkSettings say what the links in messages begin with, and what they are made with. Without both, messages have none.
type LinkSettings struct {
	PublicURL WebURL  `env:"PUBLIC_URL" help:"where clients reach the API, and patients the pages behind the links of their messages"`
	LinkKey   LinkKey `env:"LINK_KEY" help:"secret that links are made with, the same for all processes: 32 bytes in base64"`
}

// AnswerSettings say where patients go on who answer a message.
type AnswerSettings struct {
	App WebURL `env:"APP_URL" help:"the app that links in mails and answers to patients lead into, e.g. https://app.example.org; needed with MAIL_URL"`
}

// check lets a worker share a server's settings: the key alone makes no links.
func (s *LinkSettings) check() []fault {
	if s.PublicURL.url != nil && s.LinkKey.bytes == nil {
		return []fault{{settingPrefix + "LINK_KEY", "must be set with " + settingPrefix + "PUBLIC_URL: both make the links in messages"}}
	}
	return nil
}

// links are made with the settings; none without them.
func (s *LinkSettings) links() links.Links {
	return links.Links{Base: textOf(s.PublicURL.url), Key: s.LinkKey.bytes}
}
