package reminder

import (
	"errors"
	"time"
)

// MaxAttempts of an episode: the first one, and four more.
const MaxAttempts = 5

// Law says how long after a failed attempt the next one is made. Attempts count from 1; after is what the vendor asks for, or 0.
type Law func(attempt int, after time.Duration) time.Duration

// concluding is what conclusions follow from, besides what happened.
type concluding struct {
	Timing
	law Law
}

// sent is the conclusion of a letter that its vendor has taken.
func (c concluding) sent(r Receipt, m Message, now time.Time) Conclusion {
	return Conclusion{State: Sent, VendorID: r.VendorID, At: now, Outcome: AttemptSent, Attempts: m.Attempts, Episode: m.Episode, Reached: true}
}

// failed is the conclusion of a letter that was not, or not surely, taken.
func (c concluding) failed(m Message, err error, now time.Time) Conclusion {
	if errors.Is(err, ErrOvertaken) {
		return Conclusion{State: Cancelled, Cause: VisitChanged, At: now, Outcome: AttemptOvertaken, Attempts: m.Attempts, Episode: m.Episode}
	}
	if e, ok := errors.AsType[NotAsked](err); ok {
		due := now.Add(e.After)
		return Conclusion{State: Queued, Cause: VendorUnavailable, At: now, Due: &due, Outcome: AttemptNotMade, Attempts: m.Attempts - 1, Episode: m.Episode}
	}
	if e, ok := errors.AsType[Refused](err); ok {
		return c.refused(m, e, now)
	}
	if e, ok := errors.AsType[Later](err); ok {
		return c.later(m, e, now)
	}
	code := ""
	if e, ok := errors.AsType[Unclear](err); ok {
		code = e.Code
	}
	return c.unclear(m, code, now)
}

func (c concluding) refused(m Message, e Refused, now time.Time) Conclusion {
	return Conclusion{
		State: Failed, Cause: e.Cause, Code: e.Code, At: now, Outcome: AttemptRefused, Attempts: m.Attempts, Episode: m.Episode, Dead: true, PassOn: true, Rest: c.pause(1),
	}
}

// later is another attempt, or the end of the episode: then the next channel has its turn, and this one another episode if none is left.
func (c concluding) later(m Message, e Later, now time.Time) Conclusion {
	again := Conclusion{
		State: Queued, Cause: e.Cause, Code: e.Code, At: now, Outcome: AttemptFailed, Attempts: m.Attempts, Episode: m.Episode,
	}
	wait := c.law(m.Attempts, e.After)
	if m.Attempts >= MaxAttempts {
		again.State, again.Attempts, again.Episode, again.NextTask, again.Dead, again.PassOn = Scheduled, 0, m.Episode+1, true, true, true
		wait = max(c.pause(again.Episode), e.After)
		again.Rest = c.pause(again.Episode)
	}
	due := now.Add(wait)
	again.Due = &due
	return again
}

// unclear leaves the message with whoever finds out.
func (c concluding) unclear(m Message, code string, now time.Time) Conclusion {
	until := now.Add(c.Ask)
	return Conclusion{State: Sending, Cause: AnswerLost, Code: code, At: now, Until: &until, Left: true, Attempts: m.Attempts, Episode: m.Episode}
}

// absent is the conclusion of a letter that its vendor's list lacks, when it has lacked it long enough; else it is asked again.
func (c concluding) absent(m Message, now time.Time) Conclusion {
	if now.Sub(c.lastLeft(m)) < c.Certain {
		return c.asking(m, now)
	}
	again := c.later(m, Later{Cause: AnswerLost}, now)
	if again.State == Queued { // its task is over, or lost with whoever had it
		again.State, again.NextTask = Scheduled, true
	}
	return again
}

// mute is the conclusion when the vendor can't be asked: after a while nobody knows, and it is not sent again.
func (c concluding) mute(m Message, now time.Time) Conclusion {
	if now.Sub(since(m)) < c.GiveUp {
		return c.asking(m, now)
	}
	return Conclusion{
		State: Unknown, Cause: AnswerLost, At: now, Outcome: AttemptUnknown, Attempts: m.Attempts, Episode: m.Episode, PassOn: true, Rest: c.pause(1),
	}
}

func (c concluding) asking(m Message, now time.Time) Conclusion {
	until := now.Add(c.Ask)
	return Conclusion{State: Sending, Cause: AnswerLost, At: now, Until: &until, Attempts: m.Attempts, Episode: m.Episode}
}

// since is when the last attempt of a message began.
func since(m Message) time.Time {
	if m.SendingAt == nil {
		return time.Time{}
	}
	return *m.SendingAt
}

// lastLeft is when the last attempt of a message left at the latest: while it was being made, or, of one whose worker is gone, within its claim.
func (c concluding) lastLeft(m Message) time.Time {
	if m.LeftAt != nil {
		return *m.LeftAt
	}
	return since(m).Add(c.Claim)
}
