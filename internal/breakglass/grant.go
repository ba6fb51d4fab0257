// Package breakglass is a room: seeing a patient in an emergency, and answering for it (BTG, "break the glass", in HL7's
// ActReason, https://terminology.hl7.org/CodeSystem-v3-ActReason.html).
package breakglass

import (
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Finding is what a review comes to.
type Finding string

// The findings of the contract.
const (
	Justified   Finding = "JUSTIFIED"
	Unjustified Finding = "UNJUSTIFIED"
)

// Grant lets a provider see a patient who isn't theirs as one who is, until it ends.
type Grant struct {
	ID, OrganizationID   uuid.UUID
	Version              int
	ActorID              uuid.UUID // who broke the glass
	ProviderID           uuid.UUID // the provider that they are; zero when none
	PatientID            uuid.UUID
	Reason               access.Private
	StartedAt, ExpiresAt time.Time
	EndedAt              *time.Time // before it expired
	Finding              *Finding   // nil: not reviewed yet
	Note                 *access.Private
	ReviewedAt           *time.Time
	ReviewedBy           uuid.UUID
}

// Ref names the grant.
func (g Grant) Ref() clinic.Ref { return clinic.Ref{Organization: g.OrganizationID, ID: g.ID} }

// Bounds of a grant, and of what is written about it, in characters.
const (
	MaxMinutes     = 60
	MaxOpen        = 100 // of one person at a time
	DefaultMinutes = 60
	minReason      = 10
	maxReason      = 500
	maxNote        = 1000
)

// open says whether the grant lets its holder see anything at an instant.
func (g Grant) open(now time.Time) bool { return g.EndedAt == nil && now.Before(g.ExpiresAt) }

// lasting checks how long a grant is asked for.
func lasting(minutes int) (time.Duration, error) {
	if minutes < 1 || minutes > MaxMinutes {
		return 0, errs.Invalid("From 1 to "+strconv.Itoa(MaxMinutes)+" minutes.", "minutes")
	}
	return time.Duration(minutes) * time.Minute, nil
}

// ended is the grant once its holder, or a reviewer, has ended it. One that is over stays as it is.
func (g Grant) ended(now time.Time) Grant {
	if g.open(now) {
		g.EndedAt = &now
		g.Version++
	}
	return g
}

// brokenBy says whether somebody broke the glass, with this account or another of the same provider.
func (g Grant) brokenBy(a access.Actor) bool {
	return g.ActorID == a.ID || g.ProviderID != uuid.Nil && g.ProviderID == a.ProviderID
}

// reviewed is the grant with a finding. Nobody judges themself, what is still open isn't judged yet, and a finding stands: the
// same once more changes nothing.
func (g Grant) reviewed(a access.Actor, in Review, now time.Time) (Grant, error) {
	switch {
	case g.brokenBy(a):
		return g, errs.Denied("Somebody else has to review this.", "grantId")
	case g.Finding != nil && *g.Finding == in.Finding && g.ReviewedBy == a.ID:
		return g, nil
	case in.ExpectedVersion != nil && *in.ExpectedVersion != g.Version:
		return g, StaleVersion{Current: g}
	case g.Finding != nil:
		return g, errs.Invalid("This has been reviewed.", "grantId")
	case g.open(now):
		return g, errs.Invalid("This is still open. Review it once it is over.", "grantId")
	}
	g.Version++
	g.Finding, g.Note, g.ReviewedAt, g.ReviewedBy = &in.Finding, in.Note, &now, a.ID
	return g, nil
}

// StaleVersion reports that the grant changed since the version that the caller saw.
type StaleVersion struct{ Current Grant }

func (StaleVersion) Error() string { return "The grant has changed since you read it." }
