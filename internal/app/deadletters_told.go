package app

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/reminder"
)

// toldLetter is what operators are told of a dead letter: nothing of whom it is about.
type toldLetter struct {
	ID           uuid.UUID              `json:"id"`
	Organization uuid.UUID              `json:"organization"`
	Message      uuid.UUID              `json:"message"`
	Channel      reminder.ChannelKind   `json:"channel"`
	Kind         reminder.Kind          `json:"kind"`
	Died         time.Time              `json:"diedAt"`
	Cause        reminder.Cause         `json:"cause"`
	Code         string                 `json:"code,omitempty"`
	Tries        int                    `json:"attempts"`
	Trace        string                 `json:"trace,omitempty"`
	Replayed     *time.Time             `json:"replayedAt,omitempty"`
	Outcome      reminder.ReplayOutcome `json:"outcome,omitempty"`
}

func tellLetter(d reminder.DeadLetter) toldLetter {
	return toldLetter{
		ID: d.ID, Organization: d.OrganizationID, Message: d.MessageID, Channel: d.Channel, Kind: d.Kind, Died: d.Died, Cause: d.Cause, Code: d.Code,
		Tries: d.Tries, Trace: d.Trace, Replayed: d.Replayed, Outcome: d.Outcome,
	}
}

// lines are a table of letters, or an object a line.
type lines struct {
	out   io.Writer
	table *tabwriter.Writer // nil: JSON
	fault error
}

func tabled(out io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(out, 0, 0, 2, ' ', 0) }

func (d drawer) lines() *lines {
	l := &lines{out: d.out}
	if !d.wish.JSON {
		l.table = tabled(d.out)
		fmt.Fprintln(l.table, "DIED\tLETTER\tORGANIZATION\tMESSAGE\tCHANNEL\tKIND\tTRIES\tCAUSE\tCODE\tOUTCOME\tTRACE")
	}
	return l
}

func (l *lines) letter(d reminder.DeadLetter) {
	if l.table == nil {
		l.fault = cmp.Or(l.fault, json.NewEncoder(l.out).Encode(tellLetter(d)))
		return
	}
	fmt.Fprintf(l.table, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", d.Died.Format(time.RFC3339), d.ID, d.OrganizationID, d.MessageID, d.Channel, d.Kind,
		d.Tries, d.Cause, dash(d.Code), dash(string(d.Outcome)), dash(d.Trace))
}

func (l *lines) end() error {
	if l.table == nil {
		return l.fault
	}
	return l.table.Flush()
}

func dash(text string) string { return cmp.Or(text, "-") }

// whole tells a letter with its message and the attempts at it.
func (d drawer) whole(letter reminder.DeadLetter, m reminder.Message, attempts []reminder.Attempt) error {
	if d.wish.JSON {
		type try struct {
			Number  int              `json:"number"`
			Began   time.Time        `json:"beganAt"`
			Ended   *time.Time       `json:"endedAt,omitempty"`
			Outcome reminder.Outcome `json:"outcome,omitempty"`
			Cause   reminder.Cause   `json:"cause,omitempty"`
			Code    string           `json:"code,omitempty"`
		}
		told := struct {
			toldLetter
			State     reminder.State `json:"state"`
			Scheduled time.Time      `json:"scheduledFor"`
			Expires   time.Time      `json:"expiresAt"`
			Tries     []try          `json:"history"`
		}{toldLetter: tellLetter(letter), State: m.State, Scheduled: m.Scheduled, Expires: m.Expires, Tries: []try{}}
		for _, a := range attempts {
			told.Tries = append(told.Tries, try(a))
		}
		return json.NewEncoder(d.out).Encode(told)
	}
	t := tabled(d.out)
	for _, line := range [][2]string{
		{"letter", letter.ID.String()}, {"organization", letter.OrganizationID.String()}, {"message", letter.MessageID.String()},
		{"channel", string(letter.Channel)}, {"kind", string(letter.Kind)}, {"died", letter.Died.Format(time.RFC3339)}, {"cause", string(letter.Cause)},
		{"code", dash(letter.Code)}, {"trace", dash(letter.Trace)}, {"replayed", dash(strings.TrimSpace(stamp(letter.Replayed) + " " + string(letter.Outcome)))},
		{"state", string(m.State)}, {"scheduled for", m.Scheduled.Format(time.RFC3339)}, {"expires", m.Expires.Format(time.RFC3339)},
	} {
		fmt.Fprintf(t, "%s\t%s\n", line[0], line[1])
	}
	for _, a := range attempts {
		fmt.Fprintf(t, "attempt %d\t%s\t%s\t%s\t%s\n", a.Number, a.Began.Format(time.RFC3339), dash(string(a.Outcome)), dash(string(a.Cause)), dash(a.Code))
	}
	return t.Flush()
}

func stamp(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.Format(time.RFC3339)
}

// summary tells what came of a run, also of one that didn't come to its end.
func (d drawer) summary(sum map[reminder.ReplayOutcome]int, ended bool) error {
	if d.wish.JSON {
		return json.NewEncoder(d.out).Encode(struct {
			DryRun   bool                           `json:"dryRun"`
			Ended    bool                           `json:"ended"`
			Outcomes map[reminder.ReplayOutcome]int `json:"outcomes"`
		}{d.wish.DryRun, ended, sum})
	}
	t := tabled(d.out)
	total := 0
	for _, outcome := range slices.Sorted(maps.Keys(sum)) {
		total += sum[outcome]
		fmt.Fprintf(t, "%s\t%d\n", outcome, sum[outcome])
	}
	if d.wish.DryRun {
		fmt.Fprintf(t, "%d letters; nothing was done\n", total)
	} else {
		fmt.Fprintf(t, "%d letters\n", total)
	}
	return t.Flush()
}
