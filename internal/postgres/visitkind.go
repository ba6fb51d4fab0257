package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// visitKindRow is a row of the table: its fields are its columns.
type visitKindRow struct {
	OrganizationID, ID                                                  uuid.UUID
	Key, Name                                                           string
	Duration, BufferBefore, BufferAfter, SlotStep                       int
	GridAnchor                                                          string
	Instructions                                                        *string
	RequiresApproval                                                    bool
	Modalities                                                          []clinic.Modality
	FreeCancellationBefore, MinimumNotice, MaximumAdvance, HoldDuration int
	MaxReschedules, LateFeeMinorUnits                                   *int
	LateFeeCurrency                                                     *string
	requirementsRow
	ApprovalWithin int
}

const visitKindColumns = `organization_id, id, key, name, duration, buffer_before, buffer_after, slot_step, grid_anchor,
    instructions, requires_approval, modalities, free_cancellation_before, minimum_notice, maximum_advance, hold_duration,
    max_reschedules, late_fee_minor_units, late_fee_currency, needs, repeat_after, prerequisites, patients, minimum_age, maximum_age,
    approval_within`

const (
	selectVisitKinds = `SELECT ` + visitKindColumns + ` FROM visit_kinds `
	visitKindByKey   = selectVisitKinds + `WHERE organization_id = $1 AND key = $2`
	visitKindsByRef  = eachRef + selectVisitKinds + byRef
	countVisitKinds  = `SELECT FROM visit_kinds `
)

const insertVisitKind = `
INSERT INTO visit_kinds (` + visitKindColumns + `)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)
ON CONFLICT DO NOTHING`

const lockVisitKind = visitKindByKey + ` FOR NO KEY UPDATE`

const updateVisitKind = `
UPDATE visit_kinds SET name = $4, duration = $5, buffer_before = $6, buffer_after = $7, slot_step = $8, grid_anchor = $9,
    instructions = $10, requires_approval = $11, modalities = $12, free_cancellation_before = $13, minimum_notice = $14,
    maximum_advance = $15, hold_duration = $16, max_reschedules = $17, late_fee_minor_units = $18, late_fee_currency = $19,
    needs = $20, repeat_after = $21, prerequisites = $22, patients = $23, minimum_age = $24, maximum_age = $25,
    approval_within = $26
WHERE organization_id = $1 AND id = $2 AND key = $3`

// PutVisitKind is documented at clinic.Store.
func (d *Directory) PutVisitKind(ctx context.Context, by clinic.Stamp, k clinic.VisitKind) (clinic.VisitKind, error) {
	fresh := k.ID
	err := d.settle(ctx, k.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		if err := comesAfter(ctx, tx, k); err != nil {
			return err
		}
		row, found, err := one[visitKindRow](ctx, tx, visitKindByKey, k.OrganizationID, k.Key)
		if err != nil {
			return err
		}
		if !found {
			k.ID = fresh
			return addVisitKind(ctx, tx, by, k)
		}
		k.ID = row.ID
		if row.visitKind().Same(k) {
			return nil
		}
		return replaceVisitKind(ctx, tx, by, k)
	})
	return k, err
}

func addVisitKind(ctx context.Context, tx pgx.Tx, by clinic.Stamp, k clinic.VisitKind) error {
	if err := hit(tx.Exec(ctx, insertVisitKind, visitKindValues(k)...)); err != nil {
		return err
	}
	return record(ctx, tx, note(by, k.OrganizationID, "visitKind.put", "VisitKind", k.ID))
}

func replaceVisitKind(ctx context.Context, tx pgx.Tx, by clinic.Stamp, k clinic.VisitKind) error {
	offering := dependents{query: providersOffering, changing: changing{at: by.At}, organization: k.OrganizationID, on: k.ID}
	if err := offering.lock(ctx, tx); err != nil {
		return err
	}
	row, _, err := one[visitKindRow](ctx, tx, lockVisitKind, k.OrganizationID, k.Key)
	if err != nil {
		return err
	}
	if row.visitKind().Same(k) {
		return errUnchanged
	}
	lengths, err := longestOf(ctx, tx, k.OrganizationID, offering.providers)
	if err != nil {
		return err
	}
	if err := hit(tx.Exec(ctx, updateVisitKind, visitKindValues(k)...)); err != nil {
		return err
	}
	if err := errors.Join(lengths.widen(ctx, tx), equipAnew(ctx, tx, by, row.visitKind(), k), offering.confirm(ctx, tx)); err != nil {
		return err
	}
	c := note(by, k.OrganizationID, "visitKind.put", "VisitKind", k.ID)
	return recordFor(ctx, tx, c, offering.providers, scheduleSpan{})
}

func visitKindValues(k clinic.VisitKind) []any {
	var units *int
	var currency *string
	if fee := k.Policy.LateCancellationFee; fee != nil {
		units, currency = &fee.MinorUnits, &fee.Currency
	}
	values := append([]any{
		k.OrganizationID, k.ID, k.Key, k.Name, seconds(k.Duration), seconds(k.BufferBefore), seconds(k.BufferAfter),
		seconds(k.SlotStep), string(k.GridAnchor), k.Instructions, k.RequiresApproval, k.Modalities,
		seconds(k.Policy.FreeCancellationBefore), seconds(k.Policy.MinimumNotice), seconds(k.Policy.MaximumAdvance),
		seconds(k.Policy.HoldDuration), k.Policy.MaxReschedules, units, currency,
	}, requirementValues(k.Requires)...)
	return append(values, seconds(k.ApprovalWithin))
}

func (r visitKindRow) visitKind() clinic.VisitKind {
	k := clinic.VisitKind{
		ID: r.ID, OrganizationID: r.OrganizationID, Key: r.Key, Name: r.Name,
		Duration: lasting(r.Duration), BufferBefore: lasting(r.BufferBefore), BufferAfter: lasting(r.BufferAfter),
		SlotStep: lasting(r.SlotStep), GridAnchor: clinic.GridAnchor(r.GridAnchor), Instructions: r.Instructions,
		RequiresApproval: r.RequiresApproval, ApprovalWithin: lasting(r.ApprovalWithin), Modalities: r.Modalities,
		Policy: clinic.Policy{
			FreeCancellationBefore: lasting(r.FreeCancellationBefore), MinimumNotice: lasting(r.MinimumNotice),
			MaximumAdvance: lasting(r.MaximumAdvance), HoldDuration: lasting(r.HoldDuration), MaxReschedules: r.MaxReschedules,
		},
		Requires: r.requirements(),
	}
	if r.LateFeeMinorUnits != nil && r.LateFeeCurrency != nil {
		k.Policy.LateCancellationFee = &clinic.Money{MinorUnits: *r.LateFeeMinorUnits, Currency: *r.LateFeeCurrency}
	}
	return k
}

func seconds(d time.Duration) int { return int(d / time.Second) }

func lasting(seconds int) time.Duration { return time.Duration(seconds) * time.Second }

// VisitKinds is documented at clinic.Store.
func (d *Directory) VisitKinds(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]clinic.VisitKind, error) {
	organizations, wanted := split(refs)
	rows, err := shown[visitKindRow](ctx, d.db, visitKindsByRef, organizations, wanted)
	found := make(map[clinic.Ref]clinic.VisitKind, len(rows))
	for _, r := range rows {
		found[clinic.Ref{Organization: r.OrganizationID, ID: r.ID}] = r.visitKind()
	}
	return found, err
}

// ListVisitKinds is documented at clinic.Store.
func (d *Directory) ListVisitKinds(ctx context.Context, organization uuid.UUID, w paging.Window) (paging.Page[clinic.VisitKind], error) {
	rows, err := page[visitKindRow](ctx, d.db.everybody(), kept, whose(selectVisitKinds, organization), nameAndID, w, organization)
	return mapPage(rows, visitKindRow.visitKind), err
}

// CountVisitKinds is documented at clinic.Store.
func (d *Directory) CountVisitKinds(ctx context.Context, organization uuid.UUID) (int, error) {
	return count(ctx, d.db.everybody(), kept, whose(countVisitKinds, organization), organization)
}
