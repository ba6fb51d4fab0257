package app

import (
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

const (
	seriesOptions = `query($slot: ID!, $weeks: Int!, $count: Int!, $patient: ID) { seriesOptions(firstSlotId: $slot, everyWeeks: $weeks, count: $count, patientId: $patient) {
		index start localStart timeZone slot { id } blockedBy alternatives(limit: 2) { id start } } }`
	bookThem = `mutation($input: BookSeriesInput!) { bookSeries(input: $input) { replayed skipped { index blockedBy }
		series { id everyWeeks appointments { totalCount edges { node { id localStart seriesIndex series { id } } } } }
		errors { __typename ... on UserError { code path } ... on SeriesUnavailableError { dates { index blockedBy alternatives(limit: 1) { id } } } ... on LimitReachedError { reached limit inUse } } } }`
	moveThem   = `mutation($input: RescheduleSeriesInput!) { rescheduleSeries(input: $input) { replayed appointments { localStart version } errors { __typename ... on UserError { code path } } } }`
	cancelThem = `mutation($input: CancelSeriesInput!) { cancelSeries(input: $input) { replayed fee { minorUnits } appointments { status } errors { __typename ... on UserError { code path } } } }`
)

func TestAPatientBooksASeriesWithAnAlternativeForWhatIsTakenThenMovesAndCancelsTheRest(t *testing.T) {
	a := newAPI(t)
	of, me := a.clinic.Provider(1), a.clinic.Patient()
	mine := a.by(me)
	slot := a.clinic.Slot(of, 10, 0)
	first := globalid.OfSlot(slot)
	taken := slot
	taken.Start = taken.Start.AddDate(0, 0, 14)
	a.booked(t, globalid.OfSlot(taken), a.clinic.Patient())

	seen := mine.Post(t, seriesOptions, vars{"slot": first, "weeks": 1, "count": 4}).OK(t)
	if seen.Text("seriesOptions", 0, "slot", "id") != first || seen.Data("seriesOptions", 2, "slot") != nil || seen.Text("seriesOptions", 2, "blockedBy", 0) != "PROVIDER_BUSY" ||
		seen.Text("seriesOptions", 3, "localStart") != "2026-06-29T10:00:00" || seen.Text("seriesOptions", 2, "alternatives", 0, "start") == "" {
		t.Fatalf("%s", seen.Raw)
	}
	input := vars{"firstSlotId": first, "everyWeeks": 1, "count": 4, "reason": "Physiotherapy", "idempotencyKey": "a"}
	refused := mine.Post(t, bookThem, vars{"input": input}).OK(t)
	if refused.Text("bookSeries", "errors", 0, "__typename") != "SeriesUnavailableError" || refused.Text("bookSeries", "errors", 0, "code") != "SLOT_UNAVAILABLE" ||
		refused.Data("bookSeries", "errors", 0, "dates", 0, "index") != 2.0 || refused.Data("bookSeries", "errors", 0, "dates", 1) != nil {
		t.Fatalf("%s", refused.Raw)
	}
	other := refused.Text("bookSeries", "errors", 0, "dates", 0, "alternatives", 0, "id")
	input["choices"], input["idempotencyKey"] = []vars{{"index": 2, "slotId": other}}, "b"
	visit := ""
	for _, again := range []bool{false, true} {
		done := mine.Post(t, bookThem, vars{"input": input}).OK(t)
		if done.Data("bookSeries", "series", "appointments", "totalCount") != 4.0 || done.Data("bookSeries", "replayed") != again ||
			done.Text("bookSeries", "series", "appointments", "edges", 3, "node", "localStart") != "2026-06-29T10:00:00" ||
			done.Data("bookSeries", "series", "appointments", "edges", 2, "node", "seriesIndex") != 2.0 ||
			done.Text("bookSeries", "series", "appointments", "edges", 0, "node", "series", "id") != done.Text("bookSeries", "series", "id") {
			t.Fatalf("%s", done.Raw)
		}
		visit = done.Text("bookSeries", "series", "appointments", "edges", 1, "node", "id")
	}
	target := a.clinic.Slot(of, 15, 30)
	target.Start = target.Start.AddDate(0, 0, 8)
	moved := mine.Post(t, moveThem, vars{"input": vars{"appointmentId": visit, "slotId": globalid.OfSlot(target), "expectedVersion": 1, "idempotencyKey": "m"}}).OK(t)
	if moved.Text("rescheduleSeries", "appointments", 0, "localStart") != "2026-06-16T15:30:00" || moved.Text("rescheduleSeries", "appointments", 2, "localStart") != "2026-06-30T15:30:00" ||
		moved.Data("rescheduleSeries", "appointments", 3) != nil {
		t.Errorf("%s", moved.Raw)
	}
	stale := mine.Post(t, cancelThem, vars{"input": vars{"appointmentId": visit, "reason": "OTHER", "expectedVersion": 1}}).OK(t)
	if stale.Text("cancelSeries", "errors", 0, "code") != "STALE_VERSION" {
		t.Errorf("%s", stale.Raw)
	}
	gone := mine.Post(t, cancelThem, vars{"input": vars{"appointmentId": visit, "reason": "OTHER", "idempotencyKey": "c"}}).OK(t)
	if gone.Text("cancelSeries", "appointments", 2, "status") != "CANCELLED" || gone.Data("cancelSeries", "appointments", 3) != nil {
		t.Errorf("%s", gone.Raw)
	}
}

func TestASeriesCountsWithAllOfItsVisits(t *testing.T) {
	a := newAPI(t)
	of, me := a.clinic.Provider(1), a.clinic.Patient()
	slot := globalid.OfSlot(a.clinic.Slot(of, 10, 0))
	ask := func(count int) vars {
		return vars{"input": vars{"firstSlotId": slot, "everyWeeks": 2, "count": count, "take": "FREE", "patientId": a.patientID(me), "idempotencyKey": sample.NewID().String()}}
	}
	full := a.by(me).Post(t, bookThem, ask(11)).OK(t)
	if full.Text("bookSeries", "errors", 0, "__typename") != "LimitReachedError" || full.Text("bookSeries", "errors", 0, "reached") != "FUTURE_APPOINTMENTS" || full.Data("bookSeries", "errors", 0, "inUse") != 0.0 {
		t.Errorf("%s", full.Raw)
	}
	if wrong := a.by(me).Post(t, bookThem, ask(53)).OK(t); wrong.Text("bookSeries", "errors", 0, "code") != "INVALID_INPUT" || wrong.Text("bookSeries", "errors", 0, "path", 1) != "count" {
		t.Errorf("%s", wrong.Raw)
	}
	if done := a.by(a.clinic.FrontDesk()).Post(t, bookThem, ask(11)).OK(t); done.Data("bookSeries", "series", "appointments", "totalCount") != 11.0 {
		t.Errorf("the desk gets %s", done.Raw)
	}
}
