package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// lasting gives the clinic's kind of visit another length.
func (d *desk) lasting(length time.Duration) {
	d.Set(`UPDATE visit_kinds SET duration = $2 WHERE organization_id = $1`, int(length.Seconds()))
	d.Set(`UPDATE providers SET schedule_revision = schedule_revision + 1 WHERE organization_id = $1`)
}

// openUntil lets all hours end at a minute of the day.
func (d *desk) openUntil(minute int) {
	d.Set(`UPDATE schedules SET weekly = (SELECT jsonb_agg(jsonb_set(w, '{to}', to_jsonb($2::int))) FROM jsonb_array_elements(weekly) w)
		WHERE organization_id = $1`, minute)
	d.Set(`UPDATE providers SET schedule_revision = schedule_revision + 1 WHERE organization_id = $1`)
}

func (d *desk) outside(provider clinic.Ref, w paging.Window) paging.Page[appointment.Appointment] {
	d.t.Helper()
	page, err := d.OutsideHours(context.Background(), d.FrontDesk(), appointment.Clash{
		Organization: d.Organization, Provider: provider.ID, From: sample.Monday, To: sample.Monday.AddDate(1, 0, 0),
	}, w)
	if err != nil {
		d.t.Fatal(err)
	}
	return page
}

func TestAVisitIsOutsideTheHoursByItsOwnLength(t *testing.T) {
	const five = 17 * 60
	for why, c := range map[string]struct {
		booked, now time.Duration
		until, want int
	}{
		"as it was":                       {30 * time.Minute, 30 * time.Minute, five, 0},
		"the kind has grown":              {30 * time.Minute, 90 * time.Minute, five, 0},
		"the hours end with the visit":    {30 * time.Minute, 90 * time.Minute, five - 30, 0},
		"the hours end a minute too soon": {30 * time.Minute, 30 * time.Minute, five - 31, 1},
		"the kind has shrunk":             {time.Hour, 30 * time.Minute, five - 1, 1},
		"the hours end before it":         {time.Hour, 30 * time.Minute, five - 60, 1},
	} {
		t.Run(why, func(t *testing.T) {
			d := newDesk(t)
			provider := d.Provider(1)
			d.lasting(c.booked)
			if _, err := d.book(d.Patient(), d.Slot(provider, 16, 0)); err != nil {
				t.Fatal(err)
			}
			d.lasting(c.now)
			d.openUntil(c.until)
			if got := d.outside(provider, everything).Items; len(got) != c.want {
				t.Errorf("%d visits are outside the hours, want %d", len(got), c.want)
			}
		})
	}
}

// Thousands of visits that fit stand before the first that doesn't.
func TestVisitsOutsideTheHoursAreFoundHoweverManyFit(t *testing.T) {
	d := newDesk(t)
	provider := d.Provider(1)
	early, err := d.book(d.Patient(), d.Slot(provider, 9, 0))
	if err != nil {
		t.Fatal(err)
	}
	var late []uuid.UUID
	for _, minute := range []int{0, 30} {
		b, err := d.book(d.Patient(), d.Slot(provider, 16, minute))
		if err != nil {
			t.Fatal(err)
		}
		late = append(late, b.Appointment.ID)
	}
	d.Set(`INSERT INTO appointments SELECT (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid()))).*
		FROM appointments a, generate_series(1, 5200) WHERE a.organization_id = $1 AND a.id = $2`, early.Appointment.ID)
	d.openUntil(16 * 60)
	first := d.outside(provider, paging.Window{Size: 1})
	if len(first.Items) != 1 || first.Items[0].ID != late[0] || !first.HasNext {
		t.Fatalf("the first page has %d visits, and more: %v", len(first.Items), first.HasNext)
	}
	after := appointment.Key(first.Items[0], appointment.StartAscending)
	second := d.outside(provider, paging.Window{Size: 1, After: after})
	if len(second.Items) != 1 || second.Items[0].ID != late[1] || second.HasNext || !second.HasPrevious {
		t.Fatalf("the second page has %d visits, and more: %v", len(second.Items), second.HasNext)
	}
	last := d.outside(provider, paging.Window{Size: 1, Backward: true})
	if len(last.Items) != 1 || last.Items[0].ID != late[1] || !last.HasPrevious {
		t.Fatalf("the last page has %d visits, and more before: %v", len(last.Items), last.HasPrevious)
	}
	if before := d.outside(provider, paging.Window{Size: 5, Backward: true, Before: after}); len(before.Items) != 0 {
		t.Errorf("%d visits before the first", len(before.Items))
	}
}
