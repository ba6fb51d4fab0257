package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/closure"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/seal"
)

// ClosureStore keeps closures, and what became of the visits in them.
type ClosureStore struct {
	db        *DB
	directory *Directory
	visits    *AppointmentStore
}

var _ closure.Store = (*ClosureStore)(nil)

// NewClosureStore puts the store over a database.
func NewClosureStore(db *DB) *ClosureStore {
	return &ClosureStore{db, db.Directory(), NewAppointmentStore(db)}
}

// Progress is counted each time: the report is never something else than the items.
const (
	closureColumns = `c.organization_id, c.id, c.provider_id, c.location_id, c.local_from, c.local_to, c.reason, c.mode, c.within, c.same_provider, c.otherwise, c.state,
    c.listed, c.answer_within, c.created_at, c.created_by, c.finished_at, (SELECT coalesce(jsonb_object_agg(o.outcome, o.items), '{}') FROM (
        SELECT i.outcome, count(*) AS items FROM closure_items i WHERE i.organization_id = c.organization_id AND i.closure_id = c.id GROUP BY i.outcome) o) AS counts`
	closuresByRef = `SELECT ` + closureColumns + ` FROM unnest($1::uuid[], $2::uuid[]) w(organization, thing)
JOIN closures c ON c.organization_id = w.organization AND c.id = w.thing`
	insertClosure = `
INSERT INTO closures (organization_id, id, provider_id, location_id, local_from, local_to, reason, mode, within, same_provider, otherwise, state, listed, due_at,
    created_at, created_by, finished_at, answer_within)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15, $16, nullif($17, 0))`
	setClosureState   = `UPDATE closures SET state = $4, due_at = $5 WHERE organization_id = $1 AND id = $2 AND state = $3`
	zonesOfLocations  = `SELECT DISTINCT time_zone FROM locations WHERE organization_id = $1 ORDER BY 1`
	lockAllLocations  = `SELECT id FROM locations WHERE organization_id = $1 ORDER BY id LIMIT $2 FOR NO KEY UPDATE`
	providersAnywhere = `
SELECT provider_id FROM schedules WHERE organization_id = $1
UNION SELECT provider_id FROM date_hours WHERE organization_id = $2
UNION SELECT provider_id FROM schedule_exceptions WHERE organization_id = $1 AND location_id IS NOT NULL AND provider_id IS NOT NULL
ORDER BY 1`
)

type closureRow struct {
	OrganizationID, ID     uuid.UUID
	ProviderID, LocationID *uuid.UUID
	LocalFrom, LocalTo     time.Time
	Reason                 []byte
	Mode                   closure.Mode
	Within                 int
	SameProvider           bool
	Otherwise              closure.Otherwise
	State                  closure.State
	Listed                 bool
	AnswerWithin           *int
	CreatedAt              time.Time
	CreatedBy              uuid.UUID
	FinishedAt             *time.Time
	Counts                 json.RawMessage
}

func (r closureRow) cell() cell {
	return cellOf("closures", "reason", r.OrganizationID, r.ID, r.OrganizationID, r.Reason)
}

// closure is the row without its reason.
func (r closureRow) closure() (closure.Closure, error) {
	c := closure.Closure{
		ID: r.ID, Scope: closure.Scope{Organization: r.OrganizationID, Provider: or(r.ProviderID), Location: or(r.LocationID)},
		From: civil.DateTimeOf(r.LocalFrom), To: civil.DateTimeOf(r.LocalTo), State: r.State, Listed: r.Listed,
		Rebook:    closure.Rebook{Mode: r.Mode, Within: time.Duration(r.Within) * time.Second, SameProvider: r.SameProvider, Otherwise: r.Otherwise, AnswerWithin: time.Duration(or(r.AnswerWithin)) * time.Second},
		CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy, FinishedAt: utc(r.FinishedAt),
	}
	counts := map[closure.Outcome]int{}
	if err := json.Unmarshal(r.Counts, &counts); err != nil {
		return c, errs.Bug("read what became of visits", err)
	}
	p := closure.Progress{
		Waiting: counts[closure.Waiting], Offered: counts[closure.Offered], Moved: counts[closure.Moved], Cancelled: counts[closure.Cancelled], Kept: counts[closure.Kept],
		Gone: counts[closure.Gone], Failed: counts[closure.Failed],
	}
	for _, n := range counts {
		p.Affected += n
	}
	c.Progress = p
	return c, nil
}

func (db *DB) closures(ctx context.Context, rows []closureRow) ([]closure.Closure, error) {
	keys, err := db.opener(ctx, column(rows, closureRow.cell))
	if err != nil {
		return nil, err
	}
	list := make([]closure.Closure, len(rows))
	for i, r := range rows {
		if list[i], err = r.closure(); err != nil {
			return nil, err
		}
		reason, err := keys.open(r.cell())
		if err != nil {
			return nil, err
		}
		list[i].Reason = (*string)(reason)
	}
	return list, nil
}

// Close is documented at closure.Store.
func (s *ClosureStore) Close(ctx context.Context, by clinic.Stamp, once clinic.Once, c closure.Closure, newID func() uuid.UUID) (id uuid.UUID, err error) {
	own := seal.Subject{Organization: c.Organization, ID: c.Organization}
	err = s.directory.settle(ctx, c.Organization, func(ctx context.Context, tx pgx.Tx) error {
		before, replayed, err := s.db.keyBegin(ctx, tx, c.Organization, by, once)
		if id = before; err != nil || replayed {
			return err
		}
		id = c.ID
		t, exceptions, err := lockClosed(ctx, tx, by, c, newID)
		if err != nil {
			return err
		}
		pens, err := s.db.pens(ctx, own)
		if err != nil {
			return err
		}
		if err := insertAll(ctx, tx, pens[own], c, exceptions); err != nil {
			return err
		}
		if err := s.db.keyEnd(ctx, tx, c.Organization, by, once, c.ID); err != nil {
			return err
		}
		return t.record(ctx, tx, note(by, c.Organization, "closure.add", "Closure", c.ID), exceptions...)
	})
	return id, err
}

// insertAll writes a closure and what closes its period.
func insertAll(ctx context.Context, tx pgx.Tx, own pen, c closure.Closure, exceptions []provider.Exception) error {
	batch := &pgx.Batch{}
	for _, e := range exceptions {
		batch.Queue(insertException, exceptionValues(own, e)...)
	}
	batch.Queue(insertClosure, c.Organization, c.ID, idOf(c.Provider), idOf(c.Location), wall(c.From), wall(c.To),
		own.sealed(own.in("closures", "reason", c.ID), (*access.Private)(c.Reason)), string(c.Rebook.Mode), int(c.Rebook.Within/time.Second), c.Rebook.SameProvider,
		string(c.Rebook.Otherwise), string(c.State), c.Listed, c.CreatedAt, c.CreatedBy, c.FinishedAt, int(c.Rebook.AnswerWithin/time.Second))
	return tx.SendBatch(ctx, batch).Close()
}

// lockClosed locks the providers whose openings follow from a closure, in the order of all who change hours, and answers what closes it.
func lockClosed(ctx context.Context, tx pgx.Tx, by clinic.Stamp, c closure.Closure, newID func() uuid.UUID) (touched, []provider.Exception, error) {
	if c.Provider != uuid.Nil || c.Location != uuid.Nil {
		exceptions := c.Exceptions(newID, nil)
		t, err := lockTouched(ctx, tx, by, exceptions, adding)
		return t, exceptions, err
	}
	days := provider.Exception{From: c.From, To: c.To}.Days()
	there := dependents{query: providersAnywhere, changing: changing{by.At, days}, organization: c.Organization, on: c.Organization}
	if err := there.lock(ctx, tx); err != nil {
		return touched{}, nil, err
	}
	locations, err := ids(ctx, tx, lockAllLocations, c.Organization, closure.MaxLocations+1)
	if err == nil && len(locations) > closure.MaxLocations {
		err = errs.Invalid("There are more than "+strconv.Itoa(closure.MaxLocations)+" locations. Close them one at a time.", "scope", "organizationId")
	}
	if err != nil {
		return touched{}, nil, err
	}
	t := touched{organization: c.Organization, providers: there.providers, span: scheduleSpan{From: days.From, Until: days.Until}}
	return t, c.Exceptions(newID, locations), there.confirm(ctx, tx)
}

// SetState is documented at closure.Store.
func (s *ClosureStore) SetState(ctx context.Context, by clinic.Stamp, of clinic.Ref, from, to closure.State) (done bool, err error) {
	action := map[closure.State]string{closure.Paused: "closure.pause", closure.Running: "closure.resume"}[to]
	err = s.db.write(ctx, of.Organization, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, setClosureState, of.Organization, of.ID, string(from), string(to), by.At)
		if done = err == nil && tag.RowsAffected() > 0; !done {
			return err
		}
		return record(ctx, tx, note(by, of.Organization, action, "Closure", of.ID))
	})
	return done && err == nil, err
}

// Zones is documented at closure.Store.
func (s *ClosureStore) Zones(ctx context.Context, organization uuid.UUID) ([]string, error) {
	rows, err := list[struct{ TimeZone string }](ctx, s.db.everybody(), zonesOfLocations, organization)
	return column(rows, func(r struct{ TimeZone string }) string { return r.TimeZone }), err
}

// Closures is documented at closure.Store.
func (s *ClosureStore) Closures(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]closure.Closure, error) {
	rows, err := listOf[closureRow](ctx, s.db, refs, closuresByRef)
	if err != nil {
		return nil, err
	}
	all, err := s.db.closures(ctx, rows)
	found := make(map[clinic.Ref]closure.Closure, len(all))
	for _, c := range all {
		found[c.Ref()] = c
	}
	return found, err
}

func closuresIn(f closure.Filter) *where {
	w := &where{}
	w.and("c.organization_id = $%d", f.Organization)
	if f.State != nil {
		w.and("c.state = $%d", string(*f.State))
	}
	return w
}

// List is documented at closure.Store.
func (s *ClosureStore) List(ctx context.Context, f closure.Filter, w paging.Window) (paging.Page[closure.Closure], error) {
	cond := closuresIn(f)
	order, err := cond.byTime("c.created_at", "c.id", w)
	if err != nil {
		return paging.Page[closure.Closure]{}, err
	}
	sql := fmt.Sprintf("SELECT %s FROM closures c WHERE %s ORDER BY %s LIMIT %d", closureColumns, cond, order, w.Size+1)
	rows, err := list[closureRow](ctx, s.db.tenant(f.Organization), sql, cond.args...)
	if err != nil {
		return paging.Page[closure.Closure]{}, err
	}
	cut := paging.Cut(rows, w)
	items, err := s.db.closures(ctx, slices.Clone(cut.Items))
	return paging.Page[closure.Closure]{Items: items, HasNext: cut.HasNext, HasPrevious: cut.HasPrevious}, err
}

// Count is documented at closure.Store.
func (s *ClosureStore) Count(ctx context.Context, f closure.Filter) (int, error) {
	cond := closuresIn(f)
	return count(ctx, s.db.tenant(f.Organization), kept, "SELECT FROM closures c WHERE "+cond.String(), cond.args...)
}
