package resolvers_test

import (
	"context"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// searchRoom finds the one slot.
type searchRoom struct{ *rooms }

func (r searchRoom) match() availability.Match {
	return availability.Match{
		Desk:          availability.Desk{Provider: clinic.Ref{Organization: r.organization.ID, ID: r.provider.ID}, Location: r.location.ID},
		NextAvailable: r.slot,
	}
}

func (r searchRoom) Search(_ context.Context, _ access.Actor, q availability.Search, _ availability.Order, _ paging.Window) (availability.Found, error) {
	r.note("Search", q)
	return availability.Found{Page: pageOf(r.match()), StreamCursor: "here"}, r.fail
}

func (r searchRoom) CountMatches(context.Context, access.Actor, availability.Search) (int, error) {
	return 1, r.fail
}

func (r searchRoom) Matches(_ context.Context, _ access.Actor, ids []availability.MatchID) (map[availability.MatchID]availability.Match, error) {
	r.note("Matches", ids)
	return only(ids, ids[0], r.match()), nil
}

func (r searchRoom) Calendar(_ context.Context, _ access.Actor, q availability.Search, days availability.Days) (availability.Calendar, error) {
	r.note("Calendar", q)
	list := make([]availability.CalendarDay, days.Count)
	for i := range list {
		list[i] = availability.CalendarDay{Date: days.From.AddDays(i), Level: availability.DayClosed}
	}
	next := civil.DateOf(r.slot.Start)
	return availability.Calendar{Days: list, TimeZone: r.slot.TimeZone, NextDayWithOpenings: &next, StreamCursor: "here"}, r.fail
}
