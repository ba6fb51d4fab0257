package intake

import (
	"context"
	"slices"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/provider"
)

// follow sets weekly hours from a day on, unless they are in force on that day and on the last.
func (c *clerk) follow(ctx context.Context, by, at clinic.Ref, hours []provider.WeeklyHours, from civil.Date, until *civil.Date) (changed bool, err error) {
	same, err := c.inForce(ctx, by, at, hours, from)
	if err == nil && same && until != nil {
		same, err = c.inForce(ctx, by, at, hours, *until)
	}
	if err != nil || same {
		return false, err
	}
	return true, patiently(ctx, func() error {
		_, err := c.into.SetSchedule(ctx, c.actor, provider.SetSchedule{
			Provider: by, Location: at, EffectiveFrom: from, EffectiveUntil: until, Hours: asked(c.organization, hours),
		})
		return err
	})
}

func (c *clerk) inForce(ctx context.Context, by, at clinic.Ref, hours []provider.WeeklyHours, on civil.Date) (same bool, err error) {
	known, err := c.hoursOn(ctx, by, at, on)
	return slices.EqualFunc(known, hours, sameWeekly), err
}

func (c *clerk) hoursOn(ctx context.Context, by, at clinic.Ref, on civil.Date) (known []provider.WeeklyHours, err error) {
	err = patiently(ctx, func() (err error) {
		known, err = c.into.WeeklyHours(ctx, c.actor, by, at, &on)
		return err
	})
	return known, err
}

func sameWeekly(a, b provider.WeeklyHours) bool {
	return a.Weekday == b.Weekday && a.Hours.Same(b.Hours)
}

// asked writes hours as an input: times of day, where one at or before the opening is of the next day.
func asked(organization uuid.UUID, hours []provider.WeeklyHours) []provider.WeeklyOpening {
	list := make([]provider.WeeklyOpening, len(hours))
	for i, h := range hours {
		to := h.To
		if to > minutesPerDay {
			to -= minutesPerDay
		}
		list[i] = provider.WeeklyOpening{Weekday: h.Weekday, Opening: provider.Opening{
			From: provider.At(0, h.From), To: provider.At(0, to), Capacity: h.Capacity, VisitKinds: refs(organization, h.VisitKinds),
		}}
	}
	return list
}

// refs are absent where ids are.
func refs(organization uuid.UUID, ids []uuid.UUID) (list []clinic.Ref) {
	for _, id := range ids {
		list = append(list, ref(organization, id))
	}
	return list
}
