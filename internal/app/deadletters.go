package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// DeadLetterWish is what `mediconnect dead-letters` is asked for. Empty fields do not narrow.
type DeadLetterWish struct {
	Organization         string // an id, the API's or the plain one
	Channel, Kind, Cause string
	Since, Until         string // when they died: an instant (RFC 3339), or how long ago ("24h")
	Replayed, All        bool   // list: those that were replayed; or all; else those that wait
	Limit                int    // letters at most; 0: all
	DryRun               bool   // replay: say what would come of it
	Rate                 int    // replay: letters a second
	JSON                 bool
}

// UsualReplayRate is how many letters a second are replayed unless told otherwise.
const UsualReplayRate = reminder.UsualRate

// drawer is where dead letters are, for an operator on this machine.
type drawer struct {
	*App
	store *postgres.Messages
	wish  DeadLetterWish
	out   io.Writer
}

// open opens it.
func (w DeadLetterWish) open(ctx context.Context, environ []string, out, logs io.Writer) (drawer, error) {
	settings, err := Load[WorkSettings](environ)
	if err != nil {
		return drawer{}, err
	}
	a, err := enter(ctx, Frame{Database: settings.Database.config(), Keys: settings.Keys.Folder, Clock: clock.System{}, Log: settings.Log.Logger(logs)})
	if err != nil {
		return drawer{}, err
	}
	return drawer{a, postgres.NewMessages(a.db), w, out}, nil
}

// ListDeadLetters is `mediconnect dead-letters list`: a line for each, the longest dead first.
func ListDeadLetters(ctx context.Context, environ []string, w DeadLetterWish, out, logs io.Writer) error {
	f, err := w.filter(clock.System{}.Now())
	if err != nil {
		return err
	}
	d, err := w.open(ctx, environ, out, logs)
	if err != nil {
		return err
	}
	defer d.Close()
	return inOneSentence(d.list(ctx, f))
}

func (d drawer) list(ctx context.Context, f reminder.DeadLetterFilter) error {
	if !d.wish.All {
		f.Replayed = &d.wish.Replayed
	}
	page := paging.Window{Size: reminder.MaxReplay}
	lines := d.lines()
	for left := d.wish.Limit; ; {
		if left > 0 {
			page.Size = min(page.Size, left)
		}
		found, err := d.deadLetters.All(ctx, f, page)
		if err != nil {
			return err
		}
		for _, letter := range found.Items {
			lines.letter(letter)
		}
		left -= len(found.Items)
		if !found.HasNext || d.wish.Limit > 0 && left == 0 {
			return lines.end()
		}
		page.After = reminder.DeadLetterKey(found.Items[len(found.Items)-1])
	}
}

// ShowDeadLetter is `mediconnect dead-letters show`: a letter, how its message stands, and each attempt at it.
func ShowDeadLetter(ctx context.Context, environ []string, w DeadLetterWish, named string, out, logs io.Writer) error {
	id, err := letterOf(named)
	if err != nil {
		return err
	}
	d, err := w.open(ctx, environ, out, logs)
	if err != nil {
		return err
	}
	defer d.Close()
	return inOneSentence(d.show(ctx, id))
}

func (d drawer) show(ctx context.Context, id uuid.UUID) error {
	found, err := d.deadLetters.All(ctx, reminder.DeadLetterFilter{IDs: []uuid.UUID{id}}, paging.Window{Size: 1})
	if err != nil {
		return err
	}
	if len(found.Items) == 0 {
		return errors.New("there is no such dead letter")
	}
	of := []clinic.Ref{found.Items[0].Message()}
	messages, err := d.store.Messages(ctx, of)
	if err != nil {
		return err
	}
	attempts, err := d.store.Attempts(ctx, of, reminder.MaxAttemptsShown)
	if err != nil {
		return err
	}
	return d.whole(found.Items[0], messages[of[0]], attempts[of[0]])
}

// ReplayDeadLetters is `mediconnect dead-letters replay`: whatever waits and the wish names is sent again, if it still makes sense. What was done
// stays done when it is stopped: another run goes on from there.
func ReplayDeadLetters(ctx context.Context, environ []string, w DeadLetterWish, out, logs io.Writer) error {
	f, err := w.filter(clock.System{}.Now())
	if err != nil {
		return err
	}
	if w.Rate < 1 || w.Rate > reminder.MaxRate {
		return fmt.Errorf("--rate: from 1 to %d letters a second", reminder.MaxRate)
	}
	d, err := w.open(ctx, environ, out, logs)
	if err != nil {
		return err
	}
	defer d.Close()
	return inOneSentence(d.replay(ctx, f))
}

func (d drawer) replay(ctx context.Context, f reminder.DeadLetterFilter) error {
	sum := map[reminder.ReplayOutcome]int{}
	run := reminder.Run{
		By:     access.Actor{Kind: access.System, Client: "mediconnect dead-letters", RequestID: newID().String()},
		Filter: f, DryRun: d.wish.DryRun, Rate: d.wish.Rate, Limit: d.wish.Limit,
	}
	failed := d.deadLetters.ReplayAll(ctx, run, func(counts []reminder.OutcomeCount) {
		for _, c := range counts {
			sum[c.Outcome] += c.Count
		}
	})
	if err := d.summary(sum, failed == nil); err != nil {
		return err
	}
	if errors.Is(failed, context.Canceled) {
		return errors.New("it was stopped before the end; run it again to go on")
	}
	return failed
}

// filter reads what is asked for. It fails naming the flag.
func (w DeadLetterWish) filter(now time.Time) (f reminder.DeadLetterFilter, err error) {
	if w.Organization != "" {
		if f.Organization, err = organizationOf(w.Organization); err != nil {
			return f, fmt.Errorf("--organization: %w", err)
		}
	}
	f.Channel, f.Kind, f.Cause = reminder.ChannelKind(strings.ToUpper(w.Channel)), reminder.Kind(strings.ToUpper(w.Kind)), reminder.Cause(strings.ToUpper(w.Cause))
	if w.Channel != "" && !slices.Contains([]reminder.ChannelKind{reminder.Email, reminder.Push, reminder.SMS, reminder.Voice}, f.Channel) {
		return f, errors.New("--channel: EMAIL, PUSH, SMS or VOICE")
	}
	if w.Kind != "" && !slices.Contains([]reminder.Kind{reminder.Cancellation, reminder.Change, reminder.Confirmation, reminder.Remind, reminder.Request, reminder.Offer}, f.Kind) {
		return f, errors.New("--kind: CANCELLATION, CHANGE, CONFIRMATION, OFFER, REMINDER or REQUEST")
	}
	if f.From, err = instant(w.Since, now); err != nil {
		return f, fmt.Errorf("--since: %w", err)
	}
	if f.To, err = instant(w.Until, now); err != nil {
		return f, fmt.Errorf("--until: %w", err)
	}
	if w.Limit < 0 {
		return f, errors.New("--limit: 0 or more")
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		return f, errors.New("--until: the period ends before it starts")
	}
	return f, nil
}

// instant reads an instant, or how long ago it was.
func instant(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, errors.New(`an instant such as 2030-05-06T09:00:00Z, or how long ago, such as 24h`)
	}
	return at, nil
}

// letterOf reads the id of a letter, as the API shows it or as the database has it.
func letterOf(text string) (uuid.UUID, error) {
	if id, err := uuid.Parse(text); err == nil {
		return id, nil
	}
	id, err := globalid.ParseAs(globalid.DeadLetter, text)
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return uuid.Nil, errors.New(e.Message)
	}
	return id.Ref.ID, err
}
