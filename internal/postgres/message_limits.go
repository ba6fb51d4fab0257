package postgres

import (
	"encoding/base64"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/reminder"
)

// countParam is a limit of a claim as count_messages reads it.
type countParam struct {
	Place        int                  `json:"place"` // of the claim, from 1
	Organization uuid.UUID            `json:"organization"`
	Channel      reminder.ChannelKind `json:"channel"`
	Counted      reminder.Counted     `json:"counted"`
	Subject      string               `json:"subject"` // a digest, in base64; of an organisation: empty
	Country      string               `json:"country"`
	Span         reminder.Span        `json:"span"`
	StartsAt     time.Time            `json:"startsAt"`
	Most         int                  `json:"most"`
}

// countsOf are the limits of a claim. What a number or an address is sent is the platform's to count, whichever organisations send it.
func countsOf(c reminder.Claim, place int, token []byte) (list []countParam) {
	for _, count := range c.Counts {
		p := countParam{
			Place: place, Organization: c.Message.Organization, Channel: c.Channel, Counted: count.Of, Country: count.Country, Span: count.Span,
			StartsAt: count.Span.Begun(c.At), Most: count.Most,
		}
		if count.Of == reminder.OfRecipient {
			p.Organization, p.Subject = uuid.Nil, base64.StdEncoding.EncodeToString(token)
		}
		list = append(list, p)
	}
	return list
}
