package identity

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Following says what of the revocations a process asks for.
type Following struct {
	After   time.Time     // the store's time of the last answer; zero: there was none
	Overlap time.Duration // that is asked for again, since what was written before may show later
	Keep    time.Duration // nothing older matters
	Most    int
}

// RevocationStore is the truth about what was revoked: sessions, clients and keys, by their ids. Any method may fail with errs.Busy.
type RevocationStore interface {
	// Since lists what was revoked lately, and the store's time of the answer.
	Since(ctx context.Context, f Following) ([]uuid.UUID, time.Time, error)
	// Among answers those of the subjects that were revoked.
	Among(ctx context.Context, subjects []uuid.UUID) ([]uuid.UUID, error)
	// Revoke keeps that subjects were revoked, again if they were before: everybody learns of it anew.
	Revoke(ctx context.Context, subjects []uuid.UUID) error
}

// The times of the guard, which its promise is made of: who revokes waits until whoever has not asked since trusts nothing that it knows.
const (
	PollEvery  = 250 * time.Millisecond // how often a process asks what was revoked
	trusted    = 500 * time.Millisecond // since the last look that succeeded began
	settling   = 550 * time.Millisecond // that who revokes waits before saying so
	overlap    = 10 * time.Second       // longer than any transaction takes
	remembered = 30 * time.Minute       // longer than any token, and anything read of a session, is good for
	mostKnown  = 1_000_000
	askBound   = 3 * time.Second
)

// Guard knows in every process what was revoked anywhere. What it remembers counts only while it is so young that nothing revoked since
// has been acknowledged to anybody; else it asks.
type Guard struct {
	Store  RevocationStore
	Clock  clock.Clock                                // the machine's
	Uptime func() time.Duration                       // clock.Uptime: a machine's clock may be set
	Wait   func(context.Context, time.Duration) error // returns after that long, or with the context's error
	Tell   func(context.Context)                      // has others look at once; nil: they look when it is time

	polling sync.Mutex // one look at a time

	mu      sync.Mutex
	known   map[uuid.UUID]time.Duration // with the uptime at which this process learned of it last
	tidied  time.Duration               // when what is old was forgotten
	watched map[uuid.UUID]map[*watch]bool
	after   time.Time
	full    bool // more were revoked than fit
	looked  lookedAt
	next    *question // whose subjects the next asking takes along; nil: nobody waits
	asking  bool
}

// lookedAt is when the last look that succeeded began, by both clocks; zero: never.
type lookedAt struct {
	wall time.Time
	up   time.Duration
}

type watch struct{ then func() }

// Revoked says whether a subject was revoked, as far as anybody was told. It fails with errs.Busy when that can't be found out.
func (g *Guard) Revoked(ctx context.Context, subject uuid.UUID) (bool, error) {
	if revoked, sure := g.remember(subject); sure {
		return revoked, nil
	}
	return g.ask(ctx, subject)
}

// remember is sure of what was revoked, and of what wasn't as long as what it knows is young.
func (g *Guard) remember(subject uuid.UUID) (revoked, sure bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, revoked = g.known[subject]; revoked {
		return true, true
	}
	return false, !g.full && !g.looked.wall.IsZero() && g.Uptime()-g.looked.up < trusted && clock.Fresh(g.looked.wall, g.Clock.Now(), trusted)
}

// Poll looks what was revoked since the last look. It is called every PollEvery, and when another process has said that there is something.
func (g *Guard) Poll(ctx context.Context) error {
	g.polling.Lock()
	defer g.polling.Unlock()
	ctx, cancel := context.WithTimeout(ctx, askBound)
	defer cancel()
	f, begun := g.following()
	list, now, err := g.Store.Since(ctx, f)
	if err != nil {
		return err
	}
	tell(g.learn(list, f, begun, now))
	return g.pollWatched(ctx)
}

// following is what to ask for: what is new, or everything once there is room for it again.
func (g *Guard) following() (Following, lookedAt) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := Following{After: g.after, Overlap: overlap, Keep: remembered, Most: mostKnown + 1}
	if g.full && len(g.known) < mostKnown/2 {
		f.After = time.Time{}
	}
	return f, lookedAt{g.Clock.Now(), g.Uptime()}
}

// learn takes in what was found, and answers who is to be told.
func (g *Guard) learn(list []uuid.UUID, f Following, begun lookedAt, now time.Time) (told []*watch) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tidy()
	if f.After.IsZero() {
		g.full = false // unless it doesn't fit
	}
	g.full = g.full || len(list) >= f.Most
	for _, subject := range list {
		told = append(told, g.note(subject)...)
	}
	g.after, g.looked = now, begun
	return told
}

// note remembers one, if there is room, and answers who watches it.
func (g *Guard) note(subject uuid.UUID) (told []*watch) {
	if g.known == nil {
		g.known = map[uuid.UUID]time.Duration{}
	}
	if _, old := g.known[subject]; !old && len(g.known) >= mostKnown {
		g.full = true
	} else {
		g.known[subject] = g.Uptime()
	}
	for w := range g.watched[subject] {
		told = append(told, w)
	}
	delete(g.watched, subject)
	return told
}

// tidy forgets what no token lives long enough to name. It is enough to do so once a minute.
func (g *Guard) tidy() {
	now := g.Uptime()
	if now-g.tidied < time.Minute {
		return
	}
	g.tidied = now
	maps.DeleteFunc(g.known, func(_ uuid.UUID, learned time.Duration) bool { return now-learned > remembered })
}

func tell(all []*watch) {
	for _, w := range all {
		w.then()
	}
}

// Watch has a function called, in a goroutine of its own, when a subject is revoked: at once if it was. It is called once at most.
func (g *Guard) Watch(subject uuid.UUID, then func()) (forget func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := &watch{}
	w.then = sync.OnceFunc(func() { go then() })
	if _, revoked := g.known[subject]; revoked {
		w.then()
		return func() {}
	}
	if g.watched == nil {
		g.watched = map[uuid.UUID]map[*watch]bool{}
	}
	if g.watched[subject] == nil {
		g.watched[subject] = map[*watch]bool{}
	}
	g.watched[subject][w] = true
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.watched[subject], w)
		if len(g.watched[subject]) == 0 {
			delete(g.watched, subject)
		}
	}
}

// pollWatched asks for those who are watched, while more were revoked than are known here.
func (g *Guard) pollWatched(ctx context.Context) error {
	g.mu.Lock()
	var subjects []uuid.UUID
	if g.full {
		for subject := range g.watched {
			subjects = append(subjects, subject)
		}
	}
	g.mu.Unlock()
	if len(subjects) == 0 {
		return nil
	}
	_, err := g.among(ctx, subjects)
	return err
}

// Revoke has subjects be accepted no more, and returns once no process does. It may fail with errs.Busy: then it is unknown whether that is so.
func (g *Guard) Revoke(ctx context.Context, subjects ...uuid.UUID) error {
	if err := g.Store.Revoke(ctx, subjects); err != nil {
		return err
	}
	return g.Settle(ctx, subjects...)
}

// Settle returns once no process accepts subjects whose revocation has been committed. It holds nothing meanwhile.
func (g *Guard) Settle(ctx context.Context, subjects ...uuid.UUID) error {
	if len(subjects) == 0 {
		return nil
	}
	g.mu.Lock()
	var told []*watch
	for _, subject := range subjects {
		told = append(told, g.note(subject)...)
	}
	g.mu.Unlock()
	tell(told)
	if g.Tell != nil {
		g.Tell(ctx)
	}
	if err := g.Wait(ctx, settling); err != nil {
		return errs.TryAgain(err)
	}
	return nil
}
