package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/posttest"
)

// drawer is two clinics' messages that were given up, with what the command needs to get at them.
type drawer struct {
	t           *testing.T
	pool        *pgxpool.Pool
	environ     []string
	town, other *posttest.Town
}

// Of the town's six letters the first died three hours ago and the others an hour after each other; one was replayed. The other clinic has one.
func newDrawer(t *testing.T) *drawer {
	t.Helper()
	url, folder := pgtest.NewURL(t), keytest.NewFolder(t)
	d := &drawer{t: t, pool: pgtest.Pool(t, pgtest.AdminURL(t, url)), environ: []string{"MEDICONNECT_DATABASE_URL=" + url, "MEDICONNECT_KEYS=" + folder}}
	for town, patients := range map[**posttest.Town]int{&d.town: 6, &d.other: 1} {
		made, err := posttest.New(t.Context(), d.pool, keytest.Open(t, folder), patients)
		if err != nil {
			t.Fatal(err)
		}
		*town = made
		now := time.Now()
		var list []posttest.Reminder
		for i := range patients {
			list = append(list, posttest.Reminder{Patient: i, Scheduled: now.Add(-4 * time.Hour), Start: now.Add(time.Duration(5+i) * time.Hour), Channels: posttest.Text})
		}
		if err := made.Remind(t.Context(), now, list); err != nil {
			t.Fatal(err)
		}
	}
	d.exec(`UPDATE messages SET state = 'FAILED', cause = 'VENDOR_UNAVAILABLE', due_at = NULL, ended_at = now(), attempts = 0, tries = 5`)
	d.exec(`INSERT INTO message_attempts (organization_id, message_id, try, began_at, ended_at, outcome, cause, code)
		SELECT organization_id, id, 5, now(), now(), 'FAILED', 'VENDOR_UNAVAILABLE', '503' FROM messages`)
	d.exec(`INSERT INTO dead_letters (organization_id, message_id, generation, channel, kind, died_at, cause, code, tries, trace)
		SELECT organization_id, id, 0, channel, kind, now() - interval '3 hours' + (row_number() OVER (PARTITION BY organization_id ORDER BY id) - 1) * interval '1 hour',
			'VENDOR_UNAVAILABLE', '503', 5, '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' FROM messages`)
	d.exec(`UPDATE dead_letters SET replayed_at = now(), outcome = 'ALREADY_SENT' WHERE organization_id = $1 AND died_at = (SELECT max(died_at) FROM dead_letters)`, d.town.Organization)
	d.exec(`UPDATE dead_letters SET channel = 'EMAIL', kind = 'CHANGE', cause = 'BAD_ADDRESS', code = '' WHERE organization_id = $1
		AND died_at = (SELECT min(died_at) FROM dead_letters WHERE organization_id = $1)`, d.other.Organization)
	return d
}

func (d *drawer) exec(sql string, args ...any) {
	d.t.Helper()
	if _, err := d.pool.Exec(d.t.Context(), sql, args...); err != nil {
		d.t.Fatalf("%s: %v", sql, err)
	}
}

func (d *drawer) waiting() (n int) {
	d.t.Helper()
	if err := d.pool.QueryRow(d.t.Context(), `SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL`).Scan(&n); err != nil {
		d.t.Fatal(err)
	}
	return n
}

// does runs the command to its good end, and answers what it said: nothing of whom it is about.
func (d *drawer) does(arguments ...string) []string {
	d.t.Helper()
	p := start(d.t, d.environ, append([]string{"dead-letters"}, arguments...)...)
	if code := p.wait(d.t); code != 0 {
		d.t.Fatalf("%v ended with exit code %d and said %s", arguments, code, p.output)
	}
	return d.said(p)
}

func (d *drawer) said(p *program) []string {
	d.t.Helper()
	text := p.output.String()
	for _, private := range []string{"+1202", "@example.org", "Pat", "Example"} {
		if strings.Contains(text, private) {
			d.t.Errorf("it says %s: %s", private, text)
		}
	}
	return strings.Split(strings.TrimSpace(text), "\n")
}

func decode[T any](t *testing.T, line string) (v T) {
	t.Helper()
	reader := json.NewDecoder(strings.NewReader(line))
	reader.DisallowUnknownFields()
	if err := reader.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return v
}

// listed is a letter as scripts read it.
type listed struct {
	ID, Organization, Message, Channel, Kind string
	DiedAt                                   time.Time
	Cause, Code                              string
	Attempts                                 int
	Trace                                    string
	ReplayedAt                               *time.Time
	Outcome                                  string
}

func TestDeadLettersAreListedByWhatTheyAre(t *testing.T) {
	d := newDrawer(t)
	for _, c := range []struct {
		flags string
		want  int
	}{
		{"", 6}, {"--all", 7}, {"--replayed --limit 0", 1}, {"--limit 2", 2}, {"--organization " + d.other.Organization.String(), 1}, {"--channel email", 1},
		{"--kind change", 1}, {"--cause landline", 0}, {"--since 150m --until " + time.Now().Add(-90*time.Minute).Format(time.RFC3339), 1},
	} {
		lines := d.does(append([]string{"list", "--json"}, strings.Fields(c.flags)...)...)
		if lines[0] == "" {
			lines = nil
		}
		if len(lines) != c.want {
			t.Errorf("list %s: %d letters, want %d: %s", c.flags, len(lines), c.want, lines)
		}
		var last time.Time
		for _, line := range lines {
			letter := decode[listed](t, line)
			if letter.DiedAt.Before(last) {
				t.Errorf("list %s: not the longest dead first", c.flags)
			}
			last = letter.DiedAt
		}
	}
	table := d.does("list")
	if got := strings.Fields(table[0]); fmt.Sprint(got) != "[DIED LETTER ORGANIZATION MESSAGE CHANNEL KIND TRIES CAUSE CODE OUTCOME TRACE]" || len(table) != 7 {
		t.Fatalf("the table is %s", table)
	}
	var dashed int
	for _, line := range table[1:] {
		if cells := strings.Fields(line); len(cells) != 11 || cells[6] != "5" || cells[9] != "-" {
			t.Errorf("a line is %q", line)
		} else if cells[8] == "-" {
			dashed++
		}
	}
	if dashed != 1 {
		t.Errorf("%d lines have no code", dashed)
	}
	one := decode[listed](t, d.does("list", "--json", "--limit", "1", "--channel", "SMS")[0])
	shown := strings.Join(d.does("show", one.ID), "\n")
	for _, words := range []string{one.ID, one.Message, one.Organization, "VENDOR_UNAVAILABLE", "503", "FAILED", "attempt 5", one.Trace} {
		if !strings.Contains(shown, words) {
			t.Errorf("show doesn't say %s: %s", words, shown)
		}
	}
	whole := decode[struct {
		listed
		State                   string
		ScheduledFor, ExpiresAt time.Time
		History                 []struct {
			Number               int
			BeganAt, EndedAt     time.Time
			Outcome, Cause, Code string
		}
	}](t, d.does("show", "--json", one.ID)[0])
	if whole.ID != one.ID || whole.State != "FAILED" || len(whole.History) != 1 || whole.History[0].Number != 5 || whole.History[0].Code != "503" || whole.ExpiresAt.IsZero() {
		t.Errorf("show --json says %+v", whole)
	}
	fails(t, d.environ, []string{"dead-letters", "show", d.town.Organization.String()}, "there is no such dead letter")
}

// summary is what came of a replay as scripts read it.
type summary struct {
	DryRun, Ended bool
	Outcomes      map[string]int
}

func (s summary) is(ended bool, outcomes map[string]int) bool {
	return s.Ended == ended && maps.Equal(s.Outcomes, outcomes)
}

func TestAReplayIsForeseenStoppedAndGoesOn(t *testing.T) {
	d := newDrawer(t)
	if got := strings.Join(d.does("replay", "--dry-run"), " "); strings.Join(strings.Fields(got), " ") != "REPLAYED 6 6 letters; nothing was done" || d.waiting() != 6 {
		t.Errorf("foreseen: %q, and %d wait", got, d.waiting())
	}
	if got := decode[summary](t, d.does("replay", "--dry-run", "--json")[0]); !got.DryRun || !got.is(true, map[string]int{"REPLAYED": 6}) {
		t.Errorf("foreseen: %+v", got)
	}
	if got := decode[summary](t, d.does("replay", "--json", "--cause", "bad_address")[0]); got.DryRun || !got.is(true, map[string]int{"REPLAYED": 1}) || d.waiting() != 5 {
		t.Errorf("for one cause: %+v, and %d wait", got, d.waiting())
	}
	if got := strings.Join(d.does("replay", "--limit", "1"), " "); strings.Join(strings.Fields(got), " ") != "REPLAYED 1 1 letters" || d.waiting() != 4 {
		t.Errorf("one letter: %q, and %d wait", got, d.waiting())
	}
	slow := start(t, d.environ, "dead-letters", "replay", "--json", "--rate", "1")
	for d.waiting() == 4 {
		select {
		case <-slow.ended:
			t.Fatalf("it ended, and said %s", slow.output)
		default:
		}
	}
	if code := slow.signal(t, syscall.SIGTERM); code != 1 {
		t.Errorf("one that was stopped ended with exit code %d", code)
	}
	said, left := d.said(slow), d.waiting()
	if got := decode[summary](t, said[0]); !got.is(false, map[string]int{"REPLAYED": 4 - left}) || left < 1 || said[len(said)-1] != "mediconnect: it was stopped before the end; run it again to go on" {
		t.Errorf("stopped with %d left, it said %q", left, said)
	}
	if got := decode[summary](t, d.does("replay", "--json")[0]); !got.is(true, map[string]int{"REPLAYED": left}) {
		t.Errorf("it went on with %+v", got)
	}
	if got := decode[summary](t, d.does("replay", "--json")[0]); !got.is(true, map[string]int{}) {
		t.Errorf("once nothing waits: %+v", got)
	}
	var messages int
	if err := d.pool.QueryRow(t.Context(), `SELECT count(*) FROM messages WHERE state = 'SCHEDULED' AND due_at IS NOT NULL AND generation = 1`).Scan(&messages); err != nil || messages != 6 {
		t.Errorf("%d messages are due once more (%v)", messages, err)
	}
}

// None of these gets as far as the database.
func TestDeadLettersRefuseWhatCannotBeAndNameTheFlag(t *testing.T) {
	for arguments, word := range map[string]string{
		"list --channel PIGEON":      "--channel: EMAIL, PUSH, SMS or VOICE",
		"replay --kind NEWS":         "--kind: CANCELLATION, CHANGE, CONFIRMATION, OFFER, REMINDER or REQUEST",
		"list --since yesterday":     "--since: an instant such as",
		"list --until -5m":           "--until: an instant such as",
		"list --since 1h --until 2h": "--until: the period ends before it starts",
		"list --since 2030-05-06T09:00:00Z --until 2030-05-06T09:00:00Z": "--until: the period ends before it starts",
		"replay --limit -1":            "--limit: 0 or more",
		"replay --rate 0":              "--rate: from 1 to 1000 letters a second",
		"replay --rate 1001 --dry-run": "--rate: from 1 to 1000 letters a second",
		"list --organization nobody":   "--organization: ",
		"list everything":              "everything",
		"show":                         "name one dead letter by its id",
		"show 7f0c7a54-8d0e-4d67-9a2b-3f0d6f9f8a11 and-another": "name one dead letter by its id",
		"show letter":      "",
		"list --limit all": "limit",
	} {
		fails(t, nil, append([]string{"dead-letters"}, strings.Fields(arguments)...), word)
	}
}
