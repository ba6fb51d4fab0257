package reminder

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// MaxRuleSets is how many kinds of visit of an organisation may have rules of their own.
const MaxRuleSets = 200

// RuleSet is when patients are reminded of a kind of visit.
type RuleSet struct {
	OrganizationID uuid.UUID
	VisitKind      *uuid.UUID // nil: every kind that has no set of its own
	ByDefault      bool       // the organisation has set nothing for them
	Rules          []Rule     // empty: patients aren't reminded
}

// SetRules replaces the rules of a kind of visit, or of all that have none of their own.
type SetRules struct {
	Organization uuid.UUID // zero: the caller's own
	VisitKind    *clinic.Ref
	Rules        []RuleTime // empty: no reminders; nil: as if nothing had been set
}

// RuleTime is when to remind: so long before the start or, with At, so many days before it at a local time.
type RuleTime struct {
	Before     *time.Duration
	DaysBefore int
	At         *civil.Time
}

// KeyOfOffset tells one rule from another, and is the same for the same rule.
func KeyOfOffset(before time.Duration) string { return fmt.Sprintf("%d-min-before", int(before.Minutes())) }

// KeyOfDay is KeyOfOffset for a local time.
func KeyOfDay(days int, at civil.Time) string {
	return fmt.Sprintf("%d-days-before-at-%02d:%02d", days, at.Hour, at.Minute)
}

// maxDays is MaxBefore in days.
const maxDays = int(MaxBefore / (24 * time.Hour))

func (in SetRules) rules() ([]Rule, error) {
	if in.Rules == nil {
		return nil, nil
	}
	var check form.Check
	check.That(len(in.Rules) <= MaxReminders, atMost, "rules")
	list := []Rule{}
	for i, r := range in.Rules {
		path := form.At([]string{"rules"}, i)
		rule := r.rule(&check, path)
		check.That(!slices.ContainsFunc(list, func(o Rule) bool { return o.Key == rule.Key }), "This is here twice.", path...)
		list = append(list, rule)
	}
	return list, check.Err()
}

func (r RuleTime) rule(check *form.Check, path []string) Rule {
	if r.Before != nil {
		checkBefore(check, *r.Before, append(path, "before")...)
		return Rule{Key: KeyOfOffset(*r.Before), Before: *r.Before}
	}
	var at civil.Time
	if r.At != nil {
		at = *r.At
	}
	check.That(r.DaysBefore >= 0, "This can't be negative.", append(path, "localTime", "daysBefore")...)
	check.That(r.DaysBefore <= maxDays, "At most 60 days before the visit.", append(path, "localTime", "daysBefore")...)
	checkLocal(check, at, append(path, "localTime", "at")...)
	return Rule{Key: KeyOfDay(r.DaysBefore, at), DaysBefore: r.DaysBefore, At: &at}
}

// Rules answers when patients of an organisation are reminded, for whoever writes its directory: of all kinds of visit first, which is the
// default where nothing is set.
func (s *Choices) Rules(ctx context.Context, a access.Actor, organization uuid.UUID) ([]RuleSet, error) {
	organization, err := clinic.Allowed(a, organization, access.DirectoryWrite)
	if err != nil {
		return nil, err
	}
	sets, err := s.store.RuleSets(ctx, organization)
	return withDefault(organization, sets), err
}

// SetRules sets them, and answers all that hold then. Repeating it writes nothing.
func (s *Choices) SetRules(ctx context.Context, a access.Actor, in SetRules) ([]RuleSet, error) {
	organization, err := clinic.Allowed(a, in.Organization, access.DirectoryWrite)
	if err != nil {
		return nil, err
	}
	set := RuleSet{OrganizationID: organization}
	if in.VisitKind != nil {
		if set.VisitKind = &in.VisitKind.ID; in.VisitKind.Organization != organization {
			return nil, errs.Missing("visit kind", "visitKindId")
		}
	}
	if set.Rules, err = in.rules(); err != nil {
		return nil, err
	}
	sets, err := s.store.SetRules(ctx, s.source.Stamp(a), set, s.source.NewID)
	return withDefault(organization, sets), err
}

func withDefault(organization uuid.UUID, sets []RuleSet) []RuleSet {
	if len(sets) > 0 && sets[0].VisitKind == nil {
		return sets
	}
	return append([]RuleSet{{OrganizationID: organization, ByDefault: true, Rules: DefaultRules()}}, sets...)
}

// Flat lists the rules of sets as Plan takes them. A set without rules is one that is off.
func Flat(sets []RuleSet) (list []Rule) {
	for _, s := range sets {
		if len(s.Rules) == 0 {
			list = append(list, Rule{Key: "none", VisitKind: s.VisitKind, Off: true})
		}
		for _, r := range s.Rules {
			r.VisitKind = s.VisitKind
			list = append(list, r)
		}
	}
	return list
}
