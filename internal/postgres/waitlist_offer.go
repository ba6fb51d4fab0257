package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

const offerColumns = `o.organization_id, o.id, o.entry_id, o.patient_id, o.version, o.state, o.hold_id, o.provider_id, o.location_id, o.visit_kind_id, o.modality,
    o.starts_at, o.ends_at, o.local_start, o.time_zone, o.appointment_id, o.offered_at, o.told_at, o.expires_at, o.ended_at, o.wave, o.passed_over, o.otherwise`

const offersByRef = `SELECT ` + offerColumns + ` FROM unnest($1::uuid[], $2::uuid[]) w(organization, thing)
JOIN waitlist_offers o ON o.organization_id = w.organization AND o.id = w.thing`

type offerRow struct {
	OrganizationID, ID, EntryID, PatientID      uuid.UUID
	Version                                     int
	State                                       waitlist.OfferState
	HoldID, ProviderID, LocationID, VisitKindID uuid.UUID
	Modality                                    clinic.Modality
	StartsAt, EndsAt, LocalStart                time.Time
	TimeZone                                    string
	AppointmentID                               *uuid.UUID
	OfferedAt, ToldAt, ExpiresAt                time.Time
	EndedAt                                     *time.Time
	Wave                                        int
	PassedOver                                  []appointment.PassedOver
	Otherwise                                   *string
}

func (r offerRow) offer() waitlist.Offer {
	return waitlist.Offer{
		ID: r.ID, OrganizationID: r.OrganizationID, EntryID: r.EntryID, PatientID: r.PatientID, Version: r.Version, State: r.State, HoldID: r.HoldID,
		Slot: availability.SlotID{
			Organization: r.OrganizationID, Provider: r.ProviderID, Location: r.LocationID, VisitKind: r.VisitKindID, Modality: r.Modality, Start: r.StartsAt.UTC(),
		},
		End: r.EndsAt.UTC(), LocalStart: civil.DateTimeOf(r.LocalStart), TimeZone: r.TimeZone, AppointmentID: or(r.AppointmentID),
		OfferedAt: r.OfferedAt.UTC(), ToldAt: r.ToldAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), EndedAt: utc(r.EndedAt), Wave: r.Wave, PassedOver: r.PassedOver,
		Otherwise: or(r.Otherwise),
	}
}

// Offers is documented at waitlist.Store.
func (s *WaitlistStore) Offers(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]waitlist.Offer, error) {
	rows, err := listOf[offerRow](ctx, s.db, refs, offersByRef)
	found := make(map[clinic.Ref]waitlist.Offer, len(rows))
	for _, r := range rows {
		found[r.offer().Ref()] = r.offer()
	}
	return found, err
}

// Hours that changed since say so in the event log, by the time before they were committed.
const doubtfulOffers = `
SELECT ` + offerColumns + `, moved FROM waitlist_offers o, LATERAL (SELECT o.otherwise IS NOT NULL AND NOT EXISTS (
    SELECT FROM closure_items i JOIN appointments a ON a.organization_id = o.organization_id AND a.id = i.appointment_id
    WHERE i.organization_id = o.organization_id AND i.offer_id = o.id AND a.status IN ('BOOKED', 'PENDING')
        AND a.provider_id = i.provider_id AND a.location_id = i.location_id AND a.starts_at = i.starts_at) AS moved) m
WHERE o.organization_id = $1 AND o.state = 'OPEN' AND o.id > $2 AND (moved OR EXISTS (
    SELECT FROM event_log e WHERE e.organization_id = o.organization_id AND e.provider_id = o.provider_id AND e.topic = '` + scheduleTopic + `'
        AND e.at > o.offered_at - interval '1 minute'))
ORDER BY o.id LIMIT $3`

// Doubtful is documented at waitlist.Matching.
func (s *WaitlistStore) Doubtful(ctx context.Context, organization, after uuid.UUID, limit int) ([]waitlist.Doubt, error) {
	type row struct {
		offerRow
		Moved bool
	}
	rows, err := list[row](ctx, s.db.tenant(organization), doubtfulOffers, organization, after, limit)
	return column(rows, func(r row) waitlist.Doubt { return waitlist.Doubt{Offer: r.offer(), Moved: r.Moved} }), err
}

// ListOffers is documented at waitlist.Store.
func (s *WaitlistStore) ListOffers(ctx context.Context, entry clinic.Ref, w paging.Window) (paging.Page[waitlist.Offer], error) {
	cond := &where{}
	cond.and("o.organization_id = $%d", entry.Organization)
	cond.and("o.entry_id = $%d", entry.ID)
	order, err := cond.byTime("o.offered_at", "o.id", w)
	if err != nil {
		return paging.Page[waitlist.Offer]{}, err
	}
	sql := fmt.Sprintf("SELECT %s FROM waitlist_offers o WHERE %s ORDER BY %s LIMIT %d", offerColumns, cond, order, w.Size+1)
	rows, err := list[offerRow](ctx, s.db.tenant(entry.Organization), sql, cond.args...)
	return mapPage(paging.Cut(rows, w), offerRow.offer), err
}

var countOffers = `SELECT count(*)::integer AS offers FROM (
    SELECT FROM waitlist_offers o WHERE o.organization_id = $1 AND o.entry_id = $2 LIMIT ` + strconv.Itoa(paging.MaxCount) + `) c`

// CountOffers is documented at waitlist.Store.
func (s *WaitlistStore) CountOffers(ctx context.Context, entry clinic.Ref) (int, error) {
	rows, err := list[struct{ Offers int }](ctx, s.db.tenant(entry.Organization), countOffers, entry.Organization, entry.ID)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return rows[0].Offers, nil
}

const (
	rulesOfWaitlist = `
SELECT r.answer_within, r.offers_a_day, r.shows_position FROM organizations o LEFT JOIN waitlist_rules r ON r.organization_id = o.id WHERE o.id = $1`
	setWaitlistRules = `
INSERT INTO waitlist_rules (organization_id, answer_within, offers_a_day, shows_position) VALUES ($1, $2, $3, $4)
ON CONFLICT (organization_id) DO UPDATE SET answer_within = $2, offers_a_day = $3, shows_position = $4`
)

// Rules is documented at waitlist.Store.
func (s *WaitlistStore) Rules(ctx context.Context, organization uuid.UUID) (waitlist.Rules, error) {
	type row struct {
		AnswerWithin, OffersADay *int
		ShowsPosition            *bool
	}
	r := waitlist.DefaultRules(organization)
	rows, err := list[row](ctx, s.db.tenant(organization), rulesOfWaitlist, organization)
	if err == nil && len(rows) == 0 {
		err = errs.Missing("organization", "organizationId")
	}
	if err != nil || rows[0].AnswerWithin == nil {
		return r, err
	}
	r.AnswerWithin = time.Duration(*rows[0].AnswerWithin) * time.Second
	r.OffersADay, r.ShowsPosition = or(rows[0].OffersADay), or(rows[0].ShowsPosition)
	return r, nil
}

// SetRules is documented at waitlist.Store.
func (s *WaitlistStore) SetRules(ctx context.Context, by clinic.Stamp, r waitlist.Rules) error {
	return s.db.write(ctx, r.Organization, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, setWaitlistRules, r.Organization, int(r.AnswerWithin/time.Second), r.OffersADay, r.ShowsPosition); err != nil {
			return err
		}
		return record(ctx, tx, note(by, r.Organization, "waitlistRules.set", "Organization", r.Organization))
	})
}

// candidateRow is a candidate as the database tells it.
type candidateRow struct {
	wishRow
	CurrentStart *time.Time
	Open         bool
	OfferedADay  int
	Had          json.RawMessage
}

// Those who wait, in their order. Of a time only those are asked who may want it, as far as columns tell: the rest is in their sealed wish.
const selectCandidates = `
SELECT ` + entryColumns + `,
    (SELECT a.starts_at FROM appointments a WHERE a.organization_id = $1 AND a.id = e.current_appointment_id AND a.status IN ('BOOKED', 'PENDING')
        AND a.starts_at > $5) AS current_start,
    EXISTS (SELECT FROM waitlist_offers o WHERE o.organization_id = $1 AND o.patient_id = e.patient_id AND o.state = 'OPEN') AS open,
    (SELECT count(*)::integer FROM waitlist_offers o WHERE o.organization_id = $1 AND o.patient_id = e.patient_id AND o.state <> 'WITHDRAWN'
        AND o.offered_at > $5::timestamptz - interval '24 hours') AS offered_a_day,
    (SELECT jsonb_agg(jsonb_build_object('provider', o.provider_id, 'start', o.starts_at)) FROM waitlist_offers o
        WHERE o.organization_id = $1 AND o.entry_id = e.id AND o.state IN ('DECLINED', 'EXPIRED')) AS had
FROM waitlist_entries e
WHERE e.organization_id = $1 AND e.ended_at IS NULL AND e.closure_id IS NULL
  AND ($2::uuid IS NULL OR e.provider_ids IS NULL OR $2 = ANY (e.provider_ids))
  AND ($2::uuid IS NULL OR EXISTS (SELECT FROM provider_visit_kinds k WHERE k.organization_id = $1 AND k.provider_id = $2 AND k.visit_kind_id = e.visit_kind_id))
  AND ($3::timestamptz IS NULL OR coalesce(e.not_after, 'infinity') > $3) AND ($4::timestamptz IS NULL OR coalesce(e.not_before, '-infinity') < $4)
  AND ($6::uuid IS NULL OR (-e.priority, e.joined_at, e.id) > (SELECT -l.priority, l.joined_at, l.id FROM waitlist_entries l WHERE l.organization_id = $1 AND l.id = $6))
ORDER BY e.priority DESC, e.joined_at, e.id LIMIT $7`

// Candidates is documented at waitlist.Matching.
func (s *WaitlistStore) Candidates(ctx context.Context, q waitlist.Wish, limit int) ([]waitlist.Candidate, error) {
	rows, err := list[candidateRow](ctx, s.db.tenant(q.Organization), selectCandidates, q.Organization, idOf(q.Provider), maybeTime(q.From), maybeTime(q.To), q.Now,
		idOf(q.After), limit)
	if err != nil {
		return nil, err
	}
	entries, err := s.db.entries(ctx, column(rows, func(r candidateRow) wishRow { return r.wishRow }))
	if err != nil {
		return nil, err
	}
	found := make([]waitlist.Candidate, len(rows))
	for i, r := range rows {
		found[i] = waitlist.Candidate{Entry: entries[i], Current: utc(r.CurrentStart), Open: r.Open, OfferedADay: r.OfferedADay}
		if r.Had == nil {
			continue
		}
		if err := json.Unmarshal(r.Had, &found[i].Had); err != nil {
			return nil, errs.Bug("read what was offered", err)
		}
	}
	return found, nil
}

func maybeTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

const (
	// Whoever takes a turn has it for 10 seconds.
	takeTurns = `
UPDATE waitlist_turns t SET due_at = $1::timestamptz + interval '10 seconds' FROM (
    SELECT d.organization_id, d.id FROM waitlist_turns d WHERE d.due_at <= $1 ORDER BY d.due_at LIMIT $2 FOR UPDATE SKIP LOCKED) taken
WHERE t.organization_id = taken.organization_id AND t.id = taken.id
RETURNING t.organization_id AS organization, t.id, t.kind, t.wave, t.after_id, t.due_at`
	endTurn = `DELETE FROM waitlist_turns WHERE organization_id = $1 AND id = $2`
	// Unless somebody wants it sooner meanwhile.
	putOffTurn = `UPDATE waitlist_turns SET due_at = $3, after_id = $4 WHERE organization_id = $1 AND id = $2 AND due_at = $5`
	dropLook   = `
DELETE FROM waitlist_turns WHERE organization_id = $1 AND id = $1 AND NOT EXISTS (
    SELECT FROM waitlist_entries e WHERE e.organization_id = $1 AND e.ended_at IS NULL)` // of closures, too: what is offered to them is looked at
	selectKept = `
SELECT h.provider_id, h.location_id, min(c.starts_at) AS starts_at, max(c.ends_at) AS ends_at FROM holds h
JOIN claims c ON c.organization_id = h.organization_id AND c.party_id = h.provider_id AND c.hold_id = h.id AND c.state = 'ACTIVE'
WHERE h.organization_id = $1 AND h.id = $2 AND h.state = 'ACTIVE' AND h.expires_at > $3 AND h.patient_id IS NULL GROUP BY h.provider_id, h.location_id`
)

// Turns is documented at waitlist.Matching.
func (s *WaitlistStore) Turns(ctx context.Context, now time.Time, limit int) ([]waitlist.Turn, error) {
	type row struct {
		Organization, ID uuid.UUID
		Kind             waitlist.TurnKind
		Wave             int
		AfterID          *uuid.UUID
		DueAt            time.Time
	}
	var turns []waitlist.Turn
	err := s.db.writeAs(ctx, sweeperRole, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := all[row](ctx, tx, takeTurns, now, limit)
		turns = column(rows, func(r row) waitlist.Turn {
			return waitlist.Turn{Organization: r.Organization, ID: r.ID, Kind: r.Kind, Wave: r.Wave, After: or(r.AfterID), Taken: r.DueAt}
		})
		return err
	})
	return turns, err
}

// EndTurn is documented at waitlist.Matching.
func (s *WaitlistStore) EndTurn(ctx context.Context, t waitlist.Turn, until time.Time) error {
	return s.db.write(ctx, t.Organization, func(ctx context.Context, tx pgx.Tx) error {
		if until.IsZero() {
			_, err := tx.Exec(ctx, endTurn, t.Organization, t.ID)
			return err
		}
		if _, err := tx.Exec(ctx, putOffTurn, t.Organization, t.ID, until, idOf(t.After), t.Taken); err != nil || t.Kind != waitlist.TurnLook {
			return err
		}
		_, err := tx.Exec(ctx, dropLook, t.Organization)
		return err
	})
}

// Kept is documented at waitlist.Matching.
func (s *WaitlistStore) Kept(ctx context.Context, t waitlist.Turn, now time.Time) (k waitlist.Kept, ok bool, err error) {
	type row struct {
		ProviderID, LocationID uuid.UUID
		StartsAt, EndsAt       time.Time
	}
	rows, err := list[row](ctx, s.db.tenant(t.Organization), selectKept, t.Organization, t.ID, now)
	if err != nil {
		return k, false, err
	}
	if len(rows) == 0 {
		return k, false, s.missed(ctx, t, now)
	}
	return waitlist.Kept{Turn: t, Provider: rows[0].ProviderID, Location: rows[0].LocationID, Start: rows[0].StartsAt.UTC(), End: rows[0].EndsAt.UTC()}, true, nil
}

// missed ends a turn that came too late. What it was for is everybody's, those who wait included.
func (s *WaitlistStore) missed(ctx context.Context, t waitlist.Turn, now time.Time) error {
	return s.db.write(ctx, t.Organization, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, endTurn, t.Organization, t.ID)
		if err != nil || tag.RowsAffected() == 0 { // somebody else has found somebody
			return err
		}
		_, err = tx.Exec(ctx, lookForWaiting, t.Organization, now)
		return err
	})
}

// Release is documented at waitlist.Matching.
func (s *WaitlistStore) Release(ctx context.Context, by clinic.Stamp, k waitlist.Kept) error {
	_, err := s.visits.ReleaseHold(ctx, appointment.HoldChange{Stamp: by, Hold: k.Ref()})
	if err != nil {
		return err
	}
	return s.EndTurn(ctx, k.Turn, time.Time{})
}
