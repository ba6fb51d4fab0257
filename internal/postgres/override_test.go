package postgres_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
)

// doctor is a caller who may override what takes a doctor's word.
func (d *desk) doctor() access.Actor {
	a := d.FrontDesk()
	a.Role, a.Scopes, a.Circle = access.Provider, access.ScopesOf(access.Provider), access.NewCircle(treatsAll{})
	a.ProviderID = uuid.New()
	return a
}

// treatsAll are the bonds of a doctor whose patients all are.
type treatsAll struct{ access.Bonds }

func (treatsAll) Grants(context.Context, uuid.UUID, uuid.UUID) ([]access.Grant, error) {
	return nil, nil
}

func (treatsAll) Treated(_ context.Context, _, _ uuid.UUID, patients []uuid.UUID) ([]uuid.UUID, error) {
	return patients, nil
}

func (d *desk) bookOver(a access.Actor, slot availability.SlotID, patient clinic.Ref, rules ...availability.Rule) (appointment.Appointment, error) {
	b, err := d.Book(d.t.Context(), a, appointment.BookVisit{
		Target: appointment.Target{Slot: &slot}, Patient: &patient, Key: key(), Override: &conflict.Override{Rules: rules, Reason: "The mother is here already."},
	})
	return b.Appointment, err
}

func (d *desk) named(patient access.Actor) clinic.Ref {
	return clinic.Ref{Organization: d.Organization, ID: patient.PatientID}
}

// overrides are the rules that a visit was booked over, the newest first.
func (d *desk) overrides(visit appointment.Appointment) (list []appointment.Overridden) {
	d.t.Helper()
	found, err := d.Overrides(d.t.Context(), []clinic.Ref{visit.Ref()})
	if err != nil {
		d.t.Fatal(err)
	}
	return found[visit.Ref()]
}

func TestStaffBookOverSoftRulesWithAReason(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	d.Requiring(`repeat_after = 86400`)
	provider, ann, desk := d.Provider(1), d.Patient(), d.FrontDesk()
	d.books(ann, d.Slot(provider, 10, 0))
	_, err := d.bookOver(desk, d.Slot(provider, 11, 0), d.named(ann), availability.InsideMinimumNotice)
	d.refused(err, availability.DuplicateVisit)
	var refusal appointment.SlotUnavailable
	if errors.As(err, &refusal); !slices.Equal(refusal.Overridable, []availability.Rule{availability.DuplicateVisit}) {
		t.Errorf("overridable: %v", refusal.Overridable)
	}
	visit, err := d.bookOver(desk, d.Slot(provider, 11, 0), d.named(ann), availability.DuplicateVisit, availability.InsideMinimumNotice)
	if err != nil || visit.Status != appointment.Booked {
		t.Fatalf("%+v %v", visit, err)
	}
	over := d.overrides(visit)
	if len(over) != 1 || !slices.Equal(over[0].Rules, []availability.Rule{availability.DuplicateVisit}) || over[0].NeededApproval ||
		over[0].Reason.Reveal() != "The mother is here already." || !over[0].At.Equal(d.clock.Now()) {
		t.Errorf("%+v", over)
	}
	var flags string
	if err := d.pool.QueryRow(t.Context(), `SELECT flags::text FROM audit_events WHERE organization_id = $1 AND entity_id = $2 AND 'overrides' = ANY (fields)
		AND actor_id = $3`, d.Organization, visit.ID, desk.ID).Scan(&flags); err != nil ||
		flags != `[{"key": "booking.conflict-detection", "reason": "EVERYBODY", "enabled": true, "variant": "enforce"}, {"key": "booking.staff-overrides", "reason": "EVERYBODY", "enabled": true}]` {
		t.Errorf("%s %v", flags, err)
	}
	plain := d.books(d.Patient(), d.Slot(provider, 12, 0))
	if over := d.overrides(plain); over != nil {
		t.Errorf("nothing was overridden: %+v", over)
	}
}

func TestWhatTakesADoctorsWordWaitsForIt(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	provider, ann := d.Provider(1), d.Patient()
	lab := d.Kind(provider)
	d.Requiring(`prerequisites = jsonb_build_array(jsonb_build_object('visitKind', $3::uuid, 'within', 7200))`, lab)
	nurse, doctor := d.FrontDesk(), d.doctor()
	asked, err := d.bookOver(nurse, d.Slot(provider, 12, 0), d.named(ann), availability.PrerequisiteMissing)
	if err != nil || asked.Status != appointment.Pending || !d.overrides(asked)[0].NeededApproval {
		t.Fatalf("%+v %v", asked, err)
	}
	approve := func(a access.Actor) error {
		_, err := d.Change(t.Context(), a, appointment.ChangeState{Appointment: asked.Ref(), Action: appointment.Approve})
		return err
	}
	if err := approve(nurse); errs.Of(err) != errs.Forbidden {
		t.Errorf("who asked approves: %v", err)
	}
	if slices.ContainsFunc(d.Actions(nurse, asked, clinic.VisitKind{}), func(s appointment.ActionState) bool { return s.Action == appointment.Approve && s.Allowed }) {
		t.Error("it is offered to them")
	}
	if err := approve(doctor); err != nil {
		t.Errorf("a doctor can't: %v", err)
	}
	own, err := d.bookOver(d.doctor(), d.Slot(provider, 13, 0), d.named(ann), availability.PrerequisiteMissing)
	if err != nil || own.Status != appointment.Booked || d.overrides(own)[0].NeededApproval {
		t.Errorf("%+v %v", own, err)
	}
}

// The database has the last word, whatever the program that calls it thinks.
func TestTheDatabaseLetsADoctorAloneApproveWhatWaitsForOne(t *testing.T) {
	d := newDesk(t).detecting(conflict.Off)
	provider := d.Provider(1)
	slot := d.Slot(provider, 10, 0)
	d.books(d.Patient(), slot)
	visit, err := d.bookOver(d.FrontDesk(), slot, d.named(d.Patient()), availability.ProviderBusy)
	if err != nil || !visit.AwaitsDoctor {
		t.Fatalf("%+v %v", visit, err)
	}
	store := postgres.NewAppointmentStore(postgres.New(d.pool, keytest.Of(t, d.pool)))
	for _, c := range []struct {
		who  access.Actor
		want appointment.Outcome
	}{{d.FrontDesk(), appointment.StaleAppointment}, {d.doctor(), appointment.Done}} {
		source := clinic.Source{Clock: d.clock, NewID: uuid.New}
		w := appointment.StateWrite{Write: appointment.Write{Stamp: source.Stamp(c.who)}, From: visit, To: appointment.After(visit, appointment.Approve, d.clock.Now())}
		if answer, err := store.Change(t.Context(), w); err != nil || answer.Outcome != c.want {
			t.Errorf("%s approves: %s %v", c.who.Role, answer.Outcome, err)
		}
	}
}

// Staying within a cap that is passed already breaks nothing anew, and isn't a doctor's word either.
func TestWhoAsksForADoctorsWordDoesNotGetRoundItByMoving(t *testing.T) {
	d := newDesk(t).detecting(conflict.Off)
	provider := d.Provider(1)
	d.Set(`UPDATE providers SET max_daily_appointments = 1 WHERE organization_id = $1`)
	d.books(d.Patient(), d.Slot(provider, 10, 0))
	nurse := d.FrontDesk()
	visit, err := d.bookOver(nurse, d.Slot(provider, 11, 0), d.named(d.Patient()), availability.DailyCapReached)
	if err != nil || !visit.AwaitsDoctor {
		t.Fatalf("%+v %v", visit, err)
	}
	to := d.Slot(provider, 12, 0)
	if _, err := d.Move(t.Context(), nurse, appointment.MoveVisit{Appointment: visit.Ref(), Target: appointment.Target{Slot: &to}, Key: key()}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Change(t.Context(), nurse, appointment.ChangeState{Appointment: visit.Ref(), Action: appointment.Approve}); errs.Of(err) != errs.Forbidden {
		t.Errorf("who asked approves: %v", err)
	}
	if _, err := d.Change(t.Context(), d.doctor(), appointment.ChangeState{Appointment: visit.Ref(), Action: appointment.Approve}); err != nil {
		t.Error(err)
	}
}

func TestAVisitIsSqueezedIntoTheOverflowLaneOneAtATime(t *testing.T) {
	d := newDesk(t).detecting(conflict.Off)
	provider := d.Provider(1)
	slot := d.Slot(provider, 10, 0)
	d.books(d.Patient(), slot)
	ann, ben := d.Patient(), d.Patient()
	if _, err := d.bookOver(d.FrontDesk(), slot, d.named(ann), availability.DuplicateVisit); !errors.As(err, new(appointment.SlotTaken)) {
		t.Errorf("without asking: %v", err)
	}
	squeezed, err := d.bookOver(d.FrontDesk(), slot, d.named(ann), availability.ProviderBusy)
	if err != nil || squeezed.Status != appointment.Pending || !slices.Equal(d.overrides(squeezed)[0].Rules, []availability.Rule{availability.ProviderBusy}) {
		t.Fatalf("%+v %v", squeezed, err)
	}
	if _, err := d.bookOver(d.FrontDesk(), slot, d.named(ben), availability.ProviderBusy); !errors.As(err, new(appointment.SlotTaken)) {
		t.Errorf("a second one: %v", err)
	}
	if free := d.free(provider, access.Nobody("r")); len(free) != 15 {
		t.Errorf("the overflow lane takes openings: %d", len(free))
	}
	next, err := d.bookOver(d.FrontDesk(), d.Slot(provider, 11, 0), d.named(ben), availability.ProviderBusy)
	if err != nil || next.Status != appointment.Booked || d.overrides(next) != nil {
		t.Errorf("where there is room nothing is squeezed: %+v %v", next, err)
	}
}

func TestCapsAreBookedOver(t *testing.T) {
	d := newDesk(t).detecting(conflict.Off)
	provider := d.Provider(1)
	d.Set(`UPDATE providers SET max_daily_appointments = 1 WHERE organization_id = $1`)
	d.books(d.Patient(), d.Slot(provider, 10, 0))
	ann := d.Patient()
	_, err := d.bookOver(d.FrontDesk(), d.Slot(provider, 11, 0), d.named(ann), availability.ProviderBusy)
	d.refused(err, availability.DailyCapReached)
	visit, err := d.bookOver(d.FrontDesk(), d.Slot(provider, 11, 0), d.named(ann), availability.DailyCapReached)
	if err != nil || visit.Status != appointment.Pending || !slices.Equal(d.overrides(visit)[0].Rules, []availability.Rule{availability.DailyCapReached}) {
		t.Errorf("%+v %v", visit, err)
	}
}

func TestNobodyBooksOverHardRulesOrWithoutTheRight(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	provider, ann := d.Provider(1), d.Patient()
	slot := d.Slot(provider, 10, 0)
	scopeless := d.FrontDesk()
	scopeless.Scopes = slices.DeleteFunc(scopeless.Scopes, func(s string) bool { return s == access.ConflictsOverride })
	for name, test := range map[string]struct {
		by    access.Actor
		over  conflict.Override
		kind  errs.Kind
		field []string
	}{
		"a hard rule":   {d.FrontDesk(), conflict.Override{Rules: []availability.Rule{availability.DuplicateVisit, availability.PatientBusy}, Reason: "x"}, errs.InvalidInput, []string{"override", "rules", "1"}},
		"without words": {d.FrontDesk(), conflict.Override{Rules: []availability.Rule{availability.DuplicateVisit}, Reason: " "}, errs.InvalidInput, []string{"override", "reason"}},
		"nothing":       {d.FrontDesk(), conflict.Override{Reason: "x"}, errs.InvalidInput, []string{"override", "rules"}},
		"a patient":     {ann, conflict.Override{Rules: []availability.Rule{availability.DuplicateVisit}, Reason: "x"}, errs.Forbidden, []string{"override"}},
		"no scope":      {scopeless, conflict.Override{Rules: []availability.Rule{availability.DuplicateVisit}, Reason: "x"}, errs.Forbidden, []string{"override"}},
	} {
		patient := d.named(ann)
		_, err := d.Book(t.Context(), test.by, appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Patient: &patient, Key: key(), Override: &test.over})
		var e *errs.Error
		if errs.Of(err) != test.kind || !errors.As(err, &e) || !slices.Equal(e.Path, test.field) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d.Detecting(nil)
	var off errs.FeatureOff
	if _, err := d.bookOver(d.FrontDesk(), slot, d.named(ann), availability.DuplicateVisit); !errors.As(err, &off) || off.Feature != conflict.OverridesKey {
		t.Errorf("while the feature is off: %v", err)
	}
}

// What was done under a key is answered, whatever its flag says by now.
func TestWhatWasBookedOverARuleIsAnsweredOnceTheFeatureIsOff(t *testing.T) {
	d := newDesk(t).detecting(conflict.Enforce)
	d.Requiring(`repeat_after = 86400`)
	provider, ann, desk := d.Provider(1), d.Patient(), d.FrontDesk()
	d.books(ann, d.Slot(provider, 10, 0))
	slot, patient := d.Slot(provider, 11, 0), d.named(ann)
	in := appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Patient: &patient, Key: key(),
		Override: &conflict.Override{Rules: []availability.Rule{availability.DuplicateVisit}, Reason: "Asked for by the practice"}}
	first, err := d.Book(t.Context(), desk, in)
	if err != nil {
		t.Fatal(err)
	}
	d.Detecting(nil)
	again, err := d.Book(t.Context(), desk, in)
	if err != nil || !again.Replayed || again.Appointment.ID != first.Appointment.ID {
		t.Errorf("%+v %v", again, err)
	}
	in.Key = key()
	if _, err := d.Book(t.Context(), desk, in); !errors.As(err, new(errs.FeatureOff)) {
		t.Errorf("under another key: %v", err)
	}
}

// What nobody may be asked for isn't offered.
func TestNothingIsOverridableWhileTheFeatureIsOff(t *testing.T) {
	for _, on := range []bool{false, true} {
		d := newDesk(t)
		db := postgres.New(d.pool, keytest.Of(t, d.pool))
		d.Detecting(conflict.NewDetection(postgres.NewConflictStore(db), conflict.Fixed{Mode: conflict.Enforce, Overrule: on}, conflict.DefaultBudget(), nil, nil, d.clock, clock.Uptime))
		d.Requiring(`repeat_after = 86400`)
		provider, ann := d.Provider(1), d.Patient()
		d.books(ann, d.Slot(provider, 10, 0))
		want := []availability.Rule{}
		if on {
			want = append(want, availability.DuplicateVisit)
		}
		slot, patient := d.Slot(provider, 11, 0), d.named(ann)
		explained, err := d.Explain(t.Context(), d.FrontDesk(), slot, &patient)
		if err != nil || !slices.Equal(explained.BlockedBy, []availability.Rule{availability.DuplicateVisit}) || !slices.Equal(explained.Overridable, want) {
			t.Errorf("on: %t, explained as %v, overridable %v: %v", on, explained.BlockedBy, explained.Overridable, err)
		}
		_, err = d.Book(t.Context(), d.FrontDesk(), appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Patient: &patient, Key: key()})
		d.refused(err, availability.DuplicateVisit)
		var refusal appointment.SlotUnavailable
		if errors.As(err, &refusal); refusal.Overridable == nil || !slices.Equal(refusal.Overridable, want) {
			t.Errorf("on: %t, refused with %v overridable", on, refusal.Overridable)
		}
		if _, err := d.bookOver(d.FrontDesk(), slot, patient, availability.DuplicateVisit); errors.As(err, new(errs.FeatureOff)) == on {
			t.Errorf("on: %t, booked over: %v", on, err)
		}
	}
}
