package prove_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/bench/rig"
)

// answers are what the patients of a ward who are asked do, each once.
type answers struct {
	*ward
	rng   *rand.Rand
	asked map[string]bool
	all   sync.WaitGroup
}

// deal has whoever is asked by now answer as people do: most take it, some twice at once or with second thoughts, some decline, some say nothing
// until their time is over.
func (a *answers) deal(ctx context.Context) {
	open, err := a.OpenOffers(ctx)
	if err != nil {
		a.t.Error(err)
		return
	}
	for _, o := range open {
		if a.asked[o.ID] {
			continue
		}
		a.asked[o.ID] = true
		says := func(accept bool) {
			key := uuid.NewString()
			a.all.Go(func() {
				if _, _, err := rig.Insist(ctx, func(ctx context.Context) (rig.Answer, error) {
					return a.people[o.Patient].AnswerOffer(ctx, o.ID, accept, key)
				}); err != nil {
					a.t.Errorf("answering: %v", err)
				}
			})
		}
		switch turn := a.rng.IntN(100); {
		case turn < 45:
			says(true)
		case turn < 55:
			says(true)
			says(true)
		case turn < 65:
			says(true)
			says(false)
		case turn < 80:
			says(false)
		default:
			ref, err := a.Ref(o.ID)
			a.must(err)
			_, err = a.pool.Exec(ctx, `WITH over AS (UPDATE waitlist_offers SET expires_at = now() WHERE id = $1) UPDATE waitlist_turns SET due_at = now() WHERE id = $1`, ref.ID)
			a.must(err)
		}
	}
}

// Patients of a day that is closed are asked, and answer, while workers and the server are killed: whoever takes the other time has it, all others
// are cancelled, and everybody is told once of each.
func TestADayThatIsClosedIsAskedAboutWhoeverIsKilled(t *testing.T) {
	w := newWard(t)
	if t.Failed() {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience+time.Duration(*closedVisits)*time.Second)
	defer cancel()
	began := time.Now()
	c, err := w.CloseDay(ctx, "OFFER", "PT22H", "close")
	w.must(err)
	people := &answers{ward: w, rng: rand.New(rand.NewPCG(3, 4)), asked: map[string]bool{}}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	kills := 0
	for rounds := 1; ; rounds++ {
		closed, err := w.Closure(ctx, c.ID)
		w.must(err)
		if closed.State == "DONE" {
			break
		}
		people.deal(ctx)
		if rounds%20 == 0 {
			worker := w.workers[kills%2]
			kills++
			w.must(worker.Kill())
			w.must(worker.Start(t.Context()))
		}
		<-tick.C
	}
	people.all.Wait()
	took := time.Since(began)
	(&crashes{station: w.station}).rest()
	n := *closedVisits
	w.nobodyIsHurt(n)
	w.toldOnce()
	w.askedOnce()
	w.reported(t.Context(), c.ID, n)
	if t.Failed() {
		t.Log(w.api.Said())
	}
	t.Logf("%d visits: %d asked, of whom %d took it, %d declined and %d said nothing; %d had no other time; in %s, with %d kills", n, len(people.asked),
		w.number(`SELECT count(*) FROM closure_items WHERE outcome = 'MOVED'`), w.number(`SELECT count(*) FROM closure_items WHERE cause = 'DECLINED'`),
		w.number(`SELECT count(*) FROM closure_items WHERE cause = 'UNANSWERED'`), w.number(`SELECT count(*) FROM closure_items WHERE cause = 'NO_ALTERNATIVE'`),
		took.Round(time.Millisecond), kills)
}

// askedOnce holds offers, and what is told of them, to one for each visit for which there was another time.
func (w *ward) askedOnce() {
	w.t.Helper()
	for what, sql := range map[string]string{
		"visits of which somebody was asked more or less than once": `SELECT count(*) FROM closure_items i WHERE (i.cause IS DISTINCT FROM 'NO_ALTERNATIVE')::integer <> (
			SELECT count(*) FROM waitlist_offers o JOIN waitlist_entries e ON e.id = o.entry_id WHERE e.current_appointment_id = i.appointment_id)`,
		"items that say otherwise than their offers": `SELECT count(*) FROM closure_items i JOIN waitlist_offers o ON o.id = i.offer_id
			WHERE o.state <> CASE WHEN i.outcome = 'MOVED' THEN 'ACCEPTED' WHEN i.cause = 'DECLINED' THEN 'DECLINED' ELSE 'EXPIRED' END`,
		"offers that are told other than once": `SELECT count(*) FROM waitlist_offers o WHERE 1 <> (SELECT count(DISTINCT (m.kind, m.version)) FROM messages m WHERE m.appointment_id = o.id)
			AND NOT (o.state <> 'OPEN' AND NOT EXISTS (SELECT FROM messages m WHERE m.appointment_id = o.id))`, // it was answered before it was told
		"entries that wait still": `SELECT count(*) FROM waitlist_entries WHERE ended_at IS NULL`,
		"times that are held still": `SELECT count(*) FROM claims c WHERE c.state = 'ACTIVE' AND c.hold_id IS NOT NULL AND c.expires_at > now()
			AND c.hold_id IN (SELECT hold_id FROM waitlist_offers)`,
	} {
		if found := w.number(sql); found != 0 {
			w.t.Errorf("%d %s", found, what)
		}
	}
}
