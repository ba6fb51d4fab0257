package live

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
)

// deserted runs f with a feed to whose hub nobody listens.
func deserted(t *testing.T, withBus bool, f func(*line)) {
	onLine(t, withBus, false, func(l *line) {
		for _, s := range l.hub.all() {
			s.Leave()
		}
		l.pass(time.Second)
		f(l)
	})
}

func (l *line) reads() (n int) {
	l.log.set(func() { n = l.log.reads })
	return n
}

func TestWhileNobodyListensTheLogIsReadOnceASecond(t *testing.T) {
	for _, withBus := range []bool{true, false} { // a silent one, which is opened anew now and then
		deserted(t, withBus, func(l *line) {
			before := l.reads()
			l.pass(10 * time.Second)
			if n := l.reads() - before; n < 9 || n > 14 {
				t.Errorf("with a bus %v: %d reads in 10 seconds", withBus, n)
			}
			if s := l.feed.State(); s.Stale() || s.Age > unheardEvery || s.Listeners != 0 {
				t.Errorf("with a bus %v: %+v", withBus, s)
			}
		})
	}
}

func TestWhoeverComesFirstHasTheLogReadAtOnceAndMissesNothing(t *testing.T) {
	deserted(t, false, func(l *line) {
		l.pass(unheardEvery / 2)
		l.log.write(3)
		ear := &witness{}
		seat, at, err := l.hub.Join(ear, Interest{Organizations: []uuid.UUID{org}})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ear.heardAll(t, at.Position+1, 3)
		l.log.write(1)
		l.pass(readEvery)
		ear.heardAll(t, at.Position+1, 4)
		seat.Leave()
		before := l.reads()
		l.pass(5 * time.Second)
		if n := l.reads() - before; n > 6 {
			t.Errorf("%d reads in the 5 seconds after the last one left", n)
		}
	})
}
