package postgres_test

import (
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

func (p *post) act(a appointment.Appointment, actions ...appointment.Action) {
	p.t.Helper()
	for _, action := range actions {
		if _, err := p.Change(p.t.Context(), p.FrontDesk(), appointment.ChangeState{Appointment: a.Ref(), Action: action}); err != nil {
			p.t.Fatal(action, err)
		}
	}
}

func TestNewsThatAMistakenCheckInTookBackIsToldOnceTheVisitIsRestored(t *testing.T) {
	mistake := []appointment.Action{appointment.CheckIn, appointment.Undo}
	for name, c := range map[string]struct {
		do   func(p *post, a appointment.Appointment)
		want []reminder.Kind
	}{
		"told before": {func(p *post, a appointment.Appointment) { p.carry(); p.act(a, mistake...) }, []reminder.Kind{reminder.Confirmation}},
		"planned, and not told": {func(p *post, a appointment.Appointment) {
			p.plan()
			p.act(a, mistake...)
		}, []reminder.Kind{reminder.Confirmation}},
		"not planned": {func(p *post, a appointment.Appointment) { p.act(a, mistake...) }, []reminder.Kind{reminder.Confirmation}},
		"not planned, and that was noted before": {func(p *post, a appointment.Appointment) {
			p.act(a, appointment.CheckIn)
			p.carry()
			p.act(a, appointment.Undo)
		}, []reminder.Kind{reminder.Confirmation}},
		"a move that wasn't told": {func(p *post, a appointment.Appointment) {
			p.carry()
			p.move(a, a.Start.Add(2*time.Hour))
			p.plan()
			p.act(a, mistake...)
		}, []reminder.Kind{reminder.Confirmation, reminder.Change}},
		"a move that wasn't planned": {func(p *post, a appointment.Appointment) {
			p.carry()
			p.move(a, a.Start.Add(2*time.Hour))
			p.act(a, mistake...)
		}, []reminder.Kind{reminder.Confirmation, reminder.Change}},
		"confirmed by mistake": {func(p *post, a appointment.Appointment) {
			p.plan()
			p.act(a, appointment.Confirm, appointment.Undo)
		}, []reminder.Kind{reminder.Confirmation}},
		"checked in": {func(p *post, a appointment.Appointment) { p.plan(); p.act(a, appointment.CheckIn) }, nil},
		"twice": {func(p *post, a appointment.Appointment) {
			p.plan()
			p.act(a, mistake...)
			p.carry()
			p.act(a, mistake...)
		}, []reminder.Kind{reminder.Confirmation}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			c.do(p, p.booked())
			p.carry()
			p.carry()
			if !alike(p.sms.told(), c.want...) || len(p.email.letters) != 0 {
				t.Fatalf("told %v %v, want %v; %v", p.sms.told(), p.email.told(), c.want, p.states())
			}
		})
	}
}

func (p *post) plan() {
	p.t.Helper()
	if _, err := p.Service.Plan(p.t.Context(), 100); err != nil {
		p.t.Fatal(err)
	}
}

func TestAMoveIsToldAfterALongOutageAndABookingThatIsTooOldLeavesWordOfIt(t *testing.T) {
	p := newPost(t)
	p.clock.Set(onMonday(-12, 0))
	moved := p.booked()
	p.carry()
	p.move(moved, moved.Start.Add(2*time.Hour))
	if _, err := p.book(p.patient(), p.Slot(p.Provider(2), 16, 0)); err != nil {
		t.Fatal(err)
	}
	p.clock.Set(onMonday(9, 0))
	p.carry()
	p.carry()
	if !alike(p.sms.told(), reminder.Confirmation, reminder.Change) {
		t.Fatalf("told %v; %v", p.sms.told(), p.states())
	}
	if p.states()["SMS EXPIRED TOO_LATE"] != 1 || len(p.alerts) != 1 || p.alerts[0].State != reminder.Expired || !p.alerts[0].Grave {
		t.Fatalf("of the booking there is %v, and alerts %+v", p.states(), p.alerts)
	}
	if n := p.number(`SELECT count(*) FROM messages WHERE organization_id = $1 AND state = 'EXPIRED' AND ended_at IS NOT NULL AND due_at IS NULL`); n != 1 {
		t.Fatalf("%d of what expired has ended", n)
	}
}
