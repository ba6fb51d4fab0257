package intake

import (
	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// roster is a directory that was read: the sites, and who is there at which hours.
type roster struct {
	sites   []*site
	shut    []*site // out of use
	members []*member
}

// member is a provider of a roster.
type member struct {
	at          place
	label       string // what its refusals begin with
	ended       bool   // nobody that is new; what it had ends
	identifier  clinic.Identifier
	name        string
	specialties []clinic.Coding // none: those that it has
	languages   []string        // none: those that it has
	assumed     bool            // the languages are a guess, and give way to those that it has
	services    []service
	posts       []post
}

// post is what a member does at a site.
type post struct {
	site   *site
	terms  []term // in their order
	closed []closure
}

// term is hours of some days.
type term struct {
	from  civil.Date  // zero: from the first day on
	until *civil.Date // inclusive; nil for no end
	last  bool        // after its end there are no hours
	hours []shift
}

// shift is a weekly opening, for all of the member's services when it names none.
type shift struct {
	provider.WeeklyHours
	services []string // keys
}

// closure is a period in which a member is away from a site.
type closure struct {
	at       place
	from, to civil.DateTime // wall clock, to exclusive
	reason   *string
}
