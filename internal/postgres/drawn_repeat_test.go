package postgres_test

import (
	"context"
	"slices"
	"time"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/provider"
)

// added adds an exception, which may have begun weeks before and return after it, and answers each time of it as it was asked for.
func (d *drawn) added(in provider.AddException) []provider.Exception {
	if d.one(3, "returns") {
		days := 7 * rapid.IntRange(1, 2).Draw(d.T, "weeks")
		begun := days * rapid.IntRange(0, 2).Draw(d.T, "begun")
		in.From.Date, in.To.Date = in.From.Date.AddDays(-begun), in.To.Date.AddDays(-begun)
		in.Repeat = &provider.AddRepeat{EveryWeeks: days / 7, Until: in.From.Date.AddDays(days*rapid.IntRange(2, 4).Draw(d.T, "times") + 3)}
		if d.one(3, "but for one") {
			in.Repeat.Except = []civil.Date{in.From.Date.AddDays(days)}
		}
	}
	first := must[provider.Exception](d)(d.providers.AddException(context.Background(), d.admin, in))
	if in.Repeat == nil {
		return []provider.Exception{first}
	}
	ids := d.timesOf(first.ID)
	var times []provider.Exception
	for day := in.From.Date; !day.After(in.Repeat.Until); day = day.AddDays(7 * in.Repeat.EveryWeeks) {
		if slices.Contains(in.Repeat.Except, day) {
			continue
		}
		e := first
		e.ID, e.From.Date, e.To.Date = ids[day], day, in.To.Date.AddDays(day.DaysSince(in.From.Date))
		times = append(times, e)
	}
	if len(ids) != len(times) || slices.ContainsFunc(times, func(e provider.Exception) bool { return e.ID == uuid.Nil }) {
		d.Fatalf("%d times were asked for, and %v are there", len(times), ids)
	}
	return times
}

// timesOf finds the ids of what was added with a first one, by the date.
func (d *drawn) timesOf(first uuid.UUID) map[civil.Date]uuid.UUID {
	rows, err := d.pool.Query(context.Background(), `SELECT id, local_from FROM schedule_exceptions WHERE repeat_id = $1`, first)
	if err != nil {
		d.Fatal(err)
	}
	defer rows.Close()
	ids := map[civil.Date]uuid.UUID{}
	for rows.Next() {
		var id uuid.UUID
		var from time.Time
		if err := rows.Scan(&id, &from); err != nil {
			d.Fatal(err)
		}
		ids[civil.DateOf(from)] = id
	}
	return ids
}

// without takes one of the exceptions back, or with it those that it repeats with after it, and answers those that are left.
func (d *drawn) without(list []provider.Exception, i int) []provider.Exception {
	e, part := list[i], rapid.SampledFrom([]provider.Part{provider.This, provider.ThisAndLater, provider.AllTimes}).Draw(d.T, "part")
	removed, err := d.providers.RemoveException(context.Background(), d.admin, d.ref(e.ID), part)
	if err != nil {
		d.Fatal(err)
	}
	left := slices.DeleteFunc(slices.Clone(list), func(o provider.Exception) bool {
		together := e.Repeat != nil && o.Repeat == e.Repeat
		return o.ID == e.ID || together && part == provider.AllTimes || together && part == provider.ThisAndLater && o.From.After(e.From)
	})
	if len(left) != len(list)-len(removed) {
		d.Fatalf("%s of %v took back %d of %d", part, e.From, len(removed), len(list))
	}
	return left
}
