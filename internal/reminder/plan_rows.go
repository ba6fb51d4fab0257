package reminder

import (
	"slices"
	"time"
)

// rows adds what tells one thing by the patient's channels.
func (p plan) rows(list []Message, m Message) []Message {
	m.OrganizationID, m.AppointmentID = p.visit.Ref.Organization, p.visit.Ref.ID
	m.PatientID, m.Version, m.Trace = p.visit.PatientID, p.visit.Version, p.notice.Trace
	allowed := p.contact.allowed()
	usable := slices.DeleteFunc(slices.Clone(allowed), func(k ChannelKind) bool { return !p.contact.reaches(k) })
	switch {
	case len(allowed) == 0, m.Kind == Remind && p.contact.Wants.NoReminders:
		return append(list, p.suppressed(m, NoConsent, append(allowed, SMS)[0]))
	case len(usable) == 0:
		return append(list, p.suppressed(m, NoAddress, allowed[0]))
	case !p.now.Before(m.Expires):
		m.State, m.Cause, m.Channel, m.EndedAt = Expired, TooLate, usable[0], at(p.now)
		return append(list, m)
	}
	m.State = Scheduled
	m.Both = p.visit.Start.Sub(m.Scheduled) <= Near
	for place, channel := range usable {
		row := m
		row.Channel, row.Place = channel, place
		if place == 0 || m.Both {
			row.Due = at(m.Scheduled)
		}
		list = append(list, row)
	}
	return list
}

// suppressed is the row that says why a patient isn't told.
func (p plan) suppressed(m Message, why Cause, by ChannelKind) Message {
	m.State, m.Cause, m.Channel, m.EndedAt = Suppressed, why, by, at(p.now)
	return m
}

// allowed are the channels that the patient allows and we send by, each once.
func (c Contact) allowed() []ChannelKind {
	var list []ChannelKind
	for _, k := range c.Channels {
		if slices.Contains(SentBy, k) && !slices.Contains(list, k) {
			list = append(list, k)
		}
	}
	return list
}

// SentBy are the channels that we send by, in the order of those patients who want no other.
var SentBy = []ChannelKind{SMS, Email, Push}

// reaches says whether there is an address for a channel.
func (c Contact) reaches(k ChannelKind) bool {
	switch k {
	case SMS:
		return c.HasPhone
	case Email:
		return c.HasEmail
	case Push:
		return c.HasApp
	}
	return false
}

func at(t time.Time) *time.Time { return &t }
