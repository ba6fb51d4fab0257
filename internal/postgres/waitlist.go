package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// WaitlistStore keeps those who wait, and what is offered to them.
type WaitlistStore struct {
	db     *DB
	visits *AppointmentStore
}

var _ waitlist.Store = (*WaitlistStore)(nil)

// NewWaitlistStore puts the store over a database.
func NewWaitlistStore(db *DB) *WaitlistStore { return &WaitlistStore{db, NewAppointmentStore(db)} }

const entryColumns = `e.organization_id, e.id, e.patient_id, e.status, e.priority, e.visit_kind_id, e.wanted, e.minimum_notice, e.current_appointment_id,
    e.joined_at, e.joined_by, e.ended_at, e.closure_id`

const (
	entriesByRef = `SELECT ` + entryColumns + ` FROM unnest($1::uuid[], $2::uuid[]) w(organization, thing)
JOIN waitlist_entries e ON e.organization_id = w.organization AND e.id = w.thing`
	insertEntry = `
INSERT INTO waitlist_entries (organization_id, id, patient_id, status, priority, visit_kind_id, provider_ids, not_before, not_after, wanted, minimum_notice,
    current_appointment_id, joined_at, joined_by)
VALUES ($1, $2, $3, 'ACTIVE', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`
	// Of any number who join at once each sees those before it.
	lockWaiting  = `SELECT pg_advisory_xact_lock(limit_lock('waitlist', $1, $2))`
	countWaiting = `SELECT count(*)::integer AS waiting FROM waitlist_entries WHERE organization_id = $1 AND patient_id = $2 AND ended_at IS NULL
    AND closure_id IS NULL`
	// look_for_waiting is told last, as its row is what all of an organisation wait for.
	lookForWaiting = `SELECT look_for_waiting($1, $2)`
	endEntry       = `
UPDATE waitlist_entries SET status = $3, ended_at = $4 WHERE organization_id = $1 AND id = $2 AND status = 'ACTIVE'`
	callEndOffer = `SELECT end_offer($1)`
)

type wishRow struct {
	OrganizationID, ID, PatientID uuid.UUID
	Status                        waitlist.Status
	Priority                      int
	VisitKindID                   uuid.UUID
	Wanted                        []byte
	MinimumNotice                 int
	CurrentAppointmentID          *uuid.UUID
	JoinedAt                      time.Time
	JoinedBy                      uuid.UUID
	EndedAt                       *time.Time
	ClosureID                     *uuid.UUID
}

func (r wishRow) cell() cell {
	return cellOf("waitlist_entries", "wanted", r.OrganizationID, r.ID, r.PatientID, r.Wanted)
}

// entry is the row without what is private.
func (r wishRow) entry() waitlist.Entry {
	return waitlist.Entry{
		ID: r.ID, OrganizationID: r.OrganizationID, PatientID: r.PatientID, Status: r.Status, Priority: r.Priority, VisitKindID: r.VisitKindID,
		MinimumNotice: time.Duration(r.MinimumNotice) * time.Second, Current: or(r.CurrentAppointmentID), JoinedAt: r.JoinedAt.UTC(), JoinedBy: r.JoinedBy,
		EndedAt: utc(r.EndedAt), Closure: or(r.ClosureID),
	}
}

// entries reads rows, with one look for all their keys. Of what is erased nothing is known but that it was there.
func (db *DB) entries(ctx context.Context, rows []wishRow) ([]waitlist.Entry, error) {
	keys, err := db.opener(ctx, column(rows, wishRow.cell))
	if err != nil {
		return nil, err
	}
	list := make([]waitlist.Entry, len(rows))
	for i, r := range rows {
		list[i] = r.entry()
		wanted, err := keys.open(r.cell())
		if err != nil {
			return nil, err
		}
		if wanted == nil {
			continue
		}
		if err := json.Unmarshal([]byte(wanted.Reveal()), &list[i].Wanted); err != nil {
			return nil, errs.Bug("read what a patient waits for", err)
		}
	}
	return list, nil
}

// Join is documented at waitlist.Store.
func (s *WaitlistStore) Join(ctx context.Context, by clinic.Stamp, once clinic.Once, e waitlist.Entry) (id uuid.UUID, err error) {
	text, err := json.Marshal(e.Wanted)
	if err != nil {
		return uuid.Nil, errs.Bug("write what a patient waits for", err)
	}
	pen, err := s.db.penOf(ctx, e.OrganizationID, e.PatientID)
	if err != nil {
		return uuid.Nil, err
	}
	err = s.db.write(ctx, e.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		before, replayed, err := s.db.keyBegin(ctx, tx, e.OrganizationID, by, once)
		if id = before; err != nil || replayed {
			return err
		}
		id = e.ID
		if err := waitsForMore(ctx, tx, by, e); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, insertEntry, e.OrganizationID, e.ID, e.PatientID, e.Priority, e.VisitKindID, providersOf(e.Wanted), e.Wanted.From, e.Wanted.To,
			pen.seal(pen.in("waitlist_entries", "wanted", e.ID), access.Private(text)), int(e.MinimumNotice/time.Second), idOf(e.Current), e.JoinedAt, e.JoinedBy); err != nil {
			return err
		}
		if err := s.db.keyEnd(ctx, tx, e.OrganizationID, by, once, e.ID); err != nil {
			return err
		}
		if err := record(ctx, tx, noteEntry(by, "waitlist.join", e)); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, lookForWaiting, e.OrganizationID, by.At)
		return err
	})
	return id, broken(err)
}

// waitsForMore fails when a patient waits for as much as they may.
func waitsForMore(ctx context.Context, tx pgx.Tx, by clinic.Stamp, e waitlist.Entry) error {
	if _, err := tx.Exec(ctx, lockWaiting, e.OrganizationID, e.PatientID); err != nil {
		return err
	}
	now, _, err := one[struct{ Waiting int }](ctx, tx, countWaiting, e.OrganizationID, e.PatientID)
	if err == nil && now.Waiting >= waitlist.MaxEntries {
		err = errs.LimitReached{Limit: errs.WaitlistEntries, Most: waitlist.MaxEntries, InUse: now.Waiting, RetryAt: by.At.Add(time.Hour)}
	}
	return err
}

// providersOf are those that a search names; null: whoever.
func providersOf(q availability.Search) []uuid.UUID {
	if q.Providers == nil {
		return nil
	}
	_, list := split(q.Providers)
	return list
}

func noteEntry(by clinic.Stamp, action string, e waitlist.Entry) change {
	c := note(by, e.OrganizationID, action, "WaitlistEntry", e.ID)
	c.Patient = e.PatientID
	return c
}

// End is documented at waitlist.Store.
func (s *WaitlistStore) End(ctx context.Context, by clinic.Stamp, e waitlist.Entry, as waitlist.Status) (done bool, err error) {
	err = s.db.write(ctx, e.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, endEntry, e.OrganizationID, e.ID, string(as), by.At)
		if done = err == nil && tag.RowsAffected() > 0; !done {
			return err
		}
		return record(ctx, tx, noteEntry(by, "waitlist."+string(as), e))
	})
	return done && err == nil, err
}

// EndOffer is documented at waitlist.Store.
func (s *WaitlistStore) EndOffer(ctx context.Context, w waitlist.OfferEnd) (appointment.Answer, error) {
	p := params(appointment.Write{Stamp: w.Stamp, Once: w.Once}, w.Offer.OrganizationID, "waitlist.offer."+string(w.State))
	p.about(w.Offer.PatientID, "status")
	p.Offer = &offerParam{ID: w.Offer.ID, State: string(w.State), EntryState: string(w.Entry)}
	p.Reserve = reserveParamOf(w.Reserve)
	return s.visits.call(ctx, callEndOffer, p)
}

// Entries is documented at waitlist.Store.
func (s *WaitlistStore) Entries(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]waitlist.Entry, error) {
	rows, err := listOf[wishRow](ctx, s.db, refs, entriesByRef)
	if err != nil {
		return nil, err
	}
	entries, err := s.db.entries(ctx, rows)
	found := make(map[clinic.Ref]waitlist.Entry, len(entries))
	for _, e := range entries {
		found[e.Ref()] = e
	}
	return found, err
}

// entriesIn is what a filter asks for.
func entriesIn(f waitlist.Filter) *where {
	w := &where{}
	w.and("e.organization_id = $%d", f.Organization)
	if f.Patient != uuid.Nil {
		w.and("e.patient_id = $%d", f.Patient)
	}
	if f.VisitKind != uuid.Nil {
		w.and("e.visit_kind_id = $%d", f.VisitKind)
	}
	if f.Statuses != nil {
		w.and("e.status = ANY ($%d)", f.Statuses)
		if !slices.ContainsFunc(f.Statuses, func(s waitlist.Status) bool { return s != waitlist.Active && s != waitlist.Offered }) {
			w.conditions = append(w.conditions, "e.ended_at IS NULL")
		}
	}
	if f.Among != nil {
		w.among("e", *f.Among)
	}
	return w
}

// ListEntries is documented at waitlist.Store.
func (s *WaitlistStore) ListEntries(ctx context.Context, f waitlist.Filter, w paging.Window) (paging.Page[waitlist.Entry], error) {
	cond := entriesIn(f)
	order, err := cond.byTime("e.joined_at", "e.id", w)
	if err != nil {
		return paging.Page[waitlist.Entry]{}, err
	}
	sql := fmt.Sprintf("SELECT %s FROM waitlist_entries e WHERE %s ORDER BY %s LIMIT %d", entryColumns, cond, order, w.Size+1)
	rows, err := list[wishRow](ctx, s.db.tenant(f.Organization), sql, cond.args...)
	if err == nil && len(rows) == 0 {
		err = s.known(ctx, f)
	}
	if err != nil {
		return paging.Page[waitlist.Entry]{}, err
	}
	cut := paging.Cut(rows, w)
	items, err := s.db.entries(ctx, cut.Items)
	return paging.Page[waitlist.Entry]{Items: items, HasNext: cut.HasNext, HasPrevious: cut.HasPrevious}, err
}

// CountEntries is documented at waitlist.Store.
func (s *WaitlistStore) CountEntries(ctx context.Context, f waitlist.Filter) (int, error) {
	cond := entriesIn(f)
	rows, err := list[struct{ Entries int }](ctx, s.db.tenant(f.Organization),
		"SELECT count(*) AS entries FROM (SELECT FROM waitlist_entries e WHERE "+cond.String()+" LIMIT "+strconv.Itoa(paging.MaxCount)+") c", cond.args...)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	if rows[0].Entries == 0 {
		err = s.known(ctx, f)
	}
	return rows[0].Entries, err
}

// known fails when a filter names a patient who doesn't exist. Whoever waits exists.
func (s *WaitlistStore) known(ctx context.Context, f waitlist.Filter) error {
	if f.Patient == uuid.Nil {
		return nil
	}
	return errs.Under(s.visits.Known(ctx, appointment.Filter{Organization: f.Organization, Patient: f.Patient}), "where")
}

const positionsOf = `
SELECT p.id, p.position::integer FROM (
    SELECT e.id, row_number() OVER (PARTITION BY e.visit_kind_id ORDER BY e.priority DESC, e.joined_at, e.id) AS position
    FROM waitlist_entries e WHERE e.organization_id = $1 AND e.ended_at IS NULL AND e.closure_id IS NULL) p
WHERE p.id = ANY ($2)`

// Positions is documented at waitlist.Store.
func (s *WaitlistStore) Positions(ctx context.Context, entries []clinic.Ref) (map[clinic.Ref]int, error) {
	type row struct {
		ID       uuid.UUID
		Position int
	}
	found := make(map[clinic.Ref]int, len(entries))
	for organization, own := range byTenant(entries) {
		_, wanted := split(own)
		rows, err := list[row](ctx, s.db.tenant(organization), positionsOf, organization, wanted)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			found[clinic.Ref{Organization: organization, ID: r.ID}] = r.Position
		}
	}
	return found, nil
}
