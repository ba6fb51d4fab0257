package prove_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/channel/wire"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/vendors"
)

// promised is in what time after it was due 995 of 1,000 patients must have been told.
const promised = 30 * time.Minute

// told is a message as the database has it.
type told struct {
	OrganizationID, ID, AppointmentID uuid.UUID
	Channel, State, Cause             string
	Place, Tries, Claims              int
	ScheduledFor                      time.Time
}

// outcome is what came of all that was to be told.
type outcome struct {
	visits, reached, both, delivered int
	late                             []time.Duration // from when it was due until a vendor took it, of each visit that was told of, sorted
	states                           map[string]int  // messages by channel, place, state and cause
	asked, again, unknown            map[string]int  // messages by channel: settled by asking, tried more than once, that nobody knows of
	lost, open                       int             // visits that nobody was told of, and of those the ones that may yet be
}

// read puts together what the vendors have and what the database says.
func (p *post) read() (o outcome) {
	p.t.Helper()
	rows, err := p.pool.Query(p.t.Context(), `SELECT organization_id, id, appointment_id, channel, state, coalesce(cause, '') AS cause, place, tries, claims, scheduled_for
		FROM messages WHERE organization_id = $1`, p.town.Organization)
	p.check(err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[told])
	p.check(err)
	letters := map[string]vendors.Message{}
	for _, m := range p.vendors.Messages() {
		if _, twice := letters[m.Key]; !twice {
			letters[m.Key] = m
		}
	}
	visits := map[uuid.UUID][]told{}
	for _, m := range all {
		visits[m.AppointmentID] = append(visits[m.AppointmentID], m)
	}
	o = outcome{visits: len(visits), states: map[string]int{}, asked: map[string]int{}, again: map[string]int{}, unknown: map[string]int{}}
	for _, m := range all {
		o.count(m)
	}
	for _, messages := range visits {
		o.visit(messages, letters)
	}
	slices.Sort(o.late)
	return o
}

func (o *outcome) count(m told) {
	o.states[strings.TrimSpace(fmt.Sprintf("%s %d %s %s", m.Channel, m.Place, m.State, m.Cause))]++
	if m.Claims > m.Tries {
		o.asked[m.Channel]++
	}
	if m.Tries > 1 {
		o.again[m.Channel]++
	}
	if m.State == "UNKNOWN" {
		o.unknown[m.Channel]++
	}
}

func (o *outcome) visit(messages []told, letters map[string]vendors.Message) {
	var first time.Time
	ways, arrived, open, known := 0, false, false, false
	for _, m := range messages {
		open = open || m.State == "SENDING" || m.State == "QUEUED" || m.State == "SCHEDULED"
		known = known || m.State == "SENT" || m.State == "DELIVERED"
		letter, sent := letters[wire.Key(clinic.Ref{Organization: m.OrganizationID, ID: m.ID})]
		if !sent {
			continue
		}
		ways++
		arrived = arrived || letter.Status == "delivered"
		if first.IsZero() || letter.Accepted.Before(first) {
			first = letter.Accepted
		}
	}
	switch {
	case ways > 1:
		o.both++
	case ways == 0 || !known:
		o.lost++
		if open {
			o.open++
		}
	}
	if ways > 0 {
		o.reached++
		o.late = append(o.late, first.Sub(messages[0].ScheduledFor))
	}
	if arrived {
		o.delivered++
	}
}

// percentile is how late so many of a hundred were at most.
func (o outcome) percentile(of float64) time.Duration {
	if len(o.late) == 0 {
		return 0
	}
	return o.late[min(len(o.late)-1, int(of*float64(len(o.late))/100))].Round(time.Millisecond)
}

func (o outcome) within(limit time.Duration) int {
	n, _ := slices.BinarySearch(o.late, limit+1)
	return n
}

// show logs what came of it.
func (p *post) show(o outcome) {
	p.t.Logf("%d visits: %d reached a vendor, %d delivered, %d by both channels, %d keys twice; from due to taken: p50 %s, p95 %s, p99 %s, max %s; %d within %s",
		o.visits, o.reached, o.delivered, o.both, len(p.vendors.Duplicates()), o.percentile(50), o.percentile(95), o.percentile(99), o.percentile(100), o.within(promised), promised)
	p.t.Logf("tried again %v, settled by asking %v, unknown %v", o.again, o.asked, o.unknown)
	for _, state := range slices.Sorted(maps.Keys(o.states)) {
		p.t.Logf("%6d messages %s", o.states[state], state)
	}
	for words, n := range p.ear.heard() {
		if !strings.HasPrefix(words, "INFO") {
			p.t.Logf("%6d times: %s", n, words)
		}
	}
	p.t.Logf("callbacks: %+v", p.vendors.Carried())
}

// judge says whether everybody was told, in time and once. Who is left with a worker that was killed may still wait for that to be found out.
func (p *post) judge(o outcome, waiting int) {
	p.t.Helper()
	if twice := p.vendors.Duplicates(); len(twice) > 0 {
		p.t.Errorf("%d messages were sent twice: %v", len(twice), twice)
	}
	if n := o.lost - o.open; n > 0 || o.open > waiting {
		p.t.Errorf("of %d visits nobody was told, and of %d nobody was told yet", n, o.open)
	}
	if n := o.within(promised); n*1000 < (o.visits-o.open)*995 {
		p.t.Errorf("of %d visits %d were told of within %s", o.visits, n, promised)
	}
}
