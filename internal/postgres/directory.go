package postgres

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Directory is the store of the rooms clinic, provider and patient.
//
// What openings follow from is changed under the locks of the providers concerned. Which those are is read before, and
// read again once the row that they hang on (a location, a kind of visit) is locked: whoever makes a provider depend on
// such a row locks it FOR SHARE. Providers' locks always come before those rows.
type Directory struct{ db *DB }

// Directory is the store over this database.
func (db *DB) Directory() *Directory { return &Directory{db: db} }

// errAgain ends a transaction that found the world changed since it looked; settle begins anew.
var errAgain = errors.New("something changed meanwhile")

// errUnchanged ends a transaction that found, under its locks, everything as it wants it: somebody else was faster.
var errUnchanged = errors.New("nothing to change")

const settleAttempts = 5

// settle writes like write, and again from the start after errAgain. After errUnchanged nothing is written.
func (d *Directory) settle(ctx context.Context, organization uuid.UUID, f func(context.Context, pgx.Tx) error) error {
	var err error
	for range settleAttempts {
		switch err = d.db.write(ctx, organization, f); {
		case errors.Is(err, errUnchanged):
			return nil
		case !errors.Is(err, errAgain):
			return broken(err)
		}
	}
	return errs.TryAgain(err)
}

// list answers the rows of one query.
func list[T any](ctx context.Context, from reading, query string, args ...any) (list []T, err error) {
	err = from.ask(ctx, func(rows pgx.Rows) (err error) {
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[T])
		return err
	}, query, args...)
	return list, err
}

// listOf answers the rows of a query about things of tenants, $1 and $2 being their organisations and ids: a query for each tenant.
func listOf[T any](ctx context.Context, db *DB, refs []clinic.Ref, query string) ([]T, error) {
	var all []T
	for organization, own := range byTenant(refs) {
		organizations, wanted := split(own)
		rows, err := list[T](ctx, db.tenant(organization), query, organizations, wanted)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// shown answers the rows of a query about things that everybody may know of, $1 and $2 being their organisations and ids.
func shown[T any](ctx context.Context, db *DB, query string, organizations, wanted []uuid.UUID) (list []T, err error) {
	batch := &pgx.Batch{}
	batch.Queue(plannedOnceHere)
	collect(batch.Queue(query, organizations, wanted), &list)
	err = db.everybody().plainly(ctx, func(ctx context.Context, q querier) error { return q.SendBatch(ctx, batch).Close() })
	return list, err
}

// byTenant parts refs by their organisation.
func byTenant(refs []clinic.Ref) map[uuid.UUID][]clinic.Ref {
	parts := make(map[uuid.UUID][]clinic.Ref, 1)
	for _, r := range refs {
		parts[r.Organization] = append(parts[r.Organization], r)
	}
	return parts
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// all answers the rows of one query within a transaction.
func all[T any](ctx context.Context, q querier, query string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}

// one answers the row of one query within a transaction, if there is one.
func one[T any](ctx context.Context, q querier, query string, args ...any) (T, bool, error) {
	rows, err := all[T](ctx, q, query, args...)
	if err != nil || len(rows) == 0 {
		var none T
		return none, false, err
	}
	return rows[0], true, nil
}

// ids answers a column of ids.
func ids(ctx context.Context, q querier, query string, args ...any) ([]uuid.UUID, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// A query between these two answers the things that refs name. A plan that was made while a table was empty is kept until
// the table is analysed: written like this it looks each of them up by its key even then, as an import needs.
const (
	eachRef = `SELECT found.* FROM unnest($1::uuid[], $2::uuid[]) wanted(organization, thing) CROSS JOIN LATERAL (`
	byRef   = ` WHERE organization_id = wanted.organization AND id = wanted.thing LIMIT 1) found`
)

// split makes two columns of refs, for unnest.
func split(refs []clinic.Ref) (organizations, things []uuid.UUID) {
	for _, r := range refs {
		organizations, things = append(organizations, r.Organization), append(things, r.ID)
	}
	return organizations, things
}

// kept has a statement planned once, anew for its values each time: whether it is faster to look for what is searched for, or to
// go through the list in its order until a page is full, depends on them.
const (
	kept = pgx.QueryExecModeCacheStatement
	anew = pgx.QueryExecModeCacheDescribe
)

// planned is how a list is planned: those that are searched for a text or a place anew.
func planned(searched bool) pgx.QueryExecMode {
	if searched {
		return anew
	}
	return kept
}

// count counts the rows of a query, up to paging.MaxCount.
func count(ctx context.Context, from reading, plan pgx.QueryExecMode, query string, args ...any) (n int, err error) {
	query = "SELECT count(*) FROM (" + query + " LIMIT " + strconv.Itoa(paging.MaxCount) + ") matches"
	err = from.ask(ctx, func(rows pgx.Rows) (err error) {
		n, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[int])
		return err
	}, query, append([]any{plan}, args...)...)
	return n, err
}

// page lists the rows of a query that ends in its WHERE clause, in the order of its columns named by key, the last of
// which is a uuid. Cursors hold a text for each.
func page[T any](ctx context.Context, from reading, plan pgx.QueryExecMode, query, key string, w paging.Window, args ...any) (paging.Page[T], error) {
	after, before, direction := ">", "<", " ASC"
	if w.Backward {
		direction = " DESC"
	}
	for _, bound := range []struct {
		sign, field string
		parts       []string
	}{{after, "after", w.After}, {before, "before", w.Before}} {
		if len(bound.parts) == 0 {
			continue
		}
		values, err := keyset(bound.parts, bound.field)
		if err != nil {
			return paging.Page[T]{}, err
		}
		marks := make([]string, len(values))
		for i, v := range values {
			args = append(args, v)
			marks[i] = "$" + strconv.Itoa(len(args))
		}
		query += " AND (" + key + ") " + bound.sign + " (" + strings.Join(marks, ", ") + ")"
	}
	query += " ORDER BY " + strings.ReplaceAll(key, ",", direction+",") + direction + " LIMIT " + strconv.Itoa(w.Size+1)
	rows, err := list[T](ctx, from, query, append([]any{plan}, args...)...)
	return paging.Cut(rows, w), err
}

// keyset reads a cursor's parts: texts, then an id.
func keyset(parts []string, field string) ([]any, error) {
	id, err := uuid.Parse(parts[len(parts)-1])
	if err != nil || strings.ContainsRune(strings.Join(parts, ""), 0) {
		return nil, errs.Invalid("This is not a cursor of this list.", field)
	}
	values := make([]any, len(parts))
	for i, p := range parts {
		values[i] = p
	}
	values[len(parts)-1] = id
	return values, nil
}

// mapPage makes the items of a page from its rows.
func mapPage[R, T any](p paging.Page[R], from func(R) T) paging.Page[T] {
	items := make([]T, len(p.Items))
	for i, r := range p.Items {
		items[i] = from(r)
	}
	return paging.Page[T]{Items: items, HasNext: p.HasNext, HasPrevious: p.HasPrevious}
}
