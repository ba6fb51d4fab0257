package planted_test

import "testing"

// What lets times change hands.
const (
	waitlists = "migrations/00025_waitlist.sql"
	parties   = "migrations/00026_swap_and_series.sql"
	closures  = "migrations/00028_closures.sql"
	asking    = "migrations/00029_rebooking_by_offer.sql"
	matches   = "internal/waitlist/offering.go"
	fits      = "internal/waitlist/fitting.go"
	asks      = "internal/postgres/waitlist_offer.go"
	runs      = "internal/closure/run.go"
	told      = "TestAFreedTimeIsHeldForTheFirstWhoWaitsThenForTheNext"
	once      = "TestTwoWhoRebookDoEachVisitOnce"
	asked     = "TestWhoIsAskedKeepsTheirVisitUntilTheyTakeTheOther"
)

// Who waits is asked in their turn and has what they are offered; whole days change without losing anybody. Each of these is broken in turn.
func TestEveryFaultOfFreedTimesIsNoticed(t *testing.T) { noticed(t, waitingFaults) }

var waitingFaults = []fault{
	{"who has waited longest is asked before who is urgent", []edit{
		{asks, `ORDER BY e.priority DESC, e.joined_at, e.id LIMIT $7`, `ORDER BY e.joined_at, e.id LIMIT $7`},
	}, tables, "TestWhoHasPriorityIsAskedFirst", "the urgent one is offered"},
	{"who came last is asked first", []edit{
		{asks, `ORDER BY e.priority DESC, e.joined_at, e.id LIMIT $7`, `ORDER BY e.priority DESC, e.joined_at DESC, e.id LIMIT $7`},
	}, tables, "TestWhoHasPriorityIsAskedFirst", "the first is offered"},
	{"a patient is asked as often as there is something", []edit{
		{matches, `case c.OfferedADay >= m.rules.OffersADay:`, `case c.OfferedADay >= 1000*m.rules.OffersADay:`},
	}, tables, "TestAPatientIsAskedAsOftenADayAsTheClinicAllows", "is offered"},
	{"a patient may have two open offers", []edit{
		{matches, `	case c.Open:
`, `	case c.Open && c.OfferedADay > 1000:
`},
		{waitlists, `CREATE UNIQUE INDEX waitlist_offers_open`, `CREATE INDEX waitlist_offers_open`},
	}, tables, "TestAPatientHasOneOpenOffer", "offers are open"},
	{"a time is free between two who are asked", []edit{
		{waitlists, `WHERE c.organization_id = org AND c.id = ANY (ids) AND c.starts_at <= h.starts_at AND c.ends_at >= h.ends_at);`,
			`WHERE c.organization_id = org AND c.id = ANY (ids) AND c.starts_at < h.starts_at);`},
	}, tables, told, "somebody else has the time between two offers"},
	{"what a visit leaves is free before who waits is asked", []edit{
		{waitlists, `    IF hold_ IS NULL THEN
        RETURN '{}';`, `    IF true THEN
        RETURN '{}';`},
	}, tables, told, "whoever refreshes fastest"},
	{"a time is offered again to who has declined it", []edit{
		{fits, `case c.had(slot):`, `case c.had(slot) && m.kept == nil:`},
	}, tables, told, "the second is offered"},
	{"an offer can be taken when it is over", []edit{
		{"internal/waitlist/answer.go", `case !s.Clock.Now().Before(o.ExpiresAt):`, `case !s.Clock.Now().Before(o.ExpiresAt.AddDate(1, 0, 0)):`},
		{"internal/waitlist/list.go", `	o.State = o.StateAt(now)
`, ``},
		{waitlists, `AND o.state = 'OPEN' AND (state_ IN ('EXPIRED', 'WITHDRAWN') OR o.expires_at > now_)`, `AND o.state = 'OPEN'`},
		{waitlists, `WHERE o.organization_id = org AND o.id = offer_ AND o.state = 'OPEN' AND o.expires_at > now_;`, `WHERE o.organization_id = org AND o.id = offer_ AND o.state = 'OPEN';`},
	}, tables, "TestAnOfferLapsesAndIsPublicOnceNobodyIsLeft", "answering too late got"},
	{"an offer that nobody answers stays open", []edit{
		{"internal/waitlist/match.go", `	case !ok || o.State != OfferOpen:`, `	case ok || o.State != OfferOpen:`},
	}, tables, "TestAnOfferLapsesAndIsPublicOnceNobodyIsLeft", "nobody is left, and the openings are"},
	{"a visit is moved though its offer has ended", []edit{
		{waitlists, `        RAISE EXCEPTION 'offer ended' USING ERRCODE = 'MC003';`, `        NULL;`},
	}, tables, "TestAVisitStaysWhereItIsWhenItsOfferEndsMeanwhile", "the visit has become"},
	{"a later time is offered to who would come earlier", []edit{
		{fits, `		sooner(*c.Current)
`, `		_ = *c.Current
`},
	}, tables, "TestAVisitIsGivenUpOnlyForTheOneThatIsWon", "a later time is offered"},
	{"nobody asks how much notice somebody needs", []edit{
		{fits, `from, to := now.Add(c.MinimumNotice),`, `from, to := now,`},
		{fits, `case !slot.Start.Before(told.Add(c.MinimumNotice)) &&`, `case`},
	}, tables, "TestATimeThatComesTooSoonForSomebodyGoesToTheNext", "the second is offered"},
	{"who sleeps is told at night", []edit{
		{fits, `to.Quiet.Later(now, zone).UTC()`, `now.In(zone).UTC()`},
	}, tables, "TestWhoHasQuietHoursIsToldWhenTheyEnd", "offered"},
	{"every offer is read for every patient who follows", []edit{
		{"internal/live/offers.go", `if err != nil || !c.Of(o.actor) {`, `if _ = c; err != nil {`},
	}, "./internal/live", "TestOffersToOthersAreNotReadForAPatient", "are read"},

	{"a visit is displaced again that was dealt with", []edit{
		{closures, `        RAISE EXCEPTION 'dealt with' USING ERRCODE = 'MC028';`, `        NULL;`},
	}, tables, once, "it was moved again"},
	{"an item isn't settled with the move of its visit", []edit{
		{closures, `      AND i.appointment_id = (p->>'appointment')::uuid AND i.outcome = 'WAITING';
    IF NOT FOUND THEN`, `      AND i.appointment_id = (p->>'appointment')::uuid AND i.outcome = 'NONE';
    IF false THEN`},
	}, tables, "TestWhoeverIsInAClosedPeriodComesToTheNearestTimeWithTheirOwnProvider", "rebooked:"},
	{"who has moved by themselves is moved again", []edit{
		{runs, `case !i.stood(ap.Slot()), ap.Status`, `case ap.Status`},
	}, tables, "TestAPausedClosureBeginsWithNoVisitAndAKilledOneLosesNone", "resumed:"},
	{"who is there is sent elsewhere", []edit{
		{runs, `case ap.Status == appointment.Arrived, ap.Status == appointment.CheckedIn:`, `case ap.Status == appointment.CheckedIn:`},
	}, tables, "TestWhoArrivesOrBeginsBeforeTheirTurnStays", "in the end:"},
	{"whom there is no time for is cancelled whatever was asked", []edit{
		{runs, `if c.Rebook.Otherwise == KeepIt {`, `if c.Rebook.Otherwise == "" {`},
	}, tables, "TestWhereNobodyElseHasATimeVisitsAreCancelledOrKept", "CANCELLED"},
	{"a paused closure goes on", []edit{
		{runs, `if err != nil || c.State != Running {`, `if err != nil || c.State == Done {`},
		{"internal/postgres/closure_item.go", `dueClosures = ` + "`" + `SELECT organization_id, id FROM closures WHERE state = 'RUNNING' AND`, `dueClosures = ` + "`" + `SELECT organization_id, id FROM closures WHERE`},
		{"internal/postgres/closure_item.go", `WHERE c.organization_id = $1 AND c.id = $2 AND c.state = 'RUNNING')
    ORDER BY`, `WHERE c.organization_id = $1 AND c.id = $2)
    ORDER BY`},
	}, tables, "TestAPausedClosureBeginsWithNoVisitAndAKilledOneLosesNone", "paused:"},

	{"who is asked is reminded of what can't take place", []edit{
		{asking, `    PERFORM withdraw_messages(org, now_, visit);`, `    NULL;`},
	}, tables, asked, "reminders of a visit that can't take place"},
	{"what a patient has taken isn't noted", []edit{
		{asking, `AND i.outcome = 'OFFERED' AND i.appointment_id = appointment_;`, `AND i.outcome = 'OFFERED' AND i.appointment_id = offer_;`},
	}, tables, asked, "taken: {Affected:1"},
	{"who has declined is asked again", []edit{
		{runs, `if i.Cause != "" { // the patient was asked`, `if i.Cause == Unanswered {`},
	}, tables, "TestWhoDeclinesOrIsSilentIsCancelledOrKeptAndToldOnce", "in the end: {Affected:1"},
	{"who can't answer in time is asked", []edit{
		{"internal/waitlist/displaced.go", `return span, span.Until.Sub(span.Told) >= leastAnswer, nil`, `return span, span.Until.Sub(span.Told) >= 0, nil`},
	}, tables, "TestWhoCantBeAskedInTimeIsToldAtOnce", "too late to ask: {Affected:1"},
	{"who moves by themselves isn't told of that", []edit{
		{"internal/postgres/message_plan.go", `AND i.provider_id = a.provider_id AND i.location_id = a.location_id AND i.starts_at = a.starts_at)`, `)`},
	}, tables, "TestWhoHelpsThemselvesIsLeftAlone", "they did it themselves: told"},
	{"a time that closes stays offered", []edit{
		{"internal/waitlist/withdraw.go", `if err != nil || stands {`, `if stands = true; err != nil || stands {`},
	}, tables, "TestWhatIsOfferedInAPeriodThatClosesIsWithdrawn", "a closed time is offered"},

	{"visits that are swapped are in each other's way", []edit{
		{parties, `    aside := to_jsonb(claims_of(org, moved));`, `    aside := '[]'::jsonb;`},
	}, tables, "TestSwappedVisitsStandInEachOthersPlaceAndNothingElseChanges", "has just been taken"},
	{"visits that move together exceed a cap", []edit{
		{parties, `WHERE c.booked > c.most AND c.booked > before_[c.nth] ORDER BY`, `WHERE c.booked > c.most AND c.booked < before_[c.nth] ORDER BY`},
	}, tables, "TestVisitsThatMoveTogetherExceedNoCap", "is left of"},
	{"a series is had in half", []edit{
		{parties, `IF made = 0 OR made < cardinality(parts) AND (p->>'all')::boolean THEN`, `IF made = 0 THEN`},
	}, tables, "TestNoSeriesIsHadInHalf", "the series got"},
	{"a series goes by hours, not by the clock on the wall", []edit{
		{"internal/appointment/series.go", `clock.Instant(civil.DateTime{Date: local.Date.AddDays(7 * r.EveryWeeks * i), Time: local.Time}, zone)`,
			`clock.Instant(civil.DateTime{Date: local.Date, Time: local.Time}, zone).AddDate(0, 0, 7*r.EveryWeeks*i)`},
	}, tables, "TestAWeeklySeriesKeepsItsWallClockOverBothChanges", "shown as"},
}
