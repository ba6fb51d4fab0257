package resolvers

import (
	"errors"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/graph/scalar"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

func contactChange(read *ids, in model.ChangeContactPreferencesInput) reminder.ChangePreferences {
	change := reminder.ChangePreferences{
		Patient: read.ref(globalid.Patient, in.PatientID, "patientId"), ExpectedVersion: in.ExpectedVersion,
		Reminders: in.Reminders, RemindBefore: in.RemindBefore,
	}
	for _, c := range in.Channels {
		change.Channels = append(change.Channels, reminder.ChannelChange{Channel: c.Channel, Allowed: c.Allowed})
	}
	if q := in.QuietHours; q != nil {
		change.Quiet = &reminder.QuietHours{From: civilTime(q.From), Until: civilTime(q.Until)}
	}
	return change
}

func reminderRules(read *ids, in model.SetReminderRulesInput) reminder.SetRules {
	set := reminder.SetRules{
		Organization: read.organization(in.OrganizationID, "organizationId"), VisitKind: read.optional(globalid.VisitKind, in.VisitKindID, "visitKindId"),
	}
	if in.Rules != nil {
		set.Rules = []reminder.RuleTime{}
	}
	for _, r := range in.Rules {
		rule := reminder.RuleTime{Before: r.Before}
		if local := r.LocalTime; local != nil {
			at := civilTime(local.At)
			rule.DaysBefore, rule.At = local.DaysBefore, &at
		}
		set.Rules = append(set.Rules, rule)
	}
	return set
}

// civilTime is a time of day; one of 24:00 is none that there is.
func civilTime(t provider.TimeOfDay) civil.Time {
	return civil.Time{Hour: int(t) / 3600, Minute: int(t) / 60 % 60, Second: int(t) % 60}
}

func timeOfDay(t civil.Time) provider.TimeOfDay { return scalar.TimeOf(reminder.Minutes(t)) }

func preferences(p *reminder.Preferences) *model.ContactPreferences {
	if p == nil {
		return nil
	}
	quiet := p.QuietHours()
	shown := &model.ContactPreferences{
		Version: p.Version, Reminders: p.Reminders, RemindBefore: p.RemindBefore,
		QuietHours: &model.QuietHours{From: timeOfDay(quiet.From), Until: timeOfDay(quiet.Until)},
	}
	for _, c := range p.Channels {
		shown.Channels = append(shown.Channels, &model.ContactChannel{Channel: c.Channel, Allowed: c.Allowed, Since: c.Since, By: c.By})
	}
	return shown
}

func ruleSets(sets []reminder.RuleSet) []*model.ReminderRuleSet {
	if sets == nil {
		return nil
	}
	list := make([]*model.ReminderRuleSet, len(sets))
	for i, s := range sets {
		list[i] = &model.ReminderRuleSet{ByDefault: s.ByDefault}
		if s.VisitKind != nil {
			list[i].VisitKindRef = &clinic.Ref{Organization: s.OrganizationID, ID: *s.VisitKind}
		}
		for _, r := range s.Rules {
			list[i].Rules = append(list[i].Rules, shownRule(r))
		}
	}
	return list
}

func shownRule(r reminder.Rule) *model.ReminderRule {
	if r.At == nil {
		return &model.ReminderRule{Key: r.Key, Before: &r.Before}
	}
	at := timeOfDay(*r.At)
	return &model.ReminderRule{Key: r.Key, DaysBefore: &r.DaysBefore, At: &at}
}

// choiceMembers are of preferences.
func choiceMembers(err error) []any {
	if e, ok := errors.AsType[reminder.StaleVersion](err); ok {
		return []any{&model.StaleContactPreferencesError{
			Code: model.UserErrorCodeStaleVersion, Message: e.Error(), Path: input("expectedVersion"), Current: preferences(&e.Current),
		}}
	}
	return nil
}
