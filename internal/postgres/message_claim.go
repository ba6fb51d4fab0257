package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/seal"
)

// Clocks of processes differ a little: a task may come when its message is not quite due. Who waits for a row that somebody else claims finds
// it claimed.
const claimMessages = `
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[], $5::timestamptz[], $6::bytea[], $7::bytea[])
        WITH ORDINALITY w(organization_id, id, generation, at, until, recipient, token, place)
), open AS MATERIALIZED (
    SELECT m.organization_id, m.id, m.tries, w.at, w.until, w.recipient, w.token, w.place FROM wanted w JOIN messages m ON m.organization_id = w.organization_id AND m.id = w.id
    WHERE m.generation = w.generation AND m.state IN ('SCHEDULED', 'QUEUED') AND m.due_at <= w.at + interval '2 seconds' AND m.expires_at > w.at
    ORDER BY m.organization_id, m.id FOR UPDATE OF m
), counted AS MATERIALIZED (
    SELECT CASE WHEN $8::jsonb IS NULL THEN '{}' ELSE count_messages($8, ARRAY(SELECT place FROM open WHERE tries = 0)) END AS excess
), taken AS (
    UPDATE messages m SET state = 'SENDING', claims = m.claims + 1, attempts = m.attempts + 1, tries = m.tries + 1, sending_at = o.at, claimed_until = o.until,
        due_at = NULL, left_at = NULL, recipient = o.recipient, recipient_token = o.token, cause = NULL
    FROM open o, counted c WHERE m.organization_id = o.organization_id AND m.id = o.id AND o.place <> ALL (c.excess)
    RETURNING ` + seenByCourier + `
), attempt AS (
    INSERT INTO message_attempts (organization_id, message_id, try, began_at) SELECT organization_id, id, tries, sending_at FROM taken
)
SELECT ` + messageColumns + `, false AS excess FROM taken m
UNION ALL
SELECT ` + messageColumns + `, true FROM counted c JOIN open o ON o.place = ANY (c.excess) JOIN messages m ON m.organization_id = o.organization_id AND m.id = o.id`

type claimedRow struct {
	messageRow
	Excess bool // it is over a limit, and wasn't claimed
}

type claimed struct {
	message reminder.Message
	ok      bool
	excess  bool
}

// Claim is documented at reminder.Courier.
func (s *Messages) Claim(ctx context.Context, c reminder.Claim) (reminder.Message, bool, error) {
	got, err := s.claims.ask(ctx, c)
	if err == nil && got.excess {
		err = reminder.ErrLimitReached
	}
	return got.message, got.ok, err
}

func (s *Messages) claimAll(ctx context.Context, claims []reminder.Claim) ([]claimed, error) {
	var about []seal.Subject
	for _, c := range claims {
		about = append(about, seal.Subject{Organization: c.Patient.Organization, ID: c.Patient.ID})
	}
	pens, err := s.db.pens(ctx, about...)
	if err != nil {
		return nil, err
	}
	var w wantedClaims
	for i, c := range claims {
		token, err := s.db.recipient(ctx, c.Channel, c.To)
		if err != nil {
			return nil, err
		}
		if pen, ok := pens[about[i]]; ok { // else the patient is erased by now
			w.add(c, pen.seal(pen.in("messages", "recipient", c.Message.ID), c.To), token)
		}
	}
	rows, err := courier[claimedRow](ctx, s.db, claimMessages, w.organizations, w.ids, w.generations, w.at, w.until, w.recipients, w.tokens, w.counts)
	if err != nil {
		return nil, err
	}
	return answered(claims, rows), nil
}

func answered(claims []reminder.Claim, rows []claimedRow) []claimed {
	found := make(map[clinic.Ref]claimedRow, len(rows))
	for _, r := range rows {
		of := clinic.Ref{Organization: r.OrganizationID, ID: r.ID}
		if _, twice := found[of]; !twice { // who asks twice is over a limit at most once, and what was claimed comes first
			found[of] = r
		}
	}
	answers := make([]claimed, len(claims))
	for i, c := range claims {
		r, ok := found[c.Message]
		delete(found, c.Message) // whoever asks twice has it once
		m := r.message()
		m.PatientID = c.Patient.ID
		answers[i] = claimed{m, ok && !r.Excess, r.Excess}
	}
	return answers
}

// wantedClaims are columns.
type wantedClaims struct {
	organizations, ids []uuid.UUID
	generations        []int
	at, until          []time.Time
	recipients, tokens [][]byte
	counts             []countParam // nil: nothing is limited
}

func (w *wantedClaims) add(c reminder.Claim, recipient, token []byte) {
	w.organizations, w.ids, w.generations = append(w.organizations, c.Message.Organization), append(w.ids, c.Message.ID), append(w.generations, c.Generation)
	w.at, w.until = append(w.at, c.At), append(w.until, c.Until)
	w.recipients, w.tokens = append(w.recipients, recipient), append(w.tokens, token)
	w.counts = append(w.counts, countsOf(c, len(w.ids), token)...)
}
