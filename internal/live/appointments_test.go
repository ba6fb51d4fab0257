package live

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// ward is a clinic whose appointments are numbered things, of which some are ann's. It notes what is looked for and what is read.
type ward struct {
	*town
	ann   access.Actor
	own   map[uuid.UUID]bool
	many  bool // hers are more than are read one by one
	busy  int  // looks for hers that fail
	looks int
	read  []Interest
}

func newWard() *ward {
	ann := access.Actor{Kind: access.Patient, ID: uuid.UUID{15: 98}, Organization: org, Role: access.PatientRole, PatientID: uuid.UUID{15: 99}}
	return &ward{town: newTown(), ann: ann, own: map[uuid.UUID]bool{}}
}

func visit(n int) uuid.UUID { return uuid.UUID{13: 1, 14: byte(n >> 8), 15: byte(n)} }

// write writes of an appointment with a provider.
func (w *ward) write(n int, with byte) {
	w.entries = append(w.entries, Entry{Position: w.last() + 1, Organization: org, Provider: uuid.UUID{15: with}, Appointment: visit(n)})
}

func (w *ward) MayFollow(context.Context, access.Actor, *clinic.Ref) error { return nil }

func (w *ward) Appointments(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref]appointment.Appointment, error) {
	return map[clinic.Ref]appointment.Appointment{refs[0]: {OrganizationID: org, ID: refs[0].ID}}, nil
}

func (w *ward) Concerns(_ context.Context, refs []clinic.Ref) (map[clinic.Ref]appointment.Concern, error) {
	found := map[clinic.Ref]appointment.Concern{}
	for _, r := range refs {
		if found[r] = (appointment.Concern{Patient: uuid.UUID{15: 1}}); w.own[r.ID] {
			found[r] = appointment.Concern{Patient: w.ann.PatientID}
		}
	}
	return found, nil
}

// Concerning fails when nobody listens yet: what was made between the look and that would be passed over.
func (w *ward) Concerning(_ context.Context, _ access.Actor, most int) (refs []clinic.Ref, all bool, err error) {
	w.looks++
	if w.hub.Listeners() == 0 || most != mostConcerning {
		return nil, false, fmt.Errorf("%d listen, at most %d are looked for", w.hub.Listeners(), most)
	}
	if w.busy > 0 {
		w.busy--
		return nil, false, errs.TryAgain(nil)
	}
	for id := range w.own {
		refs = append(refs, clinic.Ref{Organization: org, ID: id})
	}
	return refs, !w.many, nil
}

func (w *ward) ReadOf(_ context.Context, of Interest, after Cursor, upto int64, limit int) ([]Entry, Cursor, error) {
	w.read = append(w.read, of)
	var found []Entry
	for _, e := range w.entries {
		wanted := slices.Contains(of.Organizations, e.Organization) || slices.Contains(of.Providers, e.ProviderRef()) ||
			slices.Contains(of.Appointments, clinic.Ref{Organization: e.Organization, ID: e.Appointment})
		if e.Position > after.Position && e.Position <= upto && wanted && len(found) < limit {
			found = append(found, e)
		}
	}
	if after.Position = upto; len(found) == limit {
		after.Position = found[limit-1].Position
	}
	return found, after, nil
}

func (w *ward) follow(t *testing.T, who access.Actor, provider *clinic.Ref, after *string) Stream {
	t.Helper()
	streams := Streams{Hub: w.hub, Log: w, Clock: w.clock, Visits: w, Concerns: NewConcerns(w, w.clock)}
	s, err := streams.Appointments(t.Context(), who, provider, after)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if _, ok := next(t, s).(StreamReady); !ok {
		t.Fatal("doesn't begin")
	}
	return s
}

// told are the appointments told of until nothing is left.
func (w *ward) told(t *testing.T, s Stream) (list []int) {
	t.Helper()
	for {
		e, err := s.(Patient).Poll(t.Context())
		switch e := e.(type) {
		case nil:
			if err != nil {
				t.Fatal(err)
			}
			return list
		case AppointmentChanged:
			list = append(list, int(e.Appointment.ID[14])<<8+int(e.Appointment.ID[15]))
		default:
			t.Fatalf("told %+v", e)
		}
	}
}

func TestWhoComesBackForTheirAppointmentsReadsNothingOfOthers(t *testing.T) {
	doctor := clinic.Ref{Organization: org, ID: uuid.UUID{15: 7}}
	desk := access.Actor{Kind: access.Staff, ID: uuid.UUID{15: 97}, Organization: org, Role: access.FrontDesk, Scopes: access.ScopesOf(access.FrontDesk)}
	for name, c := range map[string]struct {
		who      func(*ward) access.Actor
		provider *clinic.Ref
		many     bool
		others   int // entries about them
		told     []int
		of       string // what is read
	}{
		"a patient":                    {who: (*ward).patient, others: mostReplayed, told: []int{3, 5, 4}, of: "appointments"},
		"a patient of one provider":    {who: (*ward).patient, provider: &doctor, others: mostReplayed, told: []int{3, 4}, of: "appointments"},
		"a patient of very many":       {who: (*ward).patient, many: true, others: 1200, told: []int{3, 5, 4}, of: "organizations"},
		"one of very many, with one":   {who: (*ward).patient, provider: &doctor, many: true, others: 1200, told: []int{3, 4}, of: "providers"},
		"a front desk":                 {who: func(*ward) access.Actor { return desk }, others: 1, told: []int{3, 300, 5, 4}, of: "organizations"},
		"a front desk of one provider": {who: func(*ward) access.Actor { return desk }, provider: &doctor, others: 1, told: []int{3, 4}, of: "providers"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWard()
			w.many = c.many
			w.own[visit(3)], w.own[visit(4)], w.own[visit(5)] = true, true, true
			begun := w.hub.At().String()
			w.write(3, 7) // and from there to another
			for n := range c.others {
				w.write(300+n%1200, 8)
			}
			w.write(3, 8)
			w.write(5, 8)
			w.write(4, 7)
			w.relay(w.last())
			s := w.follow(t, c.who(w), c.provider, &begun)
			if got := w.told(t, s); !slices.Equal(got, c.told) {
				t.Errorf("told %v, not %v", got, c.told)
			}
			for _, of := range w.read {
				parts := map[string]int{"appointments": len(of.Appointments), "organizations": len(of.Organizations), "providers": len(of.Providers)}
				if n := parts[c.of]; n == 0 || n != len(of.Appointments)+len(of.Organizations)+len(of.Providers) {
					t.Errorf("read %+v", of)
				}
			}
		})
	}
}

func (w *ward) patient() access.Actor { return w.ann }

func TestWhoBeginsNowLooksForNoAppointmentsUntilTooMuchIsOffered(t *testing.T) {
	w := newWard()
	w.own[visit(3)] = true
	s := w.follow(t, w.ann, nil, nil)
	if got := w.told(t, s); w.looks != 0 || len(w.read) != 0 || len(got) != 0 {
		t.Errorf("%d looks, read %v, told %v", w.looks, w.read, got)
	}
	for n := range mostPending + 1 {
		w.write(300+n, 8)
	}
	w.write(3, 8)
	w.own[visit(4)] = true // made meanwhile
	w.write(4, 8)
	w.relay(w.last())
	w.busy = 1
	var got []int
	for range 3 { // the first finds the look busy, the second reads
		got = append(got, w.told(t, s)...)
	}
	if !slices.Equal(got, []int{3, 4}) {
		t.Errorf("told %v", got)
	}
	if w.looks != 2 || len(w.read) != 1 || len(w.read[0].Appointments) != 2 {
		t.Errorf("%d looks, read %v", w.looks, w.read)
	}
}
