package reminder

import (
	"context"
	"time"
)

// Punctual is how late a reminder is sent as if it weren't late, whatever the hour.
const Punctual = 15 * time.Minute

// Rest says until when a reminder waits that comes late, and until when it makes sense then. That quiet hours move reminders earlier is
// planning; what is late by more than Punctual in quiet hours waits until they end. It doesn't wait if its visit begins before that, or
// within Near after it: who would miss a visit is rather woken.
func Rest(m Message, v Visit, c Contact, now time.Time) (until, expires time.Time, waits bool) {
	if m.Kind != Remind || now.Sub(m.Scheduled) <= Punctual {
		return now, m.Expires, false
	}
	home := zone(c.TimeZone, zone(v.TimeZone, time.UTC))
	until = c.Quiet.Later(now, home).UTC()
	if !until.After(now) || v.Start.Sub(until) <= Near {
		return now, m.Expires, false
	}
	expires = until.Add(MaxDelay)
	if v.Start.Before(expires) {
		expires = v.Start
	}
	return until, expires, true
}

// rests puts a late reminder off until its patient may be disturbed.
func (s *Service) rests(ctx context.Context, t Task, m Message) (bool, error) {
	now := s.now().Add(early) // a task that comes as they end, by a clock that differs a little, isn't put off to the same time
	if m.Kind != Remind || now.Sub(m.Scheduled) <= Punctual {
		return false, nil
	}
	about, ok, err := s.store.Situation(ctx, Notice{Appointment: m.Visit()})
	if err != nil || !ok {
		return false, err
	}
	until, expires, waits := Rest(m, about.Visit, about.Contact, now)
	if !waits {
		return false, nil
	}
	return true, s.store.Rest(ctx, t, until, expires)
}
