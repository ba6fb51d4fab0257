package postgres

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// Notes are the store of mails about accounts.
type Notes struct{ db *DB }

var _ identity.MailStore = (*Notes)(nil)

// NewNotes puts the store over a database.
func NewNotes(db *DB) *Notes { return &Notes{db} }

// channelOfMail is what mails are counted under.
const channelOfMail = "EMAIL"

// The organisation zero is the platform itself.
const standsOrganization = `
SELECT $1 = '00000000-0000-0000-0000-000000000000'::uuid OR EXISTS (SELECT FROM organizations WHERE id = $1)`

const callCountMessage = `SELECT coalesce(count_message($1, $2), '')`

const insertNote = `
INSERT INTO account_notes (organization_id, id, kind, email, email_token, locale, role, provider_id, asked_at, due_at, dropped_at, outcome,
    invited_by, first)
VALUES ($1, $2, $3, $4, $5, $6, NULLIF($7, ''), $8, $9, $9, CASE WHEN $10 <> '' THEN $9::timestamptz END, NULLIF($10, ''), $11, $12)`

// Note is documented at identity.MailStore.
func (s *Notes) Note(ctx context.Context, by clinic.Stamp, n identity.Note, c identity.Counted) error {
	return s.db.signIn(ctx, n.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		return s.db.addNote(ctx, tx, by, n, c)
	})
}

// Invite is documented at identity.MailStore.
func (s *Notes) Invite(ctx context.Context, by clinic.Stamp, once clinic.Once, n identity.Note, c identity.Counted) error {
	return broken(s.db.write(ctx, n.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		if _, replayed, err := s.db.keyBegin(ctx, tx, n.OrganizationID, by, once); err != nil || replayed {
			return err
		}
		if n.First {
			vacant, err := withoutAdministrator(ctx, tx, n.OrganizationID)
			if err != nil {
				return err
			}
			if !vacant {
				return errs.Denied("This organisation has an administrator, who invites the others.")
			}
		}
		if err := s.db.addNote(ctx, tx, by, n, c); err != nil {
			return err
		}
		return s.db.keyEnd(ctx, tx, n.OrganizationID, by, once, n.ID)
	}))
}

// addNote does the same whether there is an account or not, and whether the note is over a limit or not.
func (db *DB) addNote(ctx context.Context, tx pgx.Tx, by clinic.Stamp, n identity.Note, c identity.Counted) error {
	var stands bool
	if err := tx.QueryRow(ctx, standsOrganization, n.OrganizationID).Scan(&stands); err != nil {
		return err
	}
	if !stands {
		return errs.Missing("organization", "organizationId")
	}
	key, err := db.lookUp(ctx, n.OrganizationID)
	if err != nil {
		return err
	}
	var over string
	if err := tx.QueryRow(ctx, callCountMessage, n.OrganizationID, key.counted(n, c)).Scan(&over); err != nil {
		return err
	}
	pen, err := db.ownPen(ctx, n.OrganizationID)
	if err != nil {
		return err
	}
	email := pen.seal(pen.in("account_notes", "email", n.ID), n.Email)
	if _, err := tx.Exec(ctx, insertNote, n.OrganizationID, n.ID, string(n.Kind), email, key.digest(identity.EmailHandle(n.Email)), n.Locale,
		string(n.Role), idOf(n.ProviderID), n.AskedAt, over, idOf(n.InvitedBy), n.First); err != nil {
		return err
	}
	action := actionsOfNotes[n.Kind]
	if over != "" {
		action += ".limited"
	}
	return record(ctx, tx, note(by, n.OrganizationID, action, kindOfNotes, n.ID))
}

const kindOfNotes = "AccountNote"

// actionsOfNotes are what asking is called in the audit trail.
var actionsOfNotes = map[identity.NoteKind]string{
	identity.SignUpNote: "account.sign-up", identity.ResetNote: "account.forgot", identity.InviteNote: "account.invite",
}

// messageParam is what count_message takes.
type messageParam struct {
	Channel         string    `json:"channel"`
	Country         string    `json:"country"`
	Asker           string    `json:"asker"`     // a digest, in base64
	Recipient       string    `json:"recipient"` // a digest, in base64
	Hour            time.Time `json:"hour"`
	Day             time.Time `json:"day"`
	AskerHour       int       `json:"askerHour"`
	RecipientHour   int       `json:"recipientHour"`
	RecipientDay    int       `json:"recipientDay"`
	OrganizationDay int       `json:"organizationDay"`
}

func (key lookUp) counted(n identity.Note, c identity.Counted) messageParam {
	at := n.AskedAt.UTC()
	return messageParam{
		Channel:   channelOfMail,
		Asker:     base64.StdEncoding.EncodeToString(key.digest(patient.Handle{Purpose: "asker of messages", Value: access.Private(c.Asker)})),
		Recipient: base64.StdEncoding.EncodeToString(key.digest(patient.Handle{Purpose: "recipient of messages", Value: identity.EmailHandle(n.Email).Value})),
		Hour:      at.Truncate(time.Hour), Day: at.Truncate(24 * time.Hour),
		AskerHour: c.AskerHour, RecipientHour: c.Limits.AddressHour, RecipientDay: c.Limits.AddressDay, OrganizationDay: c.Limits.OrganizationDay,
	}
}

const selectDueNotes = `
SELECT organization_id, id, due_at FROM account_notes WHERE sent_at IS NULL AND dropped_at IS NULL AND due_at <= $1 ORDER BY due_at LIMIT $2`

// Due is documented at identity.MailStore.
func (s *Notes) Due(ctx context.Context, now time.Time, limit int) (due []identity.DueNote, err error) {
	type row struct {
		OrganizationID, ID uuid.UUID
		DueAt              time.Time
	}
	rows, err := list[row](ctx, s.db.job(sweeperRole), selectDueNotes, now, limit)
	for _, r := range rows {
		due = append(due, identity.DueNote{Note: clinic.Ref{Organization: r.OrganizationID, ID: r.ID}, At: r.DueAt})
	}
	return due, err
}

const takeNote = `
UPDATE account_notes SET due_at = $4, attempts = attempts + 1
WHERE organization_id = $1 AND id = $2 AND due_at = $3 AND sent_at IS NULL AND dropped_at IS NULL
RETURNING organization_id, id, kind, email, email_token, locale, coalesce(role, '') AS role, provider_id, asked_at, attempts, invited_by, first`

const nameOfOrganization = `SELECT name FROM organizations WHERE id = $1`

// Take is documented at identity.MailStore.
func (s *Notes) Take(ctx context.Context, d identity.DueNote, until time.Time) (t identity.Taken, ok bool, err error) {
	err = s.db.signIn(ctx, d.Note.Organization, func(ctx context.Context, tx pgx.Tx) error {
		var row noteRow
		row, ok, err = one[noteRow](ctx, tx, takeNote, d.Note.Organization, d.Note.ID, d.At, until)
		if err != nil || !ok {
			return err
		}
		t.Note, t.Account, err = s.db.asked(ctx, tx, row)
		if err != nil {
			return err
		}
		named, _, err := one[struct{ Name string }](ctx, tx, nameOfOrganization, d.Note.Organization)
		t.Organization = named.Name
		return err
	})
	return t, ok && err == nil, err
}

type noteRow struct {
	OrganizationID, ID uuid.UUID
	Kind               identity.NoteKind
	Email, EmailToken  []byte
	Locale             string
	Role               access.Role
	ProviderID         *uuid.UUID
	AskedAt            time.Time
	Attempts           int
	InvitedBy          *uuid.UUID
	First              bool
}

// asked reads a note and the account of its address, if there is one.
func (db *DB) asked(ctx context.Context, tx pgx.Tx, r noteRow) (n identity.Note, account *identity.Account, err error) {
	found, known, err := one[provingRow](ctx, tx, accountByToken, r.OrganizationID, r.EmailToken)
	if err != nil {
		return n, nil, err
	}
	email := cellOf("account_notes", "email", r.OrganizationID, r.ID, r.OrganizationID, r.Email)
	cells := []cell{email}
	if known {
		cells = append(cells, found.email())
	}
	keys, err := db.opener(ctx, cells)
	if err != nil {
		return n, nil, err
	}
	address, err := keys.open(email)
	if err != nil {
		return n, nil, err
	}
	n = identity.Note{
		OrganizationID: r.OrganizationID, ID: r.ID, Kind: r.Kind, Email: or(address), Locale: r.Locale, Role: r.Role, ProviderID: or(r.ProviderID),
		AskedAt: r.AskedAt.UTC(), Attempts: r.Attempts, InvitedBy: or(r.InvitedBy), First: r.First,
	}
	if !known {
		return n, nil, nil
	}
	a, err := found.account(keys)
	return n, &a, err
}

// A worker whose lease is over settles nothing: another has the note by now.
const (
	settleNote = `
UPDATE account_notes SET sent_at = CASE WHEN $5 THEN $4::timestamptz END, dropped_at = CASE WHEN NOT $5 THEN $4::timestamptz END, outcome = $6
WHERE organization_id = $1 AND id = $2 AND attempts = $3 AND sent_at IS NULL AND dropped_at IS NULL`
	putOffNote = `
UPDATE account_notes SET due_at = $4 WHERE organization_id = $1 AND id = $2 AND attempts = $3 AND sent_at IS NULL AND dropped_at IS NULL`
)

// Settle is documented at identity.MailStore.
func (s *Notes) Settle(ctx context.Context, by clinic.Stamp, n identity.Note, o identity.Outcome, sent bool) error {
	return s.db.signIn(ctx, n.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, settleNote, n.OrganizationID, n.ID, n.Attempts, by.At, sent, string(o))
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		action := "account.mail.none"
		if sent {
			action = "account.mail"
		}
		return record(ctx, tx, note(by, n.OrganizationID, action, kindOfNotes, n.ID))
	})
}

// PutOff is documented at identity.MailStore.
func (s *Notes) PutOff(ctx context.Context, n identity.Note, until time.Time) error {
	return s.db.signIn(ctx, n.OrganizationID, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, putOffNote, n.OrganizationID, n.ID, n.Attempts, until)
		return err
	})
}
