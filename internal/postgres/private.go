package postgres

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/seal"
)

// pen seals what is written about one subject: a patient, or an organisation as its own subject.
type pen struct {
	about seal.Subject
	key   seal.Key
}

// pens answers one for each subject, in one look for keys. A subject whose key is destroyed has none. What they seal must be written
// within WriteBound of the look: a rotation waits no longer than twice that before it drops the key.
func (db *DB) pens(ctx context.Context, about ...seal.Subject) (map[seal.Subject]pen, error) {
	keys, err := db.keys.Current(ctx, about)
	if err != nil {
		return nil, errs.Bug("find keys to seal with", err)
	}
	list := make(map[seal.Subject]pen, len(keys))
	for s, key := range keys {
		list[s] = pen{s, key}
	}
	return list, nil
}

// penOf answers a patient's pen. A patient whose key is destroyed is missing.
func (db *DB) penOf(ctx context.Context, organization, patient uuid.UUID) (pen, error) {
	about := seal.Subject{Organization: organization, ID: patient}
	list, err := db.pens(ctx, about)
	if p, ok := list[about]; ok || err != nil {
		return p, err
	}
	return pen{}, errs.Missing("patient", "patientId")
}

// in is where a value stands: in a column of one of the organisation's rows.
func (p pen) in(table, column string, row uuid.UUID) seal.Place {
	return seal.Place{Table: table, Column: column, Organization: p.about.Organization, Row: row}
}

// seal makes the value of a private column.
func (p pen) seal(at seal.Place, text access.Private) []byte {
	return seal.Seal(p.key, p.about, at, text)
}

// sealed is seal for a column that may be null.
func (p pen) sealed(at seal.Place, text *access.Private) []byte {
	if text == nil {
		return nil
	}
	return p.seal(at, *text)
}

// cell is a private column of a row, as it is stored.
type cell struct {
	about seal.Subject
	at    seal.Place
	value []byte // null is nil
}

func cellOf(table, column string, organization, row, about uuid.UUID, value []byte) cell {
	return cell{
		about: seal.Subject{Organization: organization, ID: about}, value: value,
		at: seal.Place{Table: table, Column: column, Organization: organization, Row: row},
	}
}

// key is which key the cell was sealed with.
func (c cell) key() (seal.KeyID, error) {
	generation, err := seal.GenerationOf(c.value)
	return seal.KeyID{Subject: c.about, Generation: generation}, c.fault(err)
}

func (c cell) fault(err error) error {
	if err == nil {
		return nil
	}
	return errs.Bug(fmt.Sprintf("open %s.%s of %s", c.at.Table, c.at.Column, c.at.Row), err)
}

// opener opens cells with the keys that were found for them.
type opener map[seal.KeyID]seal.Key

// opener finds the keys of all cells in one look.
func (db *DB) opener(ctx context.Context, cells []cell) (opener, error) {
	wanted := make(map[seal.KeyID]bool, len(cells))
	list := make([]seal.KeyID, 0, len(cells))
	for _, c := range cells {
		if c.value == nil {
			continue
		}
		id, err := c.key()
		if err != nil {
			return nil, err
		}
		if !wanted[id] {
			wanted[id] = true
			list = append(list, id)
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	found, err := db.keys.Keys(ctx, list)
	if err != nil {
		return nil, errs.Bug("find keys to open with", err)
	}
	return found, nil
}

// open reads a cell. Null reads as nil, and so does what is erased: its key is destroyed.
func (o opener) open(c cell) (*access.Private, error) {
	if c.value == nil || o.erased(c) {
		return nil, nil
	}
	id, err := c.key()
	if err != nil {
		return nil, err
	}
	text, err := seal.Open(o[id], c.about, c.at, c.value)
	return &text, c.fault(err)
}

// erased says that the key of a cell is destroyed.
func (o opener) erased(c cell) bool {
	id, err := c.key()
	_, ok := o[id]
	return err == nil && !ok
}
