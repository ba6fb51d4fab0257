package postgres_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// mails are that many messages that left by e-mail, each of its own kind.
func (p *post) mails(n int) (refs []clinic.Ref) {
	p.t.Helper()
	p.booked()
	p.sms.answers = []error{reminder.Refused{Cause: reminder.Landline}}
	p.carry()
	p.carry()
	rows, err := p.pool.Query(p.t.Context(), `INSERT INTO messages SELECT (jsonb_populate_record(m, jsonb_build_object('id', gen_random_uuid(), 'rule', n::text))).*
		FROM messages m, generate_series(1, $2) n WHERE m.organization_id = $1 AND m.channel = 'EMAIL' AND m.state = 'SENT' RETURNING id`, p.Organization, n)
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			p.t.Fatal(err)
		}
		refs = append(refs, clinic.Ref{Organization: p.Organization, ID: id})
	}
	if rows.Err() != nil || len(refs) != n {
		p.t.Fatalf("%d mails: %v", len(refs), rows.Err())
	}
	return refs
}

// eventsOf are what becomes of each of those, one after the other.
func eventsOf(mails []clinic.Ref, fates ...reminder.Fate) (list []reminder.Report) {
	for _, m := range mails {
		for _, f := range fates {
			list = append(list, reminder.Report{Message: m, Fate: f, Cause: reminder.NotDelivered, Code: "550"})
		}
	}
	return list
}

// As many transactions have changed rows as there were statements.
func TestALongListOfReportsTakesAFewStatements(t *testing.T) {
	p := newPost(t)
	mails := p.mails(500)
	list := slices.Concat(eventsOf(mails, reminder.Taken, reminder.Arrived), eventsOf(mails[:10], reminder.Arrived, reminder.Undelivered))
	for range 2 { // it comes again
		if err := p.Reports(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		if n := p.number(`SELECT count(DISTINCT xmin::text) FROM messages WHERE organization_id = $1 AND state = 'DELIVERED'`); n != 2 {
			t.Errorf("%d statements", n)
		}
		if s := p.states(); s["EMAIL DELIVERED"] != 500 || len(p.alerts) != 1 {
			t.Errorf("they stand %v, alerts %+v", s, p.alerts)
		}
	}
}

func TestReportsOfAMessageCountInTheirOrder(t *testing.T) {
	p := newPost(t)
	mails := p.mails(3)
	p.alerts = nil
	p.Set(`UPDATE messages SET state = 'UNKNOWN', sent_at = NULL WHERE organization_id = $1 AND rule IN ('1', '2', '3')`)
	list := slices.Concat(eventsOf(mails[:1], reminder.Undelivered, reminder.Arrived), eventsOf(mails[1:2], reminder.Arrived, reminder.Undelivered),
		eventsOf(mails[2:], reminder.Taken, reminder.Taken, reminder.Undelivered, reminder.Taken))
	if err := p.Reports(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	if s := p.states(); s["EMAIL DELIVERED"] != 2 || s["EMAIL FAILED NOT_DELIVERED"] != 1 || s["EMAIL UNKNOWN"] != 0 {
		t.Errorf("they stand %v", s)
	}
	if len(p.alerts) != 2 { // of the one that came back before it arrived, too
		t.Errorf("alerts: %+v", p.alerts)
	}
	if n := p.number(`SELECT count(*) FROM dead_letters WHERE organization_id = $1 AND channel = 'EMAIL' AND code = '550'`); n != 2 {
		t.Errorf("%d dead letters", n)
	}
}

// PostgreSQL keeps no text with a zero in it.
func TestAReportThatCannotBeKeptLeavesTheOthersKept(t *testing.T) {
	p := newPost(t)
	mails := p.mails(300)
	list := eventsOf(mails, reminder.Arrived)
	list[17].VendorID = "a\x00b"
	for range 2 {
		if err := p.Reports(t.Context(), list); err == nil {
			t.Error("nobody is told of the one that isn't kept")
		}
		if s := p.states(); s["EMAIL DELIVERED"] != 299 {
			t.Errorf("they stand %v", s)
		}
	}
}
