package prove_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/internal/access"
)

// writers are the front desks that work while keys are rotated.
const writers = 8

// Root keys and every patient's key are replaced, again and again, while front desks register patients, book, move and cancel. No
// request fails, and whatever was written reads as it was written, at any time and in the end. As a plain test for one rotation.
func TestKeysRotateWhileVisitsAreBooked(t *testing.T) {
	p := newProof(t, 0)
	desks := p.desks(20, 28)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range writers {
		all.Go(func() { desks.work(ctx, stop) })
	}
	select {
	case <-desks.busy:
	case <-ctx.Done():
	}
	rotations, began := 0, time.Now()
	for rotations == 0 || alone() && time.Since(began) < time.Minute {
		if out, err := world.rig.Run(ctx, world.url, "keys", "rotate", "--data"); err != nil {
			t.Fatal(err)
		} else if rotations++; rotations == 1 {
			t.Logf("the first rotation: %s", out)
		}
	}
	close(stop)
	all.Wait()
	took := time.Since(began)
	for _, f := range desks.files {
		desks.check(ctx, f)
	}
	t.Logf("key rotation during %.0f s of bookings: %d rotations, %d patients and visits written by %d front desks, %d read meanwhile, %d errors",
		took.Seconds(), rotations, len(desks.files), writers, desks.read.Load(), desks.failed.Load())
	if len(desks.files) < 200 || desks.failed.Load() > 0 {
		t.Errorf("%d patients, %d errors", len(desks.files), desks.failed.Load())
	}
	p.tablesHold()
}

// desks are what front desks write, and with what.
type desks struct {
	*proof
	rig.Client
	openings []rig.Slot
	turn     atomic.Int64
	read     atomic.Int64
	failed   atomic.Int64
	busy     chan struct{} // closed once there is something to seal anew
	mu       sync.Mutex
	files    []*file
}

// file is what was written about a patient and a visit.
type file struct {
	n                                          int
	person                                     map[string]any // as it is registered
	patient, visit, given, phone, reason, note string
}

// desks have a provider with so many lanes.
func (p *proof) desks(lanes, days int) *desks {
	p.t.Helper()
	org, err := p.Ref(p.Organization)
	if err != nil {
		p.t.Fatal(err)
	}
	token, err := world.rig.Token(access.Actor{
		Kind: access.Staff, ID: uuid.New(), Client: "bench", Organization: org.ID, Role: access.FrontDesk, Scopes: access.ScopesOf(access.FrontDesk),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	provider := p.providers(1, func(ctx context.Context) (string, error) { return p.Provider(ctx, lanes, 0) })[0]
	return &desks{
		proof: p, busy: make(chan struct{}), openings: p.openings(provider, days), Client: rig.Client{Server: world.server, Token: token, HTTP: rig.NewHTTP(writers)},
	}
}

const (
	deskRegisters = `mutation($in: RegisterPatientInput!) { done: registerPatient(input: $in) { made: patient { id } errors { ... on UserError { code message } } } }`
	deskBooks     = `mutation($in: BookAppointmentInput!) { done: bookAppointment(input: $in) { made: appointment { id } errors { ... on UserError { code message } } } }`
	deskMoves     = `mutation($in: RescheduleAppointmentInput!) { done: rescheduleAppointment(input: $in) { made: appointment { id } errors { ... on UserError { code message } } } }`
	deskCancels   = `mutation($in: CancelAppointmentInput!) { done: cancelAppointment(input: $in) { made: appointment { id } errors { ... on UserError { code message } } } }`
	deskReads     = `query($patient: ID!, $visit: ID!) {
		patient: node(id: $patient) { ... on Patient { givenName familyName phone birthDate } }
		visit: node(id: $visit) { ... on Appointment { reason cancellation { note } } } }`
)

// change runs a mutation, which must succeed at once.
func (d *desks) change(ctx context.Context, document string, in map[string]any) (id string, ok bool) {
	var data struct {
		Done struct {
			Made   *struct{ ID string }
			Errors []struct{ Code, Message string }
		}
	}
	err := d.Ask(ctx, document, map[string]any{"in": in}, &data)
	if err != nil || len(data.Done.Errors) > 0 || data.Done.Made == nil {
		d.failed.Add(1)
		d.t.Errorf("%.60s: %v, %+v", document, err, data.Done.Errors)
		return "", false
	}
	return data.Done.Made.ID, true
}

func (d *desks) next() (slot string) {
	return d.openings[int(d.turn.Add(1))%len(d.openings)].ID
}

// work serves patients until it shall stop. Each comes a second time when some others have been served: their keys are remembered
// then, and may have been replaced.
func (d *desks) work(ctx context.Context, stop <-chan struct{}) {
	var waiting []*file
	for {
		select {
		case <-stop:
			for _, f := range waiting {
				d.again(ctx, f)
			}
			return
		default:
		}
		if f := d.serve(ctx); f != nil {
			waiting = append(waiting, f)
		}
		if len(waiting) > comeAgain {
			d.again(ctx, waiting[0])
			waiting = waiting[1:]
		}
	}
}

const comeAgain = 5

// serve is a patient who comes and books.
func (d *desks) serve(ctx context.Context) *file {
	n := int(d.turn.Add(1))
	f := file{n: n, given: "Given " + uuid.NewString(), phone: fmt.Sprintf("+1415555%04d", n%10000), reason: "Reason " + uuid.NewString()}
	f.person = map[string]any{
		"organizationId": d.Organization, "identifier": map[string]string{"system": "https://clinic.example/mrn", "value": uuid.NewString()},
		"givenName": f.given, "familyName": "Nr " + strconv.Itoa(n), "birthDate": "1980-02-29", "phone": f.phone,
	}
	var ok bool
	if f.patient, ok = d.change(ctx, deskRegisters, f.person); !ok {
		return nil
	}
	f.visit, ok = d.change(ctx, deskBooks, map[string]any{
		"target": map[string]string{"slotId": d.next()}, "patientId": f.patient, "reason": f.reason, "idempotencyKey": uuid.NewString(),
	})
	if !ok {
		return nil
	}
	return &f
}

// again is the patient who may move, cancel, and have another phone. Then somebody's file is read.
func (d *desks) again(ctx context.Context, f *file) {
	if f.n%3 == 0 {
		d.change(ctx, deskMoves, map[string]any{"appointmentId": f.visit, "target": map[string]string{"slotId": d.next()}, "idempotencyKey": uuid.NewString()})
	}
	if f.n%2 == 0 {
		f.note = "Note " + uuid.NewString()
		d.change(ctx, deskCancels, map[string]any{"appointmentId": f.visit, "reason": "OTHER", "note": f.note, "idempotencyKey": uuid.NewString()})
	}
	f.phone = fmt.Sprintf("+1415556%04d", f.n%10000)
	f.person["phone"] = f.phone
	d.change(ctx, deskRegisters, f.person)
	d.mu.Lock()
	if d.files = append(d.files, f); len(d.files) == 100 {
		close(d.busy)
	}
	some := d.files[rand.N(len(d.files))]
	d.mu.Unlock()
	d.check(ctx, some)
	d.read.Add(1)
}

// check reads a file, which must be as it was written.
func (d *desks) check(ctx context.Context, f *file) {
	var data struct {
		Patient struct{ GivenName, FamilyName, Phone, BirthDate string }
		Visit   struct {
			Reason       string
			Cancellation *struct{ Note string }
		}
	}
	err := d.Ask(ctx, deskReads, map[string]any{"patient": f.patient, "visit": f.visit}, &data)
	note := ""
	if data.Visit.Cancellation != nil {
		note = data.Visit.Cancellation.Note
	}
	if err != nil || data.Patient.GivenName != f.given || data.Patient.Phone != f.phone || data.Patient.BirthDate != "1980-02-29" ||
		data.Visit.Reason != f.reason || note != f.note {
		d.failed.Add(1)
		d.t.Errorf("%+v reads as %+v, %v", *f, data, err)
	}
}
