package queue

import "sync/atomic"

// Counts are of one queue since the process began.
type Counts struct {
	Enqueued, Already, Refused    int64 // by Enqueue: put in, there before, not taken
	Done, Again, NotNow, Archived int64 // by handlers: Archived holds both the last failures and those that end a task at once
	Unreadable                    int64
}

type counts struct {
	enqueued, already, refused    atomic.Int64
	done, again, notNow, archived atomic.Int64
	unreadable                    atomic.Int64
}

func (c *counts) note(outcome error) {
	v, isVerdict := outcome.(verdict)
	switch {
	case !isVerdict:
		c.done.Add(1)
	case v.archived:
		c.archived.Add(1)
	case v.attempt:
		c.again.Add(1)
	default:
		c.notNow.Add(1)
	}
}

// Counts says how each queue fares in this process, by its name.
func (q *Queue) Counts() map[string]Counts {
	all := make(map[string]Counts, len(q.counts))
	for name, c := range q.counts {
		all[name] = Counts{
			Enqueued: c.enqueued.Load(), Already: c.already.Load(), Refused: c.refused.Load(),
			Done: c.done.Load(), Again: c.again.Load(), NotNow: c.notNow.Load(), Archived: c.archived.Load(),
			Unreadable: c.unreadable.Load(),
		}
	}
	return all
}
