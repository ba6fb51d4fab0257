package reminder

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Plan turns notices that wait into messages, at most limit of them, and answers how many it looked at.
func (s *Service) Plan(ctx context.Context, limit int) (int, error) {
	due, err := s.store.DueNotices(ctx, s.now(), limit)
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, n := range due {
		if ctx.Err() != nil {
			break
		}
		if err := s.plan(ctx, n); err != nil {
			failed = append(failed, err, s.store.PutOff(ctx, n, s.now().Add(postponed(n))))
		}
	}
	return len(due), errors.Join(failed...)
}

// replanPage is how many visits are taken together that are to be planned anew: few enough that nobody waits long for their locks.
const replanPage = 500

// Replan goes on with what is to be planned anew since rules changed, for at most so many turns, and answers how many it took. It may be stopped
// anywhere: what it has done is done.
func (s *Service) Replan(ctx context.Context, turns int) (taken int, err error) {
	for more := true; more && taken < turns; taken++ {
		if _, more, err = s.store.Replan(ctx, s.now(), replanPage); err != nil || !more {
			return taken, err
		}
	}
	return taken, nil
}

// replans bounds how often a notice is planned again since its visit changes all the time.
const replans = 3

func (s *Service) plan(ctx context.Context, n Notice) error {
	for range replans {
		about, ok, err := s.store.Situation(ctx, n)
		if err != nil {
			return err
		}
		var messages []Message
		switch {
		case !ok:
		case n.Kind == NoticeRestored && about.Visit.Leaving: // what is told depends on what becomes of that
			return s.store.PutOff(ctx, n, s.now().Add(postponed(n)))
		case about.Visit.Asked && n.Kind != NoticeCancelled: // should it stand after all, it has another notice
			messages = TakenBack(n, about.Visit, about.Contact, s.now())
		case about.Visit.Version == n.Version || n.Kind == NoticeReplanned:
			messages = Plan(n, about.Visit, about.Contact, about.Rules, s.now())
		default: // what has become of the visit has a notice of its own
			messages = TakenBack(n, about.Visit, about.Contact, s.now())
		}
		for i := range messages {
			messages[i].ID = s.source.NewID()
			messages[i].Reference = Reference(messages[i].ID)
			messages[i].Trace = n.Trace
			if messages[i].Kind != Remind {
				messages[i].Rule = fmt.Sprintf("version-%d", n.Version) // each change is told
			}
		}
		if done, err := s.store.Save(ctx, n, s.now(), messages); err != nil || done {
			s.tooLate(messages, err)
			return err
		}
	}
	return nil // a later notice of the visit says what it is now
}

// tooLate tells of news that nobody was told.
func (s *Service) tooLate(saved []Message, err error) {
	for _, m := range saved {
		if err == nil && m.State == Expired {
			s.warn(m, Expired, TooLate, true)
		}
	}
}

// postponed is how long a notice waits whose planning failed.
func postponed(n Notice) time.Duration {
	return min(time.Second<<min(n.Tries, 8), 5*time.Minute)
}

// alphabet of references: digits and letters that nobody takes for another (Crockford's base 32, without its look-alikes).
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const referenceLength = 8

// Reference is 8 characters of an id's random part: 40 bits tell a day's messages to one number apart.
func Reference(id [16]byte) string {
	var bits uint64
	for _, b := range id[11:] {
		bits = bits<<8 | uint64(b)
	}
	text := make([]byte, referenceLength)
	for i := range text {
		text[i] = alphabet[bits>>(5*i)&31]
	}
	return string(text)
}
