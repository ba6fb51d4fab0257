package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/closure"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

func TestWhoArrivesOrBeginsBeforeTheirTurnStays(t *testing.T) {
	d := newIllDesk(t)
	d.clock.Set(sample.Monday.Add(13 * time.Hour)) // nine o'clock
	own := d.Provider(1)
	first, begun, here := d.visit(d.Slot(own, 9, 30)), d.visit(d.Slot(own, 10, 0)), d.visit(d.Slot(own, 15, 0))
	c := d.closes(d.monday(own, closure.RebookInput{Mode: closure.Book}))
	if n, err := d.close.Rebook(context.Background(), 1); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if _, err := d.Change(context.Background(), d.FrontDesk(), appointment.ChangeState{Appointment: here.Ref(), Action: appointment.Arrive}); err != nil {
		t.Fatal(err)
	}
	d.clock.Set(begun.Start)
	if c = d.rebooks(c); c.State != closure.Done || c.Progress != (closure.Progress{Affected: 3, Moved: 1, Kept: 2}) {
		t.Errorf("in the end: %+v", c.Progress)
	}
	items := d.items(c)
	for i, why := range []closure.Cause{"", closure.Begun, closure.Arrived} {
		if items[i].Cause != why {
			t.Errorf("the %d. item is settled as %+v", i+1, items[i])
		}
	}
	for _, ap := range []appointment.Appointment{begun, here} {
		if now := d.stands(ap); now.Slot() != ap.Slot() {
			t.Errorf("%s was moved to %s", ap.Start, now.Start)
		}
	}
	if now := d.stands(first); now.Slot() == first.Slot() {
		t.Error("whose turn had come stays")
	}
}
