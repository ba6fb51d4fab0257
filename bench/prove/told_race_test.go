package prove_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/internal/channel/wire"
)

var races = flag.Int("races", 0, "how often a visit is cancelled or moved while its patient is told of it")

const racers = 40

// Of a visit that was cancelled or moved nothing of how it was leaves once that was answered; and what had left before is set right.
func TestNothingOfAVisitAsItWasLeavesAfterItsChangeWasAnswered(t *testing.T) {
	if *races == 0 {
		return
	}
	p := newStation(t, 20)
	front := newFront(t, p.vendors.URL())
	p.workers(2, "MEDICONNECT_TWILIO_URL="+front.url, "MEDICONNECT_SENDGRID_URL="+front.url, "MEDICONNECT_DATABASE_CONNECTIONS=8",
		"MEDICONNECT_MESSAGES_PER_ADDRESS_HOUR=0", "MEDICONNECT_MESSAGES_PER_ADDRESS_DAY=0") // few patients have many visits
	r := &running{station: p, front: front, claims: p.claims()}
	began := time.Now()
	r.run()
	took := time.Since(began)
	crashes := crashes{station: p}
	crashes.rest()
	r.judge(took)
}

// running are the races.
type running struct {
	*station
	front  *front
	claims *claims

	mu    sync.Mutex
	left  int
	all   []change
	ended []uuid.UUID // visits
}

// change is one of a visit of which somebody was to be told.
type change struct {
	visit    uuid.UUID
	was      int // the version before
	moved    bool
	asked    time.Time
	answered time.Time
}

func (r *running) run() {
	var all sync.WaitGroup
	r.left = *races
	for i := range min(racers, max(*races/4, 1)) {
		g := r.guest([]string{"EMAIL", "SMS"}[i%2:][:1]...)
		all.Go(func() {
			for n := 0; r.more(); n++ {
				if err := r.visit(g, n); err != nil {
					r.t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

func (r *running) more() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.left > 0
}

// visit books one, moves it perhaps, and cancels it.
func (r *running) visit(g *guest, n int) error {
	ctx := r.t.Context()
	a, _, err := rig.Insist(ctx, func(ctx context.Context) (rig.Answer, error) {
		return g.Book(ctx, g.slots[0].ID, fmt.Sprint("book ", n))
	})
	if err != nil || a.Visit == nil {
		return fmt.Errorf("book: %+v %w", a, err)
	}
	ref, err := g.Ref(a.Visit.ID)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.ended = append(r.ended, ref.ID)
	r.mu.Unlock()
	version := a.Visit.Version
	if n%2 == 1 {
		if version, err = r.change(ctx, ref.ID, version, true, func(ctx context.Context) (rig.Answer, error) {
			return g.Move(ctx, a.Visit.ID, g.slots[3].ID, fmt.Sprint("move ", n))
		}); err != nil {
			return err
		}
	}
	_, err = r.change(ctx, ref.ID, version, false, func(ctx context.Context) (rig.Answer, error) {
		return g.Cancel(ctx, a.Visit.ID, fmt.Sprint("cancel ", n))
	})
	return err
}

// change waits for about the moment at which the letter is sent, and changes the visit.
func (r *running) change(ctx context.Context, visit uuid.UUID, version int, moved bool, how func(context.Context) (rig.Answer, error)) (int, error) {
	switch rand.N(4) {
	case 0:
		r.pause(rand.N(800 * time.Millisecond))
	default: // a worker has just taken it
		select {
		case <-r.claims.of(visit, version):
			r.pause(rand.N(6 * time.Millisecond))
		case <-time.After(5 * time.Second): // the machine has much to do, and the vendors are given a rest
		}
	}
	one := change{visit: visit, was: version, moved: moved, asked: time.Now()}
	a, _, err := rig.Insist(ctx, how)
	one.answered = time.Now()
	if err != nil || a.Visit == nil {
		return 0, fmt.Errorf("change: %+v %w", a, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, one)
	r.left--
	return a.Visit.Version, nil
}

func (r *running) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.t.Context().Done():
	}
}

// sent is a letter as it came, with what it tells.
type sent struct {
	version int
	kind    string
	arrived time.Time
}

func (r *running) judge(took time.Duration) {
	of := r.letters()
	var before, withheld, near, late, follow int
	var latest time.Duration
	for _, one := range r.all {
		n := 0
		for _, s := range of[one.visit] {
			if s.version > one.was || s.version < one.was {
				continue
			}
			n++
			if d := s.arrived.Sub(one.answered); d > 0 {
				late++
				latest = max(latest, d)
				r.t.Errorf("a %s of version %d left %s after the change was answered", s.kind, s.version, d)
			} else if d > -10*time.Millisecond {
				near++
			}
		}
		if n > 0 {
			before++
		} else {
			withheld++
		}
	}
	for _, visit := range r.ended {
		told := map[string]int{}
		for _, s := range of[visit] {
			told[s.kind]++
		}
		if told["CANCELLATION"] != 1 {
			r.t.Errorf("the cancellation of %s was told %d times: %+v", visit, told["CANCELLATION"], of[visit])
		}
		if told["CONFIRMATION"]+told["CHANGE"] > 0 {
			follow++
		}
	}
	if twice := r.vendors.Duplicates(); len(twice) > 0 {
		r.t.Errorf("sent twice: %v", twice)
	}
	var deadlocks int
	r.must(r.pool.QueryRow(r.t.Context(), `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&deadlocks))
	if deadlocks > 0 {
		r.t.Errorf("%d deadlocks", deadlocks)
	}
	slices.SortFunc(r.all, func(a, b change) int { return int(a.answered.Sub(a.asked) - b.answered.Sub(b.asked)) })
	mid, p99 := r.all[len(r.all)/2], r.all[len(r.all)*99/100]
	r.t.Logf("%d changes of %d visits in %s: in %d the letter had left before the answer, %d of them less than 10 ms before it; in %d it was withheld; %d left after the answer, %s at most; "+
		"%d visits of which something had left were told that they are off; changes took %s, p99 %s",
		len(r.all), len(r.ended), took.Round(time.Second), before, near, withheld, late, latest, follow, mid.answered.Sub(mid.asked).Round(time.Millisecond), p99.answered.Sub(p99.asked).Round(time.Millisecond))
}

// letters are all that came, by visit.
func (r *running) letters() map[uuid.UUID][]sent {
	rows, err := r.pool.Query(r.t.Context(), `SELECT id, appointment_id, version, kind FROM messages`)
	r.must(err)
	defer rows.Close()
	of := map[uuid.UUID][]sent{}
	for rows.Next() {
		var id, visit uuid.UUID
		var s sent
		r.must(rows.Scan(&id, &visit, &s.version, &s.kind))
		for _, at := range r.front.of(id) {
			s.arrived = at
			of[visit] = append(of[visit], s)
		}
	}
	r.must(rows.Err())
	return of
}

// claims tell when a worker has claimed a message, by a trigger that the program knows nothing of.
type claims struct{ made sync.Map }

func (p *station) claims() *claims {
	p.t.Helper()
	ctx := p.t.Context()
	_, err := p.pool.Exec(ctx, `
		CREATE FUNCTION tell_claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('claimed', NEW.appointment_id || ' ' || NEW.version); RETURN NULL; END $$;
		CREATE TRIGGER tell_claim AFTER UPDATE OF state ON messages FOR EACH ROW WHEN (NEW.state = 'SENDING' AND OLD.state <> 'SENDING') EXECUTE FUNCTION tell_claim()`)
	p.must(err)
	admin, err := p.rig.AdminURL(p.url)
	p.must(err)
	conn, err := pgx.Connect(ctx, admin)
	p.must(err)
	_, err = conn.Exec(ctx, `LISTEN claimed`)
	p.must(err)
	c := &claims{}
	var heard sync.WaitGroup
	listening, stop := context.WithCancel(context.Background())
	heard.Go(func() {
		defer conn.Close(context.Background())
		for {
			n, err := conn.WaitForNotification(listening)
			if err != nil {
				return
			}
			made, _ := c.made.LoadOrStore(n.Payload, make(chan struct{}))
			select {
			case <-made.(chan struct{}):
			default:
				close(made.(chan struct{}))
			}
		}
	})
	p.t.Cleanup(func() { stop(); heard.Wait() })
	return c
}

func (c *claims) of(visit uuid.UUID, version int) <-chan struct{} {
	made, _ := c.made.LoadOrStore(fmt.Sprintf("%s %d", visit, version), make(chan struct{}))
	return made.(chan struct{})
}

// front stands before the vendors and notes when letters come.
type front struct {
	url string
	mu  sync.Mutex
	at  map[uuid.UUID][]time.Time
}

func newFront(t *testing.T, vendor string) *front {
	t.Helper()
	l, err := (&net.ListenConfig{Control: stamped}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{url: "http://" + l.Addr().String(), at: map[uuid.UUID][]time.Time{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { f.carry(client, strings.TrimPrefix(vendor, "http://")) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return f
}

// carry hands one request on.
func (f *front) carry(client net.Conn, vendor string) {
	defer client.Close()
	var raw bytes.Buffer
	first := &firstByte{Conn: client}
	r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(first, &raw)))
	if err != nil {
		return
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	if r.Method == http.MethodPost {
		f.note(raw.Bytes(), first.at)
	}
	server, err := net.Dial("tcp", vendor)
	if err != nil {
		return
	}
	defer server.Close()
	if _, err := server.Write(raw.Bytes()); err == nil {
		_, _ = io.Copy(client, server)
	}
}

// note finds the key of a letter: behind the m of Twilio's callback, or SendGrid's argument.
func (f *front) note(request []byte, at time.Time) {
	for _, mark := range []string{"%3Fm%3D", `"message":"`} {
		_, rest, ok := bytes.Cut(request, []byte(mark))
		if !ok || len(rest) < 43 {
			continue
		}
		if m, ok := wire.Named(string(rest[:43])); ok {
			f.mu.Lock()
			f.at[m.ID] = append(f.at[m.ID], at)
			f.mu.Unlock()
		}
	}
}

func (f *front) of(id uuid.UUID) []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at[id]
}

// firstByte notes when the first bytes came: when the kernel took them from the wire, where it says so, as Linux does.
type firstByte struct {
	net.Conn
	at time.Time
}

func (f *firstByte) Read(p []byte) (int, error) {
	if !f.at.IsZero() {
		return f.Conn.Read(p)
	}
	n, at, err := stampedRead(f.Conn.(*net.TCPConn), p)
	if f.at = at; n > 0 && at.IsZero() {
		f.at = time.Now()
	}
	return n, err
}
