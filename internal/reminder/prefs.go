package reminder

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

// Chooser is who allowed or refused a channel.
type Chooser string

// The choosers of the contract.
const (
	ByClinic  Chooser = "CLINIC"  // its staff, told by the patient
	ByPatient Chooser = "PATIENT" // or whoever acts for them
	ByReply   Chooser = "REPLY"   // a message said STOP, or somebody unsubscribed
)

// ChannelChoice says whether a patient may be reached by a channel.
type ChannelChoice struct {
	Channel ChannelKind
	Allowed bool
	Since   *time.Time // nil: nobody has said so, it goes for everybody
	By      *Chooser   // likewise
	Account uuid.UUID  // that said so; zero: none did
}

// Preferences is how a patient wants to be told of visits.
type Preferences struct {
	OrganizationID, PatientID uuid.UUID
	Version                   int             // 0: they are everybody's
	Channels                  []ChannelChoice // all that we send by, in the patient's order
	Reminders                 bool
	RemindBefore              []time.Duration // whole minutes, the longest first; empty: as the clinic's rules say
	Quiet                     *QuietHours     // nil: DefaultQuiet
}

// DefaultPreferences are those of whoever hasn't said anything: every channel is allowed, wherever there is an address.
func DefaultPreferences(patient clinic.Ref) Preferences {
	p := Preferences{OrganizationID: patient.Organization, PatientID: patient.ID, Reminders: true}
	for _, k := range SentBy {
		p.Channels = append(p.Channels, ChannelChoice{Channel: k, Allowed: true})
	}
	return p
}

// Patient names whose they are.
func (p Preferences) Patient() clinic.Ref {
	return clinic.Ref{Organization: p.OrganizationID, ID: p.PatientID}
}

// QuietHours are those that hold.
func (p Preferences) QuietHours() QuietHours {
	if p.Quiet == nil {
		return DefaultQuiet
	}
	return *p.Quiet
}

// Asked says whether the patient's side allowed a channel, rather than left it as it is for everybody.
func (p Preferences) Asked(k ChannelKind) bool {
	return slices.ContainsFunc(p.Channels, func(c ChannelChoice) bool {
		return c.Channel == k && c.Allowed && c.By != nil && *c.By == ByPatient
	})
}

// AllowedAt says whether somebody said at an instant, and not by a reply, that a channel is allowed.
func (p Preferences) AllowedAt(k ChannelKind, at time.Time) bool {
	return slices.ContainsFunc(p.Channels, func(c ChannelChoice) bool {
		return c.Channel == k && c.Allowed && c.Since != nil && c.Since.Equal(at) && c.By != nil && *c.By != ByReply
	})
}

// Contact is what planning needs of them. What the patient's own data say is still to be filled in.
func (p Preferences) Contact() Contact {
	c := Contact{Quiet: p.QuietHours(), Wants: Wants{NoReminders: !p.Reminders, Before: p.RemindBefore}}
	for _, choice := range p.Channels {
		if choice.Allowed {
			c.Channels = append(c.Channels, choice.Channel)
		}
	}
	return c
}

// Recipient is whom a message goes to: what planning needs, and the addresses and the language of sending.
type Recipient struct {
	Contact
	Phone    *access.Private // E.164
	Email    *access.Private
	Language string // BCP 47; empty: not known
}

// choice is a chooser with an account, at an instant.
type choice struct {
	by      Chooser
	account uuid.UUID
	at      time.Time
}

// choose puts channels in an order and allows or refuses them. Those that aren't named follow as they are. A choice that was made before
// keeps its date.
func (p Preferences) choose(changes []ChannelChange, by choice) Preferences {
	var list []ChannelChoice
	for _, change := range changes {
		i := slices.IndexFunc(p.Channels, func(c ChannelChoice) bool { return c.Channel == change.Channel })
		c := p.Channels[i]
		if c.Allowed != change.Allowed || c.Since == nil {
			c = ChannelChoice{Channel: change.Channel, Allowed: change.Allowed, Since: &by.at, By: &by.by, Account: by.account}
		}
		list = append(list, c)
	}
	for _, c := range p.Channels {
		if !slices.ContainsFunc(list, func(o ChannelChoice) bool { return o.Channel == c.Channel }) {
			list = append(list, c)
		}
	}
	p.Channels = list
	return p
}

// refuse takes one channel away and leaves everything else as it is.
func (p Preferences) refuse(k ChannelKind, by choice) (Preferences, []string, error) {
	to := p
	to.Channels = slices.Clone(p.Channels)
	for i, c := range to.Channels {
		if c.Channel == k && c.Allowed {
			to.Channels[i] = ChannelChoice{Channel: k, Since: &by.at, By: &by.by, Account: by.account}
			to.Version = p.Version + 1
		}
	}
	return to, differing(p, to), nil
}

// allowAgain gives back a channel that a reply took away, and no other.
func (p Preferences) allowAgain(k ChannelKind, by choice) (Preferences, []string, error) {
	to := p
	to.Channels = slices.Clone(p.Channels)
	for i, c := range to.Channels {
		if c.Channel == k && !c.Allowed && c.By != nil && *c.By == ByReply {
			to.Channels[i] = ChannelChoice{Channel: k, Allowed: true, Since: &by.at, By: &by.by}
			to.Version = p.Version + 1
		}
	}
	return to, differing(p, to), nil
}

// differing names the fields in which two readings differ, as the contract names them.
func differing(a, b Preferences) (fields []string) {
	same := func(x, y ChannelChoice) bool {
		return x.Channel == y.Channel && x.Allowed == y.Allowed && (x.Since == nil) == (y.Since == nil)
	}
	if !slices.EqualFunc(a.Channels, b.Channels, same) {
		fields = append(fields, "channels")
	}
	if a.Reminders != b.Reminders {
		fields = append(fields, "reminders")
	}
	if !slices.Equal(a.RemindBefore, b.RemindBefore) {
		fields = append(fields, "remindBefore")
	}
	if !clinic.Equal(a.Quiet, b.Quiet) {
		fields = append(fields, "quietHours")
	}
	return fields
}
