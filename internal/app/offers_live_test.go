package app

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

const (
	followOffers = `subscription($after: String) { waitlistOfferChanged(after: $after) { __typename ... on StreamEvent { cursor }
		... on StreamReset { reason } ... on WaitlistOfferChanged { offer { id status slot { localStart } appointment { id } } } } }`
	joinIt   = `mutation($input: JoinWaitlistInput!) { joinWaitlist(input: $input) { entry { id } errors { ... on UserError { message } } } }`
	leaveIt  = `mutation($input: LeaveWaitlistInput!) { leaveWaitlist(input: $input) { entry { status } errors { ... on UserError { message } } } }`
	answerIt = `mutation($input: AnswerWaitlistOfferInput!) { answerWaitlistOffer(input: $input) { appointment { id } errors { ... on UserError { message } } } }`
)

// queueing is a clinic whose provider's times from ten to half past eleven are taken, each by a visit, by their wall clock.
type queueing struct {
	*file
	front  *front
	visits map[string]string
}

func newQueueing(t *testing.T) *queueing {
	a := newAPI(t)
	a.clock.Set(sample.Monday.Add(12*time.Hour + 30*time.Minute)) // half past eight: nobody has quiet hours
	provider := a.clinic.Provider(1)
	f := &file{world: &world{api: a, desk: a.by(a.clinic.FrontDesk()), ids: map[string]string{"provider": a.id(globalid.Provider, provider)}}, t: t}
	f.ann, f.bob = a.clinic.Patient(), a.clinic.Patient()
	a.app.waitlist.Flag = func(uuid.UUID, access.Actor) access.Feature {
		return access.Feature{Key: waitlist.FeatureKey, Enabled: true}
	}
	q := &queueing{file: f, front: a.opened(t, HTTPSettings{DrainTimeout: 10 * time.Second}), visits: map[string]string{}}
	for _, at := range []struct {
		wall         string
		hour, minute int
	}{{"10:00", 10, 0}, {"10:30", 10, 30}, {"11:00", 11, 0}} {
		q.books(at.wall, at.hour, at.minute)
	}
	return q
}

// books has somebody new have a visit.
func (q *queueing) books(wall string, hour, minute int) {
	q.t.Helper()
	slot := globalid.OfSlot(q.clinic.Slot(mustRef(q.t, q.ids["provider"]), hour, minute))
	q.visits[wall] = q.by(q.clinic.Patient()).Post(q.t, bookIt, vars{"input": vars{"target": vars{"slotId": slot}, "idempotencyKey": sample.NewID().String()}}).
		OK(q.t).Text("bookAppointment", "appointment", "id")
	if q.visits[wall] == "" {
		q.t.Fatalf("%s isn't free", wall)
	}
}

// waits has somebody wait for those times.
func (q *queueing) waits(who access.Actor) (entry string) {
	q.t.Helper()
	answer := q.by(who).Post(q.t, joinIt, vars{"input": vars{"minimumNotice": "PT0S", "idempotencyKey": sample.NewID().String(), "wanted": vars{
		"visitKindId": q.id(globalid.VisitKind, clinic.Ref{Organization: q.clinic.Organization, ID: q.clinic.VisitKind}),
		"providerIds": []string{q.ids["provider"]}, "from": "2026-06-08T14:00:00Z", "to": "2026-06-08T15:05:00Z"}}}).OK(q.t)
	if entry = answer.Text("joinWaitlist", "entry", "id"); entry == "" {
		q.t.Fatalf("%s", answer.Raw)
	}
	q.match()
	return entry
}

// match does all that is due.
func (q *queueing) match() {
	q.t.Helper()
	for must(q.app.waitlist.Match(q.t.Context(), 50))(q.t) > 0 { // a time is kept, and then offered
	}
}

func (q *queueing) frees(wall string) {
	q.t.Helper()
	q.change(q.desk, cancelIt, vars{"appointmentId": q.visits[wall], "reason": "CLINIC_REQUEST"})
	q.match()
}

func (q *queueing) answers(who access.Actor, offer string, accept bool) {
	q.t.Helper()
	q.change(q.by(who), answerIt, vars{"offerId": offer, "accept": accept, "idempotencyKey": sample.NewID().String()})
}

// offers is somebody's socket on which they follow their offers.
type offers struct {
	*line
	cursor string
}

func (q *queueing) follows(who access.Actor, after string) *offers {
	q.t.Helper()
	o := &offers{line: q.front.dial(q.t, q.by(who), nil)}
	variables := vars{}
	if after == "" {
		q.followed(q.t)
	} else {
		variables["after"] = after
	}
	o.ask("offers", followOffers, variables)
	if first := o.hear(); first.data("waitlistOfferChanged", "__typename") != "StreamReady" {
		q.t.Fatalf("began with %s", first.Payload)
	}
	return o
}

// tells expects the next event to be of a time, in a state, and answers the offer.
func (o *offers) tells(name, wall, status string) (id string) {
	o.t.Helper()
	e := o.hear()
	at := func(path ...any) string { return e.data(append([]any{"waitlistOfferChanged"}, path...)...) }
	if at("__typename") != "WaitlistOfferChanged" || at("offer", "status") != status || at("offer", "slot", "localStart") != "2026-06-08T"+wall+":00" {
		o.t.Fatalf("%s: heard %s, not of %s, which is %s", name, e.Payload, wall, status)
	}
	if booked := at("offer", "appointment", "id") != ""; booked != (status == "ACCEPTED") {
		o.t.Errorf("%s: heard %s", name, e.Payload)
	}
	o.cursor = at("cursor")
	return at("offer", "id")
}

func TestOffersReachWhomTheyAreForOverASocketWhateverBecomesOfThem(t *testing.T) {
	q := newQueueing(t)
	anns := q.waits(q.ann)
	q.waits(q.bob)
	ann, bob, desk := q.follows(q.ann, ""), q.follows(q.bob, ""), q.follows(q.clinic.FrontDesk(), "")

	// What is next in somebody's ear says what wasn't in it before.
	q.frees("10:00")
	first := ann.tells("who waits longest", "10:00", "OPEN")
	desk.tells("the front desk", "10:00", "OPEN")
	q.answers(q.ann, first, false)
	ann.tells("who declines", "10:00", "DECLINED")
	desk.tells("the front desk", "10:00", "DECLINED")
	q.match()
	second := bob.tells("who is next", "10:00", "OPEN")
	desk.tells("the front desk", "10:00", "OPEN")
	if first == second {
		t.Errorf("both are told of %s", first)
	}

	if err := ann.conn.CloseNow(); err != nil {
		t.Fatal(err)
	}
	q.frees("11:00")
	desk.tells("the front desk", "11:00", "OPEN")
	ann = q.follows(q.ann, ann.cursor)
	third := ann.tells("who comes back", "11:00", "OPEN")
	again := q.follows(q.ann, ann.cursor) // who has been told isn't told again
	q.change(q.by(q.ann), leaveIt, vars{"entryId": anns})
	if got := ann.tells("who leaves", "11:00", "WITHDRAWN"); got != third {
		t.Errorf("told of %s, not of %s", got, third)
	}
	again.tells("who leaves, from where they were", "11:00", "WITHDRAWN")
	desk.tells("the front desk", "11:00", "WITHDRAWN")

	q.match()
	q.books("11:00", 11, 0)                          // which nobody else was offered, as Bob has an offer
	q.clock.Set(q.clock.Now().Add(31 * time.Minute)) // that is open for 30
	q.match()
	if got := bob.tells("who doesn't answer", "10:00", "EXPIRED"); got != second {
		t.Errorf("told of %s, not of %s", got, second)
	}
	q.frees("10:30")
	q.answers(q.bob, bob.tells("who waits on", "10:30", "OPEN"), true)
	bob.tells("who accepts", "10:30", "ACCEPTED")
}
