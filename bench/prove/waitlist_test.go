package prove_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/clinic"
)

var (
	freed = flag.Int("freed", 16, "visits that are cancelled while others wait for their times")
	crowd = flag.Int("waiting", 60, "patients who wait without a visit; besides, three for five that are cancelled wait with one")
)

const offering = `{"version": 2, "features": [{"name": "waitlist.auto-offer", "enabled": true, "strategies": [{"name": "default"}]}]}`

// lounge is a clinic whose days are full, and where patients wait: some for any time, some for an earlier one than they have.
type lounge struct {
	*rig.Clinic
	t       *testing.T
	pool    *pgxpool.Pool
	server  *rig.Server
	workers []*rig.Server
	rng     *rand.Rand

	people  map[string]rig.Patient // by the patient's global id
	leaving []string               // visits that will be cancelled
	had     map[uuid.UUID]uuid.UUID

	mu    sync.Mutex
	won   map[string]string // by offer: the visit that its taker was told of
	asked map[string]bool   // offers that somebody has dealt with
	told  tally
}

// answerIn is how long a patient has for an answer here.
const answerIn = 2 * time.Second

func newLounge(t *testing.T) *lounge {
	t.Helper()
	world.once.Do(func() { world.err = build() })
	l := &lounge{t: t, people: map[string]rig.Patient{}, had: map[uuid.UUID]uuid.UUID{}, won: map[string]string{}, asked: map[string]bool{}, rng: rand.New(rand.NewPCG(1, 2))}
	l.check(world.err)
	url, err := world.rig.NewDatabase(t.Context())
	l.check(err)
	l.pool, err = world.rig.Open(t.Context(), url, 4)
	l.check(err)
	t.Cleanup(l.pool.Close)
	file := filepath.Join(t.TempDir(), "flags.json")
	l.check(os.WriteFile(file, []byte(offering), 0o600))
	before := world.rig.Environ
	world.rig.Environ = append(slices.Clone(before), "MEDICONNECT_UNLEASH_BOOTSTRAP="+file)
	defer func() { world.rig.Environ = before }()
	l.server, err = world.rig.Serve(t.Context(), url, connections)
	l.check(err)
	t.Cleanup(func() { _ = l.server.Kill() })
	world.rig.Environ = append(world.rig.Environ, "MEDICONNECT_DATABASE_CONNECTIONS=8")
	for range 2 {
		w, err := world.rig.Work(t.Context(), url)
		l.check(err)
		t.Cleanup(func() { _ = w.Kill() })
		l.workers = append(l.workers, w)
	}
	l.Clinic, err = world.rig.NewClinic(t.Context(), l.server, &rig.Client{HTTP: rig.NewHTTP(64)})
	l.check(err)
	return l
}

func (l *lounge) check(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *lounge) exec(sql string, args ...any) {
	l.t.Helper()
	_, err := l.pool.Exec(l.t.Context(), sql, args...)
	l.check(err)
}

// organization is the clinic's own id.
func (l *lounge) organization() uuid.UUID {
	ref, err := l.Ref(l.Organization)
	l.check(err)
	return ref.Organization
}

// fill books every time of a day, and has patients wait: with a visit those of the last times, without one all others.
func (l *lounge) fill() {
	l.t.Helper()
	with := *freed * 3 / 5
	providers := (*freed + with + 15) / 16
	patients, err := l.Patients(l.t.Context(), providers*16+*crowd)
	l.check(err)
	for _, p := range patients {
		ref := p.Actor.PatientID
		l.people[globalid.Of(globalid.Patient, clinic.Ref{Organization: p.Actor.Organization, ID: ref})] = p
	}
	var openings []rig.Slot
	for range providers {
		id, err := l.Provider(l.t.Context(), 1, 0)
		l.check(err)
		slots, err := l.Openings(l.t.Context(), id, 1)
		l.check(err)
		openings = append(openings, slots...)
	}
	slices.SortStableFunc(openings, func(a, b rig.Slot) int { return a.Start.Compare(b.Start) })
	visits := make([]string, len(openings))
	l.each(len(openings), func(i int) {
		booked, err := patients[i].Book(l.t.Context(), openings[i].ID, uuid.NewString())
		if err != nil || booked.Code() != "DONE" {
			l.t.Errorf("a booking: %s %v", booked.Code(), err)
			return
		}
		visits[i] = booked.Visit.ID
	})
	// Nobody has quiet hours, or is told by messages, and answers have to come soon.
	l.exec(`INSERT INTO contact_preferences (organization_id, patient_id, version, channels, reminders, remind_before, quiet_from, quiet_until, changed_at)
		SELECT organization_id, id, 1, '[]', false, '{}', 0, 0, now() FROM patients WHERE organization_id = $1`, l.organization())
	l.exec(`INSERT INTO waitlist_rules VALUES ($1, $2, 20, false)`, l.organization(), int(answerIn.Seconds()))
	l.leaving = visits[:*freed]
	first := len(openings) - with
	l.each(with+*crowd, func(i int) {
		p, from := patients[first+i], l.Day
		var current *string
		if i < with {
			current = &visits[first+i]
		}
		joined, err := p.Wait(l.t.Context(), l.VisitKind, from, from.AddDate(0, 0, 1), current, uuid.NewString())
		if err != nil || joined.Code() != "DONE" {
			l.t.Errorf("joining: %+v %v", joined.Errors, err)
		}
	})
	for i := range with {
		ref, err := l.Ref(visits[first+i])
		l.check(err)
		l.had[patients[first+i].Actor.PatientID] = ref.ID
	}
}

// each does something n times, eight at a time.
func (l *lounge) each(n int, do func(i int)) {
	var all sync.WaitGroup
	next := make(chan int)
	for range 8 {
		all.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}

// disturb kills a worker after the other, and the server now and then, until ctx ends.
func (l *lounge) disturb(ctx context.Context) (kills int) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return kills
		case <-tick.C:
			s := l.workers[kills%len(l.workers)]
			if kills%5 == 4 {
				s = l.server
			}
			kills++
			if err := s.Kill(); err != nil {
				l.t.Error(err)
			}
			if err := s.Start(l.t.Context()); err != nil {
				l.t.Error(err)
			}
		}
	}
}

// deal answers an offer as people do: most take it, some twice at once or with second thoughts, some decline, some say nothing.
func (l *lounge) deal(ctx context.Context, o rig.Offered) {
	p := l.people[o.Patient]
	l.mu.Lock()
	turn := l.rng.IntN(100)
	l.mu.Unlock()
	answer := func(accept bool) {
		key := uuid.NewString()
		a, _, err := rig.Insist(ctx, func(ctx context.Context) (rig.Answer, error) { return p.AnswerOffer(ctx, o.ID, accept, key) })
		if err != nil {
			l.t.Errorf("answering: %v", err)
		}
		l.told.add(fmt.Sprint(accept, " ", a.Code()))
		if a.Visit != nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.won[o.ID] = a.Visit.ID
		}
	}
	var both sync.WaitGroup
	switch {
	case turn < 45:
		answer(true)
	case turn < 60: // twice at once
		both.Go(func() { answer(true) })
		answer(true)
	case turn < 70: // yes and no at once
		both.Go(func() { answer(false) })
		answer(true)
	case turn < 85:
		answer(false)
	}
	both.Wait()
}

// live has offers answered until nothing is under way any more.
func (l *lounge) live(ctx context.Context) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var dealing sync.WaitGroup
	defer dealing.Wait()
	for !l.settled() {
		list, err := l.OpenOffers(ctx)
		if err != nil && ctx.Err() != nil {
			l.t.Error("it takes too long")
			return
		}
		for _, o := range list {
			if !l.asked[o.ID] {
				l.asked[o.ID] = true
				dealing.Go(func() { l.deal(ctx, o) })
			}
		}
		<-tick.C
	}
}

// settled says whether no offer is open, and no freed time kept.
func (l *lounge) settled() bool {
	var open int
	l.check(l.pool.QueryRow(l.t.Context(), `SELECT (SELECT count(*) FROM waitlist_offers WHERE state = 'OPEN') + (SELECT count(*) FROM waitlist_turns WHERE kind <> 'LOOK' OR due_at < now() + interval '1 minute')
		+ (SELECT count(*) FROM appointments WHERE status = 'BOOKED' AND id = ANY ($1))`, l.ids(l.leaving)).Scan(&open))
	return open == 0
}

func (l *lounge) ids(list []string) []uuid.UUID {
	found := make([]uuid.UUID, len(list))
	for i, id := range list {
		ref, err := l.Ref(id)
		l.check(err)
		found[i] = ref.ID
	}
	return found
}

func TestFreedTimesFindThoseWhoWaitInOrder(t *testing.T) {
	l := newLounge(t)
	l.fill()
	if t.Failed() {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience+time.Duration(*freed)*4*time.Second) // which ends what never would
	defer cancel()
	disturbing, calm := context.WithCancel(ctx)
	var all sync.WaitGroup
	kills := 0
	all.Go(func() { kills = l.disturb(disturbing) })
	all.Go(func() {
		l.each(len(l.leaving), func(i int) {
			key := uuid.NewString()
			gone, _, err := rig.Insist(ctx, func(ctx context.Context) (rig.Answer, error) { return l.CancelByClinic(ctx, l.leaving[i], key) })
			if err != nil || gone.Code() != "DONE" {
				t.Errorf("a cancellation: %s %v", gone.Code(), err)
			}
		})
	})
	began := time.Now()
	l.live(ctx)
	calm()
	all.Wait()
	l.nobodyIsHurt()
	n := l.fair()
	t.Logf("%d waited, %d of them with a visit, and %d times were freed: %d offers in %.0f s, answered %s; %d kills",
		*crowd+len(l.had), len(l.had), len(l.leaving), n, time.Since(began).Seconds(), &l.told, kills)
}

// nobodyIsHurt holds what is there to what must be: no time is two patients', no patient has two, and each who had a visit has one.
func (l *lounge) nobodyIsHurt() {
	l.t.Helper()
	for what, sql := range map[string]string{
		"times of two":             `SELECT count(*) FROM (SELECT FROM appointments WHERE status = 'BOOKED' GROUP BY provider_id, starts_at HAVING count(*) > 1) x`,
		"patients with two visits": `SELECT count(*) FROM (SELECT FROM appointments WHERE status = 'BOOKED' GROUP BY patient_id HAVING count(*) > 1) x`,
		"visits without their claims": `SELECT count(*) FROM appointments a WHERE status = 'BOOKED' AND 2 <> (SELECT count(*) FROM claims c
			WHERE c.appointment_id = a.id AND c.state = 'ACTIVE' AND c.starts_at = a.starts_at AND c.ends_at = a.ends_at)`,
		"claims without their visit": `SELECT count(*) FROM claims c WHERE state = 'ACTIVE' AND (hold_id IS NOT NULL AND expires_at > now()
			OR appointment_id IS NOT NULL AND NOT EXISTS (SELECT FROM appointments a WHERE a.id = c.appointment_id AND a.status = 'BOOKED'))`,
		"offers that were taken without their visit": `SELECT count(*) FROM waitlist_offers o WHERE state = 'ACCEPTED' AND NOT EXISTS (SELECT FROM appointments a
			WHERE a.id = o.appointment_id AND a.patient_id = o.patient_id AND a.status = 'BOOKED' AND a.starts_at = o.starts_at AND a.provider_id = o.provider_id)`,
		"entries that stand otherwise than their offers": `SELECT count(*) FROM waitlist_entries e WHERE (status = 'FULFILLED') <> EXISTS (
			SELECT FROM waitlist_offers o WHERE o.entry_id = e.id AND o.state = 'ACCEPTED') OR status NOT IN ('ACTIVE', 'FULFILLED')`,
		"times that nobody has, though somebody waits who hasn't had them": `SELECT count(*) FROM waitlist_entries e, (SELECT DISTINCT provider_id, starts_at FROM waitlist_offers) s
			WHERE e.status = 'ACTIVE' AND NOT EXISTS (SELECT FROM appointments a WHERE a.provider_id = s.provider_id AND a.starts_at = s.starts_at AND a.status = 'BOOKED')
			AND NOT EXISTS (SELECT FROM waitlist_offers o WHERE o.entry_id = e.id AND o.provider_id = s.provider_id AND o.starts_at = s.starts_at)
			AND NOT EXISTS (SELECT FROM appointments a WHERE a.id = e.current_appointment_id AND a.starts_at <= s.starts_at)`,
	} {
		var n int
		if err := l.pool.QueryRow(l.t.Context(), sql).Scan(&n); err != nil || n != 0 {
			l.t.Errorf("%d %s %v", n, what, err)
		}
	}
	for patient, visit := range l.had {
		var same int
		l.check(l.pool.QueryRow(l.t.Context(), `SELECT count(*) FROM appointments WHERE patient_id = $1 AND status = 'BOOKED' AND id = $2`, patient, visit).Scan(&same))
		if same != 1 {
			l.t.Errorf("a patient who had a visit has %d", same)
		}
	}
	for offer, visit := range l.won {
		var kept int
		l.check(l.pool.QueryRow(l.t.Context(), `SELECT count(*) FROM waitlist_offers WHERE id = $1 AND state = 'ACCEPTED' AND appointment_id = $2`,
			l.ids([]string{offer})[0], l.ids([]string{visit})[0]).Scan(&kept))
		if kept != 1 {
			l.t.Errorf("somebody was told that a time is theirs, and it isn't: %s", offer)
		}
	}
}

type queued struct {
	ID        uuid.UUID
	Priority  int
	JoinedAt  time.Time
	EndedAt   *time.Time
	HadBefore *time.Time // the start of the visit that would be moved forward, as it was
}

type madeOffer struct {
	ID, EntryID, ProviderID uuid.UUID
	StartsAt, OfferedAt     time.Time
	EndedAt                 *time.Time
	State                   string
	PassedOver              []struct {
		Entry  uuid.UUID `json:"entry"`
		Reason string    `json:"reason"`
	}
}

// fair holds each offer to the order: whoever came before was asked before, or it is noted rightly why not. It answers how many offers there were.
func (l *lounge) fair() int {
	l.t.Helper()
	rows, err := l.pool.Query(l.t.Context(), `SELECT e.id, e.priority, e.joined_at, e.ended_at,
		(SELECT min(v.starts_at) FROM claims v WHERE v.appointment_id = e.current_appointment_id AND v.state = 'FREED' AND v.party_kind = 'PROVIDER') AS had_before
		FROM waitlist_entries e ORDER BY e.priority DESC, e.joined_at, e.id`)
	l.check(err)
	line, err := pgx.CollectRows(rows, pgx.RowToStructByName[queued])
	l.check(err)
	rows, err = l.pool.Query(l.t.Context(), `SELECT id, entry_id, provider_id, starts_at, offered_at, ended_at, state, passed_over FROM waitlist_offers ORDER BY offered_at`)
	l.check(err)
	offers, err := pgx.CollectRows(rows, pgx.RowToStructByName[madeOffer])
	l.check(err)
	for _, o := range offers {
		for _, before := range line {
			if before.ID == o.EntryID {
				break
			}
			l.held(o, before, offers)
		}
	}
	return len(offers)
}

// near is within how long a turn looks at somebody and makes the offer.
const near = 10 * time.Second

// held says that somebody who came before wasn't passed over for nothing.
func (l *lounge) held(o madeOffer, before queued, offers []madeOffer) {
	l.t.Helper()
	if before.EndedAt != nil && before.EndedAt.Before(o.OfferedAt.Add(near)) || before.JoinedAt.After(o.OfferedAt) {
		return
	}
	reason := ""
	for _, p := range o.PassedOver {
		if p.Entry == before.ID {
			reason = p.Reason
		}
	}
	right := false
	switch reason {
	case "HAS_OFFER":
		right = slices.ContainsFunc(offers, func(x madeOffer) bool {
			return x.EntryID == before.ID && x.OfferedAt.Before(o.OfferedAt.Add(near)) && (x.EndedAt == nil || x.EndedAt.After(o.OfferedAt.Add(-near)))
		})
	case "HAD_IT":
		right = slices.ContainsFunc(offers, func(x madeOffer) bool {
			return x.EntryID == before.ID && x.ProviderID == o.ProviderID && x.StartsAt.Equal(o.StartsAt) && x.OfferedAt.Before(o.OfferedAt)
		})
	case "NOT_FITTING", "TOO_SOON":
		var stands *time.Time
		l.check(l.pool.QueryRow(l.t.Context(), `SELECT a.starts_at FROM waitlist_entries e JOIN appointments a ON a.id = e.current_appointment_id WHERE e.id = $1`, before.ID).Scan(&stands))
		right = stands != nil && !o.StartsAt.Before(*stands)
	}
	if !right {
		l.t.Errorf("%s at %s went to somebody though another came before, whose reason is %q", o.ProviderID, o.StartsAt, reason)
	}
}
