package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/seal"
)

// sealedTable is a table with private columns.
type sealedTable struct {
	name    string
	columns []string
	about   string // the column of whom the row is about
	token   bool   // its rows have no id of their own, but their appointment's and a token
}

// sealedTables are all of them.
var sealedTables = []sealedTable{
	{name: "patients", columns: privateOfPatient, about: "id"},
	{name: "appointments", columns: []string{"reason", "cancel_note"}, about: "patient_id"},
	{name: "appointment_identifiers", columns: []string{"value"}, token: true,
		about: "(SELECT a.patient_id FROM appointments a WHERE a.organization_id = t.organization_id AND a.id = t.appointment_id)"},
	{name: "messages", columns: []string{"recipient"}, about: "patient_id"},
	{name: "waitlist_entries", columns: []string{"wanted"}, about: "patient_id"},
	{name: "rule_overrides", columns: []string{"reason"}, about: "patient_id"},
	{name: "schedule_exceptions", columns: []string{"reason"}, about: "organization_id"},
	{name: "closures", columns: []string{"reason"}, about: "organization_id"},
	{name: "legal_holds", columns: []string{"reason"}, about: "organization_id"}, // it outlives the patient's data
	{name: "break_glass_grants", columns: []string{"reason", "note"}, about: "patient_id"},
	{name: "accounts", columns: []string{"email", "totp_secret"}, about: "organization_id"},
	{name: "account_notes", columns: []string{"email"}, about: "organization_id"},
	{name: "sign_in_challenges", columns: []string{"totp_secret"}, about: "organization_id"},
}

// pageToReseal is how many rows are sealed anew in one transaction: few enough that nobody waits for them.
const pageToReseal = 100

// Reseal goes through all private columns of an organisation once and seals anew, with their subjects' newest keys, what is sealed
// with others. It changes neither versions nor times, makes no event, and leaves alone what somebody else changes meanwhile. It
// answers how many rows were sealed anew: what writers sealed with a key that they still remembered is met by the next time.
func (db *DB) Reseal(ctx context.Context, organization uuid.UUID) (int, error) {
	changed := 0
	for _, t := range sealedTables {
		after := sealedRow{Token: []byte{}}
		for {
			rows, err := list[sealedRow](ctx, db.tenant(organization), t.query(), organization, after.ID, after.Token)
			if err != nil {
				return changed, err
			}
			n, err := db.reseal(ctx, t, organization, rows)
			if changed += n; err != nil {
				return changed, err
			}
			if len(rows) < pageToReseal {
				break
			}
			after = rows[len(rows)-1]
		}
	}
	if organization != platform.Organization {
		return changed, nil
	}
	n, err := db.resealSigningKeys(ctx)
	return changed + n, err
}

// sealedRow is a row's private columns.
type sealedRow struct {
	ID     uuid.UUID
	Token  []byte
	About  uuid.UUID
	Values [][]byte
}

func (t sealedTable) key() (id, token string) {
	if t.token {
		return "appointment_id", "token"
	}
	return "id", `''::bytea`
}

// query lists rows after the one of id $2 and token $3.
func (t sealedTable) query() string {
	id, token := t.key()
	var values []string
	for _, c := range t.columns {
		values = append(values, "t."+c+"::bytea")
	}
	key := id
	from := "t." + id + " > $2 AND $3::bytea IS NOT NULL"
	if t.token {
		key, from = id+", "+token, "(t."+id+", t."+token+") > ($2, $3)"
	}
	return fmt.Sprintf(`SELECT t.%s AS id, %s AS token, %s AS about, ARRAY[%s] AS "values" FROM %s t
WHERE t.organization_id = $1 AND %s AND num_nonnulls(%s) > 0 ORDER BY %s LIMIT %d`,
		id, token, t.about, strings.Join(values, ", "), t.name, from, strings.Join(values, ", "), key, pageToReseal)
}

// update changes a row ($2, $3) that still is as it was read.
func (t sealedTable) update() string {
	id, _ := t.key()
	where, n := "organization_id = $1 AND "+id+" = $2 AND $3::bytea IS NOT NULL", 3
	if t.token {
		where = "organization_id = $1 AND " + id + " = $2 AND token = $3"
	}
	var set []string
	for _, c := range t.columns {
		set = append(set, fmt.Sprintf("%s = $%d", c, n+1))
		where += fmt.Sprintf(" AND %s IS NOT DISTINCT FROM $%d", c, n+2)
		n += 2
	}
	return "UPDATE " + t.name + " SET " + strings.Join(set, ", ") + " WHERE " + where
}

// cells are a row's columns, each for the place where it stands.
func (t sealedTable) cells(organization uuid.UUID, r sealedRow) []cell {
	row := r.ID
	if t.token {
		row = identifierRow(r.ID, r.Token)
	}
	cells := make([]cell, len(t.columns))
	for i, column := range t.columns {
		cells[i] = cellOf(t.name, column, organization, row, r.About, r.Values[i])
	}
	return cells
}

// reseal seals rows anew, in one transaction.
func (db *DB) reseal(ctx context.Context, t sealedTable, organization uuid.UUID, rows []sealedRow) (int, error) {
	var about []seal.Subject
	var cells []cell
	for _, r := range rows {
		about = append(about, seal.Subject{Organization: organization, ID: r.About})
		cells = append(cells, t.cells(organization, r)...)
	}
	pens, err := db.pens(ctx, about...)
	if err != nil {
		return 0, err
	}
	keys, err := db.opener(ctx, cells)
	if err != nil {
		return 0, err
	}
	batch := &pgx.Batch{}
	for i, r := range rows {
		own := cells[i*len(t.columns) : (i+1)*len(t.columns)]
		args, err := sealAnew(pens[about[i]], keys, own)
		if err != nil {
			return 0, err
		}
		if args != nil {
			batch.Queue(t.update(), append([]any{organization, r.ID, r.Token}, args...)...)
		}
	}
	if batch.Len() == 0 {
		return 0, nil
	}
	err = db.write(ctx, organization, func(ctx context.Context, tx pgx.Tx) error { return tx.SendBatch(ctx, batch).Close() })
	return batch.Len(), err
}

// sealAnew answers the new and the old value of each column of a row; nil, if there is nothing to do or the subject is erased.
func sealAnew(pen pen, keys opener, cells []cell) (args []any, err error) {
	stale := false
	for _, c := range cells {
		value := c.value
		if value != nil && pen.key.Generation != 0 {
			id, err := c.key()
			if err != nil {
				return nil, err
			}
			text, err := keys.open(c)
			if err != nil {
				return nil, err
			}
			if text != nil && id.Generation != pen.key.Generation {
				stale, value = true, pen.seal(c.at, *text)
			}
		}
		args = append(args, value, c.value)
	}
	if !stale {
		return nil, nil
	}
	return args, nil
}

const allOrganizations = `SELECT id FROM organizations ORDER BY id`

// AllOrganizations are the ids of every organisation that there is, and zero, the platform's own.
func (db *DB) AllOrganizations(ctx context.Context) (all []uuid.UUID, err error) {
	err = db.everybody().ask(ctx, func(rows pgx.Rows) (err error) {
		all, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	}, allOrganizations)
	return append(all, uuid.Nil), err
}
