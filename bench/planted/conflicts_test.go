package planted_test

// Whose tests know of conflicts and of flags.
const (
	detections = "./internal/conflict"
	switches   = "./internal/flags"
	api        = "./internal/app"
	rulesTable = "migrations/00023_conflict_rules.sql"
	detection  = "internal/conflict/detection.go"
	guarding   = "internal/conflict/guard.go"
	comparing  = "internal/conflict/comparison.go"
	overriding = "internal/conflict/override.go"
	bookedOver = "internal/appointment/over.go"
	wished     = "internal/flags/override.go"
	rollouts   = "internal/flags/rules.go"
)

const (
	tripping = "TestAGuardTripsAtTheCase"
	sides    = "TestEachRuleHasTwoSides"
	harm     = "TestADetectionThatDoesHarm"
	together = "TestOfTwoBookingsAtOnceThatExcludeEachOther"
	doctors  = "TestWhatTakesADoctorsWord"
)

// conflictFaults are each a promise of conflict rules, and of how they are tried, that is broken.
var conflictFaults = []fault{
	{"whoever decided on other visits doesn't look at them again", []edit{
		{rulesTable, `RETURN (SELECT p->>'seen' <> v.seen FROM neighbours(org, ARRAY[p], false) v);`, `RETURN false;`},
	}, tables, "TestMovesThatCrossBreakNoTravelTime", "of two moves that exclude each other"},
	{"a patient is locked by the days of a visit alone", []edit{
		{rulesTable, `people := (p->>'patient')::uuid || accounts_of(org, (p->>'patient')::uuid);`, `people := accounts_of(org, (p->>'patient')::uuid);`},
	}, tables, together, "DUPLICATE_VISIT: of two bookings that exclude each other"},
	{"whoever acts for two patients isn't locked", []edit{
		{rulesTable, `people := (p->>'patient')::uuid || accounts_of(org, (p->>'patient')::uuid);`, `people := ARRAY[(p->>'patient')::uuid];`},
	}, tables, together, "CAREGIVER_BUSY: of two bookings that exclude each other"},
	{"a way is as short as any", []edit{
		{rulesTable, `cardinality(o.provider) > 0 OR cardinality(o.patient) > 0 THEN`, `false THEN`},
	}, tables, "NeedsTimeForTheWay", "not [P"},
	{"a visit goes without the room that isn't free", []edit{
		{rulesTable, `    IF array_position(rooms, NULL) IS NOT NULL THEN
        RETURN jsonb_build_object(''outcome'', ''RESOURCE_BUSY'');
    END IF;
    PERFORM lock_ending(org, p, rooms, leaving, now_);
    busy := patient_busy(org, p, leaving);'),`, `    busy := patient_busy(org, p, leaving);'),`},
	}, tables, "TestARoomOfAPoolIsClaimedInEveryMode", "not [RESOURCE_BUSY]"},
	{"a room is had twice", []edit{
		{rulesTable, `INSERT INTO claims (organization_id, id, party_kind, party_id, lane, starts_at, ends_at, state, appointment_id, hold_id, expires_at, days)
            VALUES (org, gen_random_uuid(), one.kind, one.id, 0,`, `INSERT INTO claims (organization_id, id, party_kind, party_id, lane, starts_at, ends_at, state, appointment_id, hold_id, expires_at, days)
            VALUES (org, gen_random_uuid(), one.kind, gen_random_uuid(), 0,`},
	}, tables, "TestThreeRoomsHoldThreeVisits", "rooms and scanners at time"},
	{"a hold takes no room", []edit{
		{rulesTable, `    PERFORM take_resources(org, p, rooms, NULL, hold_, expires, now_);
`, ``},
	}, tables, "TestARoomOfAPoolIsClaimedInEveryMode", "not [RESOURCE_BUSY]"},
	{"the shadow looks at what came later", []edit{
		{rulesTable, `coalesce(c."asOf", 'infinity') AS as_of`, `'infinity'::timestamptz AS as_of`},
	}, tables, "TestTheShadowKnowsNothingOfWhatCameLater", "a visit alike: "},
	{"a refusal isn't asked about anew", []edit{
		{"internal/appointment/service.go", `len(against) == 0 && s.judge(ctx, a, seat) {
				return kind, nil
			}`, `len(against) == 0 {
				if s.judge(ctx, a, seat) {
					return kind, nil
				}
				return kind, s.refusal(ctx, a, *seat, who, nil)
			}`},
	}, tables, "TestARuleThatWasTakenBack", "[ESTABLISHED_PATIENTS_ONLY]"},
	{"one's own hold keeps the room from oneself", []edit{
		{rulesTable, `(h.id = (p->>'hold')::uuid OR h.actor_id = (p->>'holder')::uuid AND`, `(h.id = (p->>'hold')::uuid OR false AND`},
	}, tables, "TestOnesOwnHoldKeepsNoRoom", "[RESOURCE_BUSY]"},
	{"a provider with hours at one place never travels", []edit{
		{"internal/postgres/rules.go", `Travels: h.Travels,`, `Travels: false,`},
	}, tables, "TestAVisitThatIsLeft", "not [PROVIDER_TRAVEL_TIME]"},
	{"what ends isn't locked in one order", []edit{
		{rulesTable, `    IF cardinality(found_) = 0 THEN
        RETURN;`, `    IF true THEN
        RETURN;`},
	}, tables, "TestBookingsOfTwoPools", "deadlocks"},
	{"the database lets anybody approve what waits for a doctor", []edit{
		{rulesTable, `AND (NOT a.awaits_doctor OR p->>''lastAction'' IS DISTINCT FROM ''APPROVE'' OR (p->>''doctor'')::boolean)`, ``},
	}, tables, "TestTheDatabaseLetsADoctorAlone", "FRONT_DESK approves: DONE"},
	{"the clinic approves what waits for a doctor", []edit{
		{"internal/appointment/transition.go", `return a.IsClinic() && a.Has(access.ConflictsClinical)`, `return a.IsClinic()`},
	}, tables, doctors, "who asked approves"},
	{"what takes a doctor's word is booked without it", []edit{
		{bookedOver, `seat.Over.Waits = conflict.Waits(a, seat.Over.Rules)`, ``},
	}, tables, doctors, "Status:BOOKED"},
	{"a hard rule may be booked over", []edit{
		{overriding, `check.That(LeaveFor(r) != Hard, `, `check.That(LeaveFor(r) >= Hard, `},
	}, tables, "TestNobodyBooksOverHardRules", "a hard rule: <nil>"},
	{"whoever books over one rule books over all", []edit{
		{bookedOver, `return len(seat.uncovered(seat.judged.Broken)) == 0`, `return len(seat.Override.Rules) > 0 || len(seat.judged.Broken) == 0`},
	}, tables, "TestStaffBookOverSoftRules", "not [DUPLICATE_VISIT]"},
	{"nobody keeps what was booked over", []edit{
		{rulesTable, `    IF cardinality(rules_) > 0 THEN
        INSERT INTO rule_overrides`, `    IF false THEN
        INSERT INTO rule_overrides`},
	}, tables, "TestStaffBookOverSoftRules", ": []"},
	{"what may not be booked over is offered", []edit{
		{overriding, ` && d.switches.Overrides(organization, a).Enabled`, ``},
	}, tables, "TestNothingIsOverridableWhile", "on: false, explained as [DUPLICATE_VISIT], overridable [DUPLICATE_VISIT]"},
	{"alternatives are what will be refused", []edit{
		{"internal/appointment/explain.go", `if s.detects.Lets(within, a, rules, slot.SlotID, whom) {`, `if s.detects.Lets(within, a, rules, slot.SlotID, whom) || true {`},
	}, tables, "TestAlternativesAreThose", "enforce, 1 are asked for: [13:00]"},
	{"each alternative has a budget of its own", []edit{
		{"internal/appointment/explain.go", `within, cancel := s.detects.Bounded(ctx)`, `within, cancel := context.WithCancel(ctx)`},
	}, tables, "TestAlternativesAreLookedAtWithinOneBudget", "number 9 may take until"},

	{"no failure trips the guard", []edit{
		{guarding, `case over(f.Failed, l.Failed, f.Cases):`, `case over(0, l.Failed, f.Cases):`},
	}, detections, tripping, "every one of enough fails: tripped after 0 cases"},
	{"the guard forgets who was refused", []edit{
		{guarding, `case over(f.Refused, l.Refused, f.People):`, `case over(0, l.Refused, f.People):`},
	}, detections, tripping, "more than a fifth is refused: tripped after 0 cases"},
	{"whoever tries again and again trips the guard", []edit{
		{guarding, `case over(f.Refused, l.Refused, f.People):`, `case over(f.Cases-f.People, l.Refused, f.Cases):`},
	}, detections, "TestWhoeverTriesAgain", "one person's refusals"},
	{"what is said in the shadow is told", []edit{
		{detection, `		if all[i].mode == Enforce {`, `		if all[i].mode != Off {`},
	}, detections, harm, "somebody was told what is said in the shadow"},
	{"a detection that fell back goes on to refuse", []edit{
		{detection, `if j.mode != Off && d.guard != nil && d.guard.Tripped() {`, `if j.mode == Shadow && d.guard != nil && d.guard.Tripped() {`},
	}, detections, harm, "after it tripped"},
	{"a detection that fails keeps visits out", []edit{
		{detection, `	if j.failed != nil && j.in.Operation != Explain {`, `	if j.failed != nil {
		j.Broken = []availability.Rule{availability.ResourceBusy}
	}
	if j.failed != nil && j.in.Operation != Explain {`},
	}, api, "TestVisitsAreBookedWhateverTheDetectionDoes", "SLOT_UNAVAILABLE"},
	{"cases fail with another one of their batch", []edit{
		{"internal/conflict/full.go", `(v.failed != nil || d.guard.slow(v.took))`, `d.guard.slow(v.took)`},
	}, detections, "TestCasesOfAnOrganization", "judged [4 3 2] together"},
	{"cases are slow with another one of their batch", []edit{
		{"internal/conflict/full.go", `(v.failed != nil || d.guard.slow(v.took))`, `v.failed != nil`},
	}, detections, "TestACaseThatIsSlow", "Slow:4"},
	{"a case is judged before others could come to it", []edit{
		{"internal/conflict/beside.go", `context.WithTimeout(ctx, b.bulkhead.Gather)`, `context.WithTimeout(ctx, 0)`},
	}, detections, "TestCasesThatComeOneByOne", "together"},
	{"the shadow takes up more than its bound", []edit{
		{"internal/conflict/beside.go", `if len(b.queue) >= b.bulkhead.Queue {`, `if len(b.queue) > b.bulkhead.Queue {`},
	}, detections, "TestAFloodIsTakenUpToABound", "Waiting:11"},
	{"a process that starts anew knows of no fallback", []edit{
		{"internal/conflict/guard_look.go", `if standing != nil {`, `if false {`},
	}, detections, "TestAProcessThatStartsWhileAFallbackStands", "once it is known: <nil>, <nil>"},
	{"a disagreement is noted as an agreement", []edit{
		{comparing, `return (len(c.Basic) == 0) == (len(c.Full) == 0)`, `return true`},
	}, detections, "TestWhatWasNotedIsKept", "disagreements: []"},
	{"a report counts a disagreement as an agreement", []edit{
		{"internal/conflict/report.go", `same := c.Counts[AgreedAllowed] + c.Counts[AgreedRefused]`, `same := c.Counts[AgreedAllowed] + c.Counts[AgreedRefused] + c.Counts[OnlyFull]`},
	}, api, "TestTheReportTells", "agreement: "},
	{"a way takes no margin", []edit{
		{"internal/conflict/travel.go", `min(t.Margin+time.Duration(`, `min(time.Duration(`},
	}, detections, sides, "[], not [PATIENT_TRAVEL_TIME]"},
	{"a child is refused whose other parent has time", []edit{
		{"internal/conflict/caregivers.go", `!taken || give(other, tried)`, `!taken || other < 0`},
	}, detections, sides, "[CAREGIVER_BUSY], not []"},

	{"a rollout is drawn anew each time", []edit{
		{rollouts, `parameters[strategy.ParamRollout], parameters[strategy.ParamStickiness] = percent, "default"`, `parameters[strategy.ParamRollout] = percent`},
		{rollouts, `variants[i].Stickiness = "default"`, `_ = i`},
	}, switches, "TestAFlagSticks", " and then "},
	{"a restart forgets what Unleash told", []edit{
		{"internal/flags/refresh.go", `	s.flags.keep(features)
`, ``},
	}, switches, "TestARestartWithoutUnleash", "from the first moment it gives shadow"},
	{"a page that is no list of flags takes them away", []edit{
		{"internal/flags/state.go", `if err := d.Decode(&list); err != nil || list.Features == nil {
		return nil, errUnreadable
	}`, `if err := d.Decode(&list); err != nil || list.Features == nil {
		return nil, nil
	}`},
	}, switches, "TestWhenUnleashFails", "--- FAIL: TestWhenUnleashFailsTheLastStateHolds/unreadable"},
	{"a wish that nobody signed is taken", []edit{
		{wished, `		return o.Key, nil`, `		if t.Method == jwt.SigningMethodNone {
			return jwt.UnsafeAllowNoneSignatureType, nil
		}
		return o.Key, nil`},
		{wished, `jwt.SigningMethodHS256.Alg()}`, `jwt.SigningMethodHS256.Alg(), jwt.SigningMethodNone.Alg()}`},
	}, switches, "TestAnOverrideThatIsNotOne", "unsigned: map["},
	{"anybody's wish is taken in production", []edit{
		{wished, `case o.From == Staffs && a.Kind != access.Staff:`, `case o.From == Nobodys && a.Kind != access.Staff:`},
	}, switches, "TestAnOverrideIsTakenFromWhom", "a patient: map["},
	{"what goes wrong in a flag's decision isn't the safe default", []edit{
		{"internal/flags/flags.go", `way, why = 0, access.FeatureDefault`, `way, why = len(s.ways())-1, access.FeatureDefault`},
	}, switches, "TestAPanicOfTheSDK", "Variant:enforce"},
}
