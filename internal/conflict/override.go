package conflict

import (
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// Leave is whose word it takes to book over a rule.
type Leave int

// The leaves. A hard rule is one that nobody may break.
const (
	Hard   Leave = iota
	Nurse        // a nurse's, or whoever else of the staff has the scope conflicts:override
	Doctor       // a doctor's: the scope conflicts:override-clinical. A nurse may ask: the visit waits for a doctor's approval
)

// soft are the rules that may be booked over. Squeezing a visit in where the provider is busy takes the overflow lane, which holds one visit
// at a time.
var soft = map[availability.Rule]Leave{
	availability.BeyondMaximumAdvance:    Nurse,
	availability.CaregiverBusy:           Nurse,
	availability.DailyCapReached:         Doctor,
	availability.DuplicateVisit:          Nurse,
	availability.EstablishedPatientsOnly: Nurse,
	availability.InsideMinimumNotice:     Nurse,
	availability.NewPatientsOnly:         Nurse,
	availability.NotEligible:             Doctor,
	availability.PatientTravelTime:       Nurse,
	availability.PrerequisiteMissing:     Doctor,
	availability.ProviderBusy:            Doctor,
	availability.ProviderTravelTime:      Doctor,
	availability.WindowCapReached:        Doctor,
}

// LeaveFor says whose word it takes to book over a rule.
func LeaveFor(r availability.Rule) Leave { return soft[r] }

// Override is what somebody of the staff wants to book over, and why. The zero value is nothing.
type Override struct {
	Rules  []availability.Rule
	Reason access.Private

	under access.Feature // the flag that allowed it
}

// maxReason bounds the reason of an override, in characters.
const maxReason = 1000

// Checked is an override as it may be asked for by a caller: soft rules, each once, with a reason. What stands about it is told in
// "override".
func (o Override) Checked(a access.Actor) (Override, error) {
	var check form.Check
	words := o.Reason.Reveal()
	reason := check.OptionalText(&words, maxReason, "override", "reason")
	check.That(reason != nil, "Say why.", "override", "reason")
	check.That(len(o.Rules) > 0 && len(o.Rules) <= len(soft), "Name the rules to book over.", "override", "rules")
	for i, r := range o.Rules {
		check.That(LeaveFor(r) != Hard, "Nobody may book over this rule.", "override", "rules", strconv.Itoa(i))
	}
	switch {
	case check.Err() != nil:
		return o, check.Err()
	case !a.IsStaff():
		return o, errs.Denied("Only the clinic's staff may book over rules.", "override")
	case !a.Has(access.ConflictsOverride) && !a.Has(access.ConflictsClinical):
		return o, errs.Denied("Your token lacks the scope "+access.ConflictsOverride+".", "override")
	}
	rules := slices.Clone(o.Rules)
	slices.Sort(rules)
	return Override{Rules: slices.Compact(rules), Reason: access.Private(*reason)}, nil
}

// Covers says whether a rule is one to be booked over.
func (o Override) Covers(r availability.Rule) bool { return slices.Contains(o.Rules, r) }

// Waits says whether rules that a caller books over take a doctor's word, which the caller isn't.
func Waits(a access.Actor, rules []availability.Rule) bool {
	return !a.Has(access.ConflictsClinical) && slices.ContainsFunc(rules, func(r availability.Rule) bool { return LeaveFor(r) == Doctor })
}

// Overridable narrows the rules against a time to those that a caller may ask to book over: all of them or, if one is hard or the feature is off,
// none.
func (d *Detection) Overridable(a access.Actor, organization uuid.UUID, blocked []availability.Rule) []availability.Rule {
	may := d != nil && a.IsStaff() && a.In(organization) && d.switches.Overrides(organization, a).Enabled && (a.Has(access.ConflictsOverride) || a.Has(access.ConflictsClinical))
	if !may || slices.ContainsFunc(blocked, func(r availability.Rule) bool { return LeaveFor(r) == Hard }) {
		return []availability.Rule{}
	}
	return blocked
}
