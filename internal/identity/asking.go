package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/errs"
)

// question is what is asked of the store at once, for everybody who has come since the last one was put.
type question struct {
	subjects map[uuid.UUID]bool
	answered chan struct{}
	revoked  map[uuid.UUID]bool // once answered
	err      error
}

// ask asks the store. An answer that was asked for before somebody came doesn't count for them, so they wait for the next: of many who
// come at once all share one.
func (g *Guard) ask(ctx context.Context, subject uuid.UUID) (bool, error) {
	q := g.join(context.WithoutCancel(ctx), subject)
	select {
	case <-q.answered:
		return q.revoked[subject], q.err
	case <-ctx.Done():
		return false, errs.TryAgain(ctx.Err())
	}
}

func (g *Guard) join(ctx context.Context, subject uuid.UUID) *question {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.next == nil {
		g.next = &question{subjects: map[uuid.UUID]bool{}, answered: make(chan struct{})}
	}
	q := g.next
	q.subjects[subject] = true
	if !g.asking {
		g.asking = true
		go g.answer(ctx)
	}
	return q
}

// answer puts one question after the other until nobody waits.
func (g *Guard) answer(ctx context.Context) {
	for {
		g.mu.Lock()
		q := g.next
		if g.next = nil; q == nil {
			g.asking = false
			g.mu.Unlock()
			return
		}
		subjects := make([]uuid.UUID, 0, len(q.subjects))
		for subject := range q.subjects {
			subjects = append(subjects, subject)
		}
		g.mu.Unlock()
		q.revoked, q.err = g.among(ctx, subjects)
		close(q.answered)
	}
}

// among asks for subjects, and tells whoever watches those that were revoked.
func (g *Guard) among(ctx context.Context, subjects []uuid.UUID) (map[uuid.UUID]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askBound)
	defer cancel()
	found, err := g.Store.Among(ctx, subjects)
	if err != nil {
		return nil, errs.TryAgain(err)
	}
	revoked := make(map[uuid.UUID]bool, len(found))
	g.mu.Lock()
	var told []*watch
	for _, subject := range found {
		revoked[subject] = true
		told = append(told, g.note(subject)...)
	}
	g.mu.Unlock()
	tell(told)
	return revoked, nil
}
