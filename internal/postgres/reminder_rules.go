package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// The kinds of rule.
const (
	ruleOff       = "OFF"
	ruleOffset    = "OFFSET"
	ruleLocalTime = "LOCAL_TIME"
)

// Ids rise in the order in which rules were given.
const rulesOf = `
SELECT visit_kind_id, key, kind, before_minutes, days_before, at_minute FROM reminder_rules WHERE organization_id = $1
ORDER BY visit_kind_id NULLS FIRST, id`

type ruleRow struct {
	VisitKindID                         *uuid.UUID
	Key, Kind                           string
	BeforeMinutes, DaysBefore, AtMinute *int
}

func (r ruleRow) rule() reminder.Rule {
	rule := reminder.Rule{Key: r.Key, VisitKind: r.VisitKindID, DaysBefore: or(r.DaysBefore), Before: time.Duration(or(r.BeforeMinutes)) * time.Minute, Off: r.Kind == ruleOff}
	if r.AtMinute != nil {
		at := reminder.TimeAt(*r.AtMinute)
		rule.At = &at
	}
	return rule
}

// sets gathers rows, which come by kind of visit.
func sets(organization uuid.UUID, rows []ruleRow) []reminder.RuleSet {
	var list []reminder.RuleSet
	for _, r := range rows {
		last := len(list) - 1
		if last < 0 || !clinic.Equal(list[last].VisitKind, r.VisitKindID) {
			list = append(list, reminder.RuleSet{OrganizationID: organization, VisitKind: r.VisitKindID})
			last++
		}
		if rule := r.rule(); !rule.Off {
			rule.VisitKind = nil
			list[last].Rules = append(list[last].Rules, rule)
		}
	}
	return list
}

// RuleSets is documented at reminder.ChoiceStore.
func (d *Directory) RuleSets(ctx context.Context, organization uuid.UUID) ([]reminder.RuleSet, error) {
	rows, err := list[ruleRow](ctx, d.db.tenant(organization), rulesOf, organization)
	return sets(organization, rows), err
}

// Rules answers an organisation's rules as reminder.Plan takes them.
func (d *Directory) Rules(ctx context.Context, organization uuid.UUID) ([]reminder.Rule, error) {
	found, err := d.RuleSets(ctx, organization)
	return reminder.Flat(found), err
}

const (
	lockRules  = `SELECT pg_advisory_xact_lock(hashtextextended('reminder rules ' || $1::uuid, 0))`
	hasKind    = `SELECT id FROM visit_kinds WHERE organization_id = $1 AND id = $2`
	dropRules  = `DELETE FROM reminder_rules WHERE organization_id = $1 AND visit_kind_id IS NOT DISTINCT FROM $2`
	insertRule = `
INSERT INTO reminder_rules (organization_id, id, visit_kind_id, key, kind, before_minutes, days_before, at_minute) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
)

var errManyRuleSets = errs.Invalid(fmt.Sprintf("%d kinds of visit have rules of their own already.", reminder.MaxRuleSets), "visitKindId")

// SetRules is documented at reminder.ChoiceStore.
func (d *Directory) SetRules(ctx context.Context, by clinic.Stamp, s reminder.RuleSet, newID func() uuid.UUID) (after []reminder.RuleSet, err error) {
	err = d.db.write(ctx, s.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockRules, s.OrganizationID); err != nil {
			return err
		}
		if err := knownKind(ctx, tx, s); err != nil {
			return err
		}
		rows, err := all[ruleRow](ctx, tx, rulesOf, s.OrganizationID)
		if after = sets(s.OrganizationID, rows); err != nil || alike(after, s) {
			return err
		}
		if err := replaceRules(ctx, tx, s, newID); err != nil {
			return err
		}
		if rows, err = all[ruleRow](ctx, tx, rulesOf, s.OrganizationID); err != nil {
			return err
		}
		if after = sets(s.OrganizationID, rows); ofKinds(after) > reminder.MaxRuleSets {
			return errManyRuleSets
		}
		if _, err := tx.Exec(ctx, markReplan, s.OrganizationID, newID(), s.VisitKind, by.At, by.Actor.RequestID); err != nil {
			return err
		}
		return record(ctx, tx, noteRules(by, s))
	})
	return after, broken(err)
}

func ofKinds(sets []reminder.RuleSet) (n int) {
	for _, s := range sets {
		if s.VisitKind != nil {
			n++
		}
	}
	return n
}

// knownKind refuses a kind of visit that there isn't: a set that is taken away leaves no row to be refused.
func knownKind(ctx context.Context, tx pgx.Tx, s reminder.RuleSet) error {
	if s.VisitKind == nil {
		return nil
	}
	found, err := ids(ctx, tx, hasKind, s.OrganizationID, *s.VisitKind)
	if err == nil && len(found) == 0 {
		err = errs.Missing("visit kind", "visitKindId")
	}
	return err
}

// noteRules tells of the kind of visit, or of the organisation.
func noteRules(by clinic.Stamp, s reminder.RuleSet) change {
	if s.VisitKind != nil {
		return note(by, s.OrganizationID, "reminderRules.set", "VisitKind", *s.VisitKind)
	}
	return note(by, s.OrganizationID, "reminderRules.set", "Organization", s.OrganizationID)
}

// alike says whether a set is among those that there are or, when it is to be taken away, isn't.
func alike(there []reminder.RuleSet, s reminder.RuleSet) bool {
	i := slices.IndexFunc(there, func(o reminder.RuleSet) bool { return clinic.Equal(o.VisitKind, s.VisitKind) })
	if i < 0 || s.Rules == nil {
		return i < 0 && s.Rules == nil
	}
	return slices.EqualFunc(there[i].Rules, s.Rules, func(a, b reminder.Rule) bool { return a.Key == b.Key })
}

func replaceRules(ctx context.Context, tx pgx.Tx, s reminder.RuleSet, newID func() uuid.UUID) error {
	batch := &pgx.Batch{}
	batch.Queue(dropRules, s.OrganizationID, s.VisitKind)
	add := func(key, kind string, before, days, at *int) {
		batch.Queue(insertRule, s.OrganizationID, newID(), s.VisitKind, key, kind, before, days, at)
	}
	if s.Rules != nil && len(s.Rules) == 0 {
		add("none", ruleOff, nil, nil, nil)
	}
	for _, r := range s.Rules {
		if r.At == nil {
			minutes := int(r.Before / time.Minute)
			add(r.Key, ruleOffset, &minutes, nil, nil)
			continue
		}
		at := reminder.Minutes(*r.At)
		add(r.Key, ruleLocalTime, nil, &r.DaysBefore, &at)
	}
	return tx.SendBatch(ctx, batch).Close()
}
