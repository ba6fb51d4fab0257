package identity

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// How mails are sent: a few at once, so that a server which stalls holds few others up; and how long a worker has a note to itself, which
// is longer than a mail takes.
const (
	atOnce = 4
	lease  = time.Minute
)

// Deliver sends what notes ask for, at most limit of them, and answers how many it looked at. Several processes may do so at once.
// Whoever ends between a mail and what is kept of it leaves the note to the next one, once the lease is over: then a second mail is
// sent, with a newer code, and the first one's is good no longer.
func (m *Mailing) Deliver(ctx context.Context, post Post, limit int) (int, error) {
	due, err := m.store.Due(ctx, m.source.Clock.Now(), limit)
	if err != nil {
		return 0, err
	}
	var all sync.WaitGroup
	line := make(chan DueNote)
	failed := make([]error, atOnce)
	for i := range atOnce {
		all.Go(func() {
			for d := range line {
				if ctx.Err() == nil {
					failed[i] = errors.Join(failed[i], m.deliver(ctx, post, d))
				}
			}
		})
	}
	for _, d := range due {
		line <- d
	}
	close(line)
	all.Wait()
	return len(due), errors.Join(failed...)
}

func (m *Mailing) deliver(ctx context.Context, post Post, d DueNote) error {
	t, ok, err := m.store.Take(ctx, d, m.source.Clock.Now().Add(lease))
	if err != nil || !ok {
		return err
	}
	kind, coded, none := t.letter(m.source.Clock.Now())
	if none != "" {
		return m.settle(ctx, t.Note, none, false)
	}
	l := Letter{ID: m.source.NewID(), Kind: kind, To: t.Email, Locale: t.Locale, Organization: t.Organization}
	if t.Account != nil {
		l.Locale = t.Account.Locale
	}
	if coded {
		switch l.Code, ok, err = m.code(ctx, t.Note); {
		case err != nil:
			return err
		case !ok:
			return m.settle(ctx, t.Note, NobodyThere, false)
		}
	}
	return m.posted(ctx, t.Note, Outcome(kind), post.Send(ctx, l))
}

// code is a code for a note; not ok: it shall have none any more.
func (m *Mailing) code(ctx context.Context, n Note) (code access.Private, ok bool, err error) {
	if code, err = drawMailCode(m.random, n.OrganizationID); err != nil {
		return "", false, errs.Bug("draw a code", err)
	}
	now := m.source.Clock.Now()
	ok, err = m.store.PutCode(ctx, MailCode{ID: m.source.NewID(), Note: n, Code: code, MadeAt: now, Expires: now.Add(n.Kind.life())})
	return code, ok, err
}

// posted keeps what came of sending. A mail that may have been taken is sent once more, since one that was not would be missed.
func (m *Mailing) posted(ctx context.Context, n Note, as Outcome, err error) error {
	if err == nil {
		return m.settle(ctx, n, as, true)
	}
	if _, final := errors.AsType[Undeliverable](err); final {
		return m.settle(ctx, n, Returned, false) // nobody's to set right but the address's owner
	}
	at, ok := n.again(m.source.Clock.Now())
	if !ok {
		return errors.Join(err, m.settle(ctx, n, GivenUp, false))
	}
	return errors.Join(err, m.store.PutOff(context.WithoutCancel(ctx), n, at))
}

func (m *Mailing) settle(ctx context.Context, n Note, o Outcome, sent bool) error {
	return m.store.Settle(context.WithoutCancel(ctx), m.source.Stamp(postman()), n, o, sent)
}

// postman is who sends mails.
func postman() access.Actor {
	return access.Actor{Kind: access.System, Client: "mail", RequestID: "mail"}
}
