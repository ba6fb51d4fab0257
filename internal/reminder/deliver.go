package reminder

import (
	"context"
	"errors"
	"time"
)

// Verdict is what becomes of a task.
type Verdict struct {
	What  What
	After time.Duration // of Again and NotNow
	Cause Cause         // of all but Done
}

// What becomes of a task.
type What int

// Done says that the task is over: its message was sent, or is nobody's to send. Again: an attempt failed. NotNow: none was made. Never: it
// is given up.
const (
	Done What = iota
	Again
	NotNow
	Never
)

// early is how much too soon a task may come: clocks of processes differ a little.
const early = 2 * time.Second

// Send makes one attempt at a task's message, if it still waits to be sent. A failure is the house's own: nothing is known to have happened.
func (s *Service) Send(ctx context.Context, t Task) (Verdict, error) {
	d, ok, err := s.store.Draft(ctx, t)
	if err != nil || !ok {
		return Verdict{}, err
	}
	if wait := d.Message.Due.Sub(s.now()); wait > early {
		return Verdict{What: NotNow, After: wait, Cause: NotDue}, nil
	}
	channel, letter, why := s.compose(d)
	if why != "" {
		return Verdict{}, s.suppress(ctx, t, d.Message, why)
	}
	if waits, err := s.rests(ctx, t, d.Message); err != nil || waits {
		return Verdict{}, err
	}
	exit, err := enter(ctx, channel, d.Message)
	if err != nil {
		return s.held(ctx, t, d.Message, err)
	}
	c, m, err := func() (Conclusion, Message, error) {
		defer exit()
		return s.attempt(ctx, d, channel, letter)
	}()
	if errors.Is(err, ErrLimitReached) {
		return Verdict{}, s.suppress(ctx, t, d.Message, LimitReached)
	}
	if err != nil || c.State == "" {
		return Verdict{}, err
	}
	return s.concluded(ctx, m, c)
}

func enter(ctx context.Context, channel Channel, m Message) (exit func(), err error) {
	if m.Attempts > 0 {
		if err := channel.MayRetry(); err != nil {
			return nil, err
		}
	}
	return channel.Enter(ctx)
}

// attempt claims a message and sends it. No state: it wasn't to be had.
func (s *Service) attempt(ctx context.Context, d Draft, channel Channel, letter Letter) (Conclusion, Message, error) {
	now := s.now()
	m, ok, err := s.store.Claim(context.WithoutCancel(ctx), Claim{ // whoever claims must know
		Message: d.Message.Ref(), Generation: d.Message.Generation, Patient: d.Message.Patient(), Channel: d.Message.Channel, To: d.To,
		At: now, Until: now.Add(s.how.Claim), Counts: s.limits.counts(d),
	})
	if err != nil || !ok {
		return Conclusion{}, m, err
	}
	r, err := channel.Send(ctx, letter, s.leave(m))
	if err != nil {
		return s.how.failed(m, err, s.now()), m, nil
	}
	return s.how.sent(r, m, s.now()), m, nil
}

// suppress ends a message that must not be sent, so that the next channel has its turn, and tells of it if that leaves the patient in doubt.
func (s *Service) suppress(ctx context.Context, t Task, m Message, why Cause) error {
	done, err := s.store.Suppress(context.WithoutCancel(ctx), t, why, s.now(), s.how.pause(1)) // whoever ends it must tell
	if err == nil && done {
		s.lost(ctx, m, Suppressed, why)
	}
	return err
}

// leave is a message's permission to leave. Where it can't be had, nothing leaves.
func (s *Service) leave(m Message) Leave {
	return func(ctx context.Context) (func(), error) {
		left, err := s.store.Leave(ctx, m)
		if err != nil && !errors.Is(err, ErrOvertaken) {
			return nil, NotAsked{Why: "leave", After: time.Second}
		}
		return left, err
	}
}

// compose writes a letter, or says why there is none.
func (s *Service) compose(d Draft) (Channel, Letter, Cause) {
	channel, ok := s.channels[d.Message.Channel]
	switch {
	case !ok:
		return nil, Letter{}, ChannelUnavailable
	case d.Blocked != "":
		return nil, Letter{}, d.Blocked
	case d.To == "" && d.Message.Channel != Push:
		return nil, Letter{}, NoAddress
	}
	if s.links != nil && d.Message.Channel == Email {
		d.Facts.Links = s.links(d.Message.Ref())
	}
	subject, text, html, err := s.writer.Write(d.Message.Channel, d.Message.Kind, d.Facts)
	if err != nil {
		if e, ok := errors.AsType[Unwritable](err); ok {
			return nil, Letter{}, e.Cause
		}
		return nil, Letter{}, MissingValue
	}
	return channel, Letter{
		Message: d.Message.Ref(), Kind: d.Message.Kind, To: d.To, Language: d.Facts.Language, Subject: subject, Text: text, HTML: html,
		Reference: d.Message.Reference, Trace: d.Message.Trace, Expires: d.Message.Expires, Unsubscribe: d.Facts.Links.Unsubscribe,
	}, ""
}

// held is the verdict on a task whose vendor isn't asked just now. After a while the next channel has its turn.
func (s *Service) held(ctx context.Context, t Task, m Message, err error) (Verdict, error) {
	e, ok := errors.AsType[NotAsked](err)
	if !ok {
		return Verdict{}, err
	}
	now := s.now()
	if m.Due != nil && !m.Both && e.handsOver(now.Sub(*m.Due), s.how.HandOver) {
		if done, err := s.store.PassOn(ctx, t, VendorUnavailable, now, s.how.pause(m.Episode+1)); err != nil || done {
			return Verdict{}, err
		}
	}
	return Verdict{What: NotNow, After: e.After, Cause: VendorUnavailable}, nil
}

// How often, and after how long, it is tried again to keep what came of a letter: as long as the claim lasts, about.
const (
	keepTries = 6
	keepPause = 500 * time.Millisecond
)

// concluded keeps what came of a claim, whoever has gone meanwhile. If that fails for long, the claim runs out, and it is found out anew.
func (s *Service) concluded(ctx context.Context, m Message, c Conclusion) (Verdict, error) {
	ctx = context.WithoutCancel(ctx)
	var done bool
	var err error
	for i := range keepTries {
		if done, err = s.store.Conclude(ctx, m, c); err == nil || s.rest(ctx, keepPause<<i) != nil {
			break
		}
	}
	if err != nil || !done {
		return Verdict{}, err
	}
	if c.State == Unknown || c.State == Failed {
		s.lost(ctx, m, c.State, c.Cause)
	}
	return verdict(c), nil
}

func verdict(c Conclusion) Verdict {
	switch {
	case c.Dead:
		return Verdict{What: Never, Cause: c.Cause}
	case c.State == Queued && c.Outcome == AttemptNotMade:
		return Verdict{What: NotNow, After: c.Due.Sub(c.At), Cause: c.Cause}
	case c.State == Queued:
		return Verdict{What: Again, After: c.Due.Sub(c.At), Cause: c.Cause}
	}
	return Verdict{}
}
