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
	late                             lateness // of each visit that was told of
	dueAt                            []dueAt
	states                           map[string]int // messages by channel, place, state and cause
	asked, again, unknown            map[string]int // messages by channel: settled by asking, tried more than once, that nobody knows of
	lost, open                       int            // visits that nobody was told of, and of those the ones that may yet be
}

// lateness is the time from when visits were due to be told of until a vendor took it, sorted.
type lateness []time.Duration

type dueAt struct {
	due  time.Time
	late time.Duration
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
		late := first.Sub(messages[0].ScheduledFor)
		o.late, o.dueAt = append(o.late, late), append(o.dueAt, dueAt{messages[0].ScheduledFor, late})
	}
	if arrived {
		o.delivered++
	}
}

// between is the lateness of what was due in a time.
func (o outcome) between(from, to time.Time) (l lateness) {
	for _, one := range o.dueAt {
		if !one.due.Before(from) && one.due.Before(to) {
			l = append(l, one.late)
		}
	}
	slices.Sort(l)
	return l
}

// percentile is how late so many of a hundred were at most.
func (l lateness) percentile(of int) time.Duration {
	if len(l) == 0 {
		return 0
	}
	return l[min(len(l)-1, of*len(l)/100)].Round(time.Millisecond)
}

func (l lateness) within(limit time.Duration) int {
	n, _ := slices.BinarySearch(l, limit+1)
	return n
}

func (l lateness) String() string {
	return fmt.Sprintf("from due to taken: p50 %s, p95 %s, p99 %s, max %s; %d of %d within %s",
		l.percentile(50), l.percentile(95), l.percentile(99), l.percentile(100), l.within(promised), len(l), promised)
}

// show logs what came of it.
func (p *post) show(o outcome) {
	p.t.Logf("%d visits: %d reached a vendor, %d delivered, %d by both channels, %d keys twice; %s", o.visits, o.reached, o.delivered, o.both, len(p.vendors.Duplicates()), o.late)
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
		p.t.Errorf("%d messages were sent twice", len(twice))
	}
	if n := o.lost - o.open; n > 0 || o.open > waiting {
		p.t.Errorf("of %d visits nobody was told, and of %d nobody was told yet", n, o.open)
	}
	if n := o.late.within(promised); n*1000 < (o.visits-o.open)*995 {
		p.t.Errorf("of %d visits %d were told of within %s", o.visits, n, promised)
	}
}
