package clinic

import (
	"math"
	"slices"
	"time"

	"golang.org/x/text/currency"

	"github.com/mediconnect/mediconnect/internal/form"
)

const day = 24 * time.Hour

// The bounds of a kind of visit. The longest visit with both its buffers is MaxOccupied.
var (
	lengths   = form.Span{Least: time.Minute, Most: 24 * time.Hour, Unit: time.Minute}
	buffers   = form.Span{Least: 0, Most: MaxBuffer, Unit: time.Minute}
	notices   = form.Span{Least: 0, Most: 365 * day, Unit: time.Second}
	advances  = form.Span{Least: time.Second, Most: 730 * day, Unit: time.Second}
	holds     = form.Span{Least: 30 * time.Second, Most: time.Hour, Unit: time.Second}
	approvals = form.Span{Least: 15 * time.Minute, Most: 60 * day, Unit: time.Second}
	freeUntil = form.Span{Least: 0, Most: 730 * day, Unit: time.Second}
)

const (
	defaultAdvance = 365 * day
	defaultHold    = 5 * time.Minute
	// DefaultApproval is long enough for a weekend.
	DefaultApproval = 3 * day
	maxReschedules  = 1_000
)

// kind is what the input says once it is checked, defaults filled in. Ids are still to be given.
func (in PutVisitKind) kind() (VisitKind, error) {
	var check form.Check
	k := VisitKind{
		Key:              check.Line(in.Key, form.MaxKey, "key"),
		Name:             check.Line(in.Name, form.MaxName, "name"),
		Duration:         check.Duration(&in.Duration, 0, lengths, "duration"),
		BufferBefore:     check.Duration(in.BufferBefore, 0, buffers, "bufferBefore"),
		BufferAfter:      check.Duration(in.BufferAfter, 0, buffers, "bufferAfter"),
		SlotStep:         check.Duration(in.SlotStep, in.Duration, lengths, "slotStep"),
		GridAnchor:       anchor(&check, in.GridAnchor),
		Instructions:     check.OptionalText(in.Instructions, form.MaxText, "instructions"),
		RequiresApproval: in.RequiresApproval != nil && *in.RequiresApproval,
		ApprovalWithin:   check.Duration(in.ApprovalWithin, DefaultApproval, approvals, "approvalWithin"),
		Policy:           in.policy(&check),
		Requires:         in.requires(&check),
	}
	check.That(len(in.Modalities) > 0, "Name at least one way of meeting.", "modalities")
	k.Modalities = CheckedModalities(&check, in.Modalities, "modalities")
	return k, check.Err()
}

func (in PutVisitKind) policy(check *form.Check) Policy {
	p := Policy{
		MinimumNotice:          check.Duration(in.MinimumNotice, 0, notices, "minimumNotice"),
		MaximumAdvance:         check.Duration(in.MaximumAdvance, defaultAdvance, advances, "maximumAdvance"),
		HoldDuration:           check.Duration(in.HoldDuration, defaultHold, holds, "holdDuration"),
		FreeCancellationBefore: check.Duration(in.FreeCancellationBefore, 0, freeUntil, "freeCancellationBefore"),
		MaxReschedules:         check.OptionalCount(in.MaxReschedules, 0, maxReschedules, "maxReschedules"),
		LateCancellationFee:    in.fee(check),
	}
	check.That(p.MinimumNotice <= p.MaximumAdvance, "This is longer than maximumAdvance: nothing could be booked.", "minimumNotice")
	return p
}

func (in PutVisitKind) fee(check *form.Check) *Money {
	switch {
	case in.LateFeeMinorUnits == nil && in.Currency == nil:
		return nil
	case in.LateFeeMinorUnits == nil:
		check.Fail("A currency needs a fee.", "lateCancellationFeeMinorUnits")
		return nil
	case in.Currency == nil:
		check.Fail("A fee needs a currency.", "currency")
		return nil
	}
	unit, err := currency.ParseISO(*in.Currency)
	check.That(err == nil && unit.String() == *in.Currency && payable(*in.Currency), "This is not an ISO 4217 currency.", "currency")
	units := check.Count(*in.LateFeeMinorUnits, 1, math.MaxInt32, "lateCancellationFeeMinorUnits")
	return &Money{MinorUnits: units, Currency: *in.Currency}
}

// payable says whether people pay in a currency. Of the codes that belong to no country only those of monetary unions are such:
// the others stand for metals, funds, tests and no currency at all.
func payable(code string) bool {
	return code[0] != 'X' || slices.Contains([]string{"XAF", "XCD", "XCG", "XOF", "XPF"}, code)
}

func anchor(check *form.Check, a *GridAnchor) GridAnchor {
	if a == nil {
		return GridDay
	}
	check.That(*a == GridDay || *a == GridWindow, "This is DAY or WINDOW.", "gridAnchor")
	return *a
}

// CheckedModalities reads a list of ways of meeting without duplicates and answers it in the contract's order.
func CheckedModalities(check *form.Check, list []Modality, path ...string) []Modality {
	for i, m := range list {
		check.That(slices.Contains(Modalities, m), "This is no way of meeting.", form.At(path, i)...)
		check.That(!slices.Contains(list[:i], m), "This is named twice.", form.At(path, i)...)
	}
	if list == nil {
		return nil
	}
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	return sorted
}

// Same says whether two readings of a kind agree in everything but their ids.
func (k VisitKind) Same(o VisitKind) bool {
	return k.Key == o.Key && k.Name == o.Name && k.Duration == o.Duration && k.BufferBefore == o.BufferBefore &&
		k.BufferAfter == o.BufferAfter && k.SlotStep == o.SlotStep && k.GridAnchor == o.GridAnchor &&
		Equal(k.Instructions, o.Instructions) && k.RequiresApproval == o.RequiresApproval && k.ApprovalWithin == o.ApprovalWithin &&
		slices.Equal(k.Modalities, o.Modalities) && k.Policy.same(o.Policy) && k.Requires.Same(o.Requires)
}

func (p Policy) same(o Policy) bool {
	return p.FreeCancellationBefore == o.FreeCancellationBefore && p.MinimumNotice == o.MinimumNotice &&
		p.MaximumAdvance == o.MaximumAdvance && p.HoldDuration == o.HoldDuration &&
		Equal(p.MaxReschedules, o.MaxReschedules) && Equal(p.LateCancellationFee, o.LateCancellationFee)
}
