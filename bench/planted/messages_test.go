package planted_test

// Whose tests know of messages.
const (
	messages  = "./internal/reminder"
	queues    = "./internal/queue"
	guards    = "./internal/resilience"
	wires     = "./internal/channel/wire"
	texts     = "./internal/channel/sms"
	mails     = "./internal/channel/email"
	pagesOf   = "./graph/links"
	drafts    = "internal/postgres/message_draft.go"
	claims    = "internal/postgres/message_claim.go"
	concludes = "internal/postgres/message_conclude.go"
	leaves    = "internal/postgres/message_leave.go"
	settled   = "internal/postgres/message_lost.go"
	tells     = "internal/postgres/message_tell.go"
	due       = "internal/postgres/message_dispatch.go"
	replays   = "internal/postgres/replay.go"
	noted     = "migrations/00018_messages.sql"
	ends      = "internal/reminder/conclude.go"
)

const (
	claimed   = "TestAMessageIsClaimedAsItIs"
	fenced    = "TestWhoLostAMessageHasNoSay"
	overtaken = "TestNothingLeavesOnceACancellationIsAnswered"
	lost      = "TestALostAnswerIsAskedFor"
	fallback  = "TestFiveFailedAttempts"
	replayed  = "TestNoLetterSendsAMessageThatWentOut"
)

// messageFaults are each a promise of messages that is broken: that they arrive once, in time, and only where they may.
var messageFaults = []fault{
	{"a claim forgets the generation", []edit{
		{claims, `WHERE m.generation = w.generation AND m.state IN`, `WHERE m.state IN`},
	}, tables, claimed, "it is had: true"},
	{"a message that was had is had again", []edit{
		{claims, `AND m.state IN ('SCHEDULED', 'QUEUED') AND m.due_at <= w.at + interval '2 seconds'`, ``},
	}, tables, "TestWhoDiesWithAMessage", "two had it at once"},
	{"a claim looks at no time", []edit{
		{claims, `AND m.due_at <= w.at + interval '2 seconds' AND m.expires_at > w.at`, ``},
	}, tables, claimed, "it is had: true"},
	{"whoever had a message concludes it", []edit{
		{concludes, `m.id = w.message AND m.claims = w.claims`, `m.id = w.message`},
	}, tables, fenced, "it is concluded by who lost it"},
	{"whoever had a message sends it", []edit{
		{leaves, `m.id = w.id AND m.claims = w.claims`, `m.id = w.id`},
	}, tables, fenced, "its letter may leave"},
	{"two find out what became of a message", []edit{
		{settled, `m.id = $2 AND m.claims = $3 AND m.state = 'SENDING'`, `m.id = $2 AND $3::int >= 0 AND m.state = 'SENDING'`},
	}, tables, fenced, "two find out at once"},
	{"a letter leaves whose visit has changed", []edit{
		{leaves, `m.state = 'SENDING' AND m.overtaken_at IS NULL`, `m.state = 'SENDING'`},
	}, tables, overtaken, "it left"},
	{"who changes a visit waits for no letter", []edit{
		{leaves, ` FOR SHARE OF m`, ``},
	}, tables, "TestACancellationWaitsForWhatIsLeaving", "it was answered while a letter was leaving"},
	{"what a worker has isn't marked", []edit{
		{noted, `overtaken_at = now_, due_at = NULL`, `overtaken_at = CASE WHEN m.state <> 'SENDING' THEN now_ END, due_at = NULL`},
	}, tables, overtaken, "it left"},
	{"what is planned for a visit outlives it", []edit{
		{noted, `IF kind_ <> 'BOOKED' THEN`, `IF false THEN`},
	}, tables, "TestWhoseVisitIsCancelledIsToldAndNotReminded", "told [CONFIRMATION CANCELLATION REMINDER]"},
	{"what was told otherwise comes back after a cancellation", []edit{
		{noted, `m.state = 'SUPPRESSED' AND m.cause = 'REACHED_OTHERWISE'`, `m.state = 'SUPPRESSED' AND m.cause = 'ERASED'`},
	}, tables, "TestWhatComesBackAfterACancellation", "a cancelled visit was confirmed"},
	{"what was overtaken is tried again", []edit{
		{concludes, `m.overtaken_at IS NOT NULL AND w.becomes IN ('SCHEDULED', 'QUEUED') AS void`, `false AS void`},
	}, tables, "TestWhatWasOvertakenIsNotTriedAgain", "of a cancelled visit there are"},
	{"who moves a visit is told nothing", []edit{
		{noted, `WHEN 'appointment.reschedule' THEN 'MOVED'`, `WHEN 'appointment.reschedule' THEN NULL`},
	}, tables, "TestWhoseVisitIsMovedIsRemindedOfTheNewTime", "two hours before the old time, told [CONFIRMATION REMINDER]"},
	{"what was told by one channel is planned for another", []edit{
		{"internal/postgres/message_plan.go", `WHERE ($10 OR NOT EXISTS (`, `WHERE ($10 OR true OR NOT EXISTS (`},
	}, tables, "TestWhoPrefersMailIsRemindedByMailAndToldOfNothingTwice", "told twice"},

	{"what may have been sent is sent again", []edit{
		{"internal/reminder/settle.go", `case err != nil:
		return s.how.mute(m, s.now()), nil`, `case err != nil:
		return s.how.absent(m, s.now()), nil`},
	}, tables, lost + "/nobody_can_say", "2 by SMS"},
	{"what the vendor has is sent again", []edit{
		{"internal/reminder/settle.go", `case !f.Found:`, `case f.Found, !f.Found:`},
	}, tables, lost + "/it_had_been_taken", "map[EMAIL"},
	{"what the vendor's list lacks is sent again too soon", []edit{
		{ends, `if now.Sub(c.lastLeft(m)) < c.Certain {`, `if false {`},
	}, tables, lost + "/not_known_for_sure_yet", "1 by SMS"},
	{"what needs no question waits for questions", []edit{
		{"internal/reminder/settle.go", `channels.Go(func() { looked[i], failed[i] = s.settleAll(ctx, c, limit) })`, `looked[i], failed[i] = s.settleAll(ctx, c, limit)`},
	}, messages, "TestNoChannelWaitsForQuestions", "0 of 40 mails are given up"},
	{"questions take every place of letters", []edit{
		{"internal/reminder/settle.go", `range min(settledAtOnce, len(lost))`, `range len(lost)`},
	}, messages, "TestNoChannelWaitsForQuestions", "30 questions are asked at the same time"},
	{"one channel's crowd fills the list of another", []edit{
		{settled, `m.channel = $1 AND m.claimed_until`, `length($1) > 0 AND m.claimed_until`},
	}, tables, "TestMailsAreSettledHoweverMany", "--- FAIL: TestMailsAreSettledHoweverMany"},
	{"nobody hears of what nobody knows", []edit{
		{"internal/reminder/deliver.go", `if c.State == Unknown || c.State == Failed {`, `if c.State == Failed {`},
	}, tables, lost + "/nobody_can_say", "alerts []"},
	{"nobody hears that the next channel isn't used either", []edit{
		{"internal/reminder/deliver.go", `	if err == nil && done {
		s.lost(`, `	if err == nil && done && why == LimitReached {
		s.lost(`},
	}, tables, "TestWhatNobodyKnowsOfIsGraveOnceTheNextChannelIsNotUsed", "grave:false}];"},
	{"an answer that was lost is taken for a refusal to take", []edit{
		{"internal/channel/wire/wire.go", `return Answer{}, reminder.Unclear{Code: "answer"}`, `return Answer{}, reminder.Later{Cause: reminder.VendorUnavailable, Code: "answer"}`},
	}, wires, "TestWhatLeftWithoutAnAnswerIsUnclear", "--- FAIL: TestWhatLeftWithoutAnAnswerIsUnclear"},
	{"a gateway's failure is taken for the vendor's", []edit{
		{"internal/channel/wire/verdict.go", `return reminder.Unclear{Code: a.Code()}`, `return reminder.Later{Cause: reminder.VendorUnavailable, Code: a.Code()}`},
	}, wires, "TestEachStatusHasItsMeaning", "502 means"},
	{"bytes leave without leave", []edit{
		{"internal/channel/wire/wire.go", `if leave != nil {`, `if leave != nil && false {`},
	}, wires, "TestNotAByteLeavesWithoutLeave", "--- FAIL: TestNotAByteLeavesWithoutLeave"},
	{"any text to a number is the one that is sought", []edit{
		{"internal/channel/sms/find.go", ` && hasWord(m.Body, s.Reference)`, ``},
	}, texts, "TestALostAnswerIsFoundByTheReference", "another reference: {Found:true"},

	{"quiet hours aren't kept", []edit{
		{"internal/reminder/plan_rules.go", `p.contact.Quiet.Earlier(at, home)`, `QuietHours{}.Earlier(at, home)`},
	}, messages, "TestQuietHoursMoveRemindersEarlier", "just before they end: to when they began"},
	{"quiet hours move reminders later", []edit{
		{"internal/reminder/quiet.go", `	return begun
}`, `	for ; q.hold(begun.In(zone)); begun = begun.Add(time.Minute) {
	}
	return begun
}`},
	}, messages, "TestQuietHoursMoveRemindersEarlier", "just before they end: to when they began"},
	{"quiet hours are those of the visit's place", []edit{
		{"internal/reminder/plan_rules.go", `home := zone(p.contact.TimeZone, place)`, `home := place`},
	}, messages, "TestQuietHoursMoveRemindersEarlier", "where the patient lives, not the visit"},
	{"a channel that a patient refused is used", []edit{
		{"internal/reminder/prefs.go", `if choice.Allowed {`, `if choice.Allowed || !choice.Allowed {`},
	}, messages, "TestAPatientChoosesChannels", "they are reached by"},
	{"who wants no reminders is reminded", []edit{
		{"internal/reminder/plan_rows.go", `m.Kind == Remind && p.contact.Wants.NoReminders`, `false && p.contact.Wants.NoReminders`},
	}, messages, "TestChannelsThatCanBeUsed", "reminders aren't wanted"},
	{"reminders that are planned don't follow what a patient wants", []edit{
		{"internal/postgres/message_replan.go", `batch.Queue(noticeReplanning+ofPatient+onceEach, patient.Organization, patient.ID, by.At, by.Actor.RequestID)
	batch.Queue(withdrawReminders+ofPatient, patient.Organization, patient.ID, by.At, by.At)`, ``},
	}, tables, "TestWhoPrefersMailIsRemindedByMail", "told [CONFIRMATION REMINDER] []"},
	{"a clinic's rules hold for nobody who has a visit", []edit{
		{"internal/postgres/message_replan.go", `if len(concerned) > 0 {`, `if len(concerned) > 0 && false {`},
	}, tables, "TestRulesOfAnyNumberOfVisits", "a page took 10 (true): 0 visits are noticed"},
	{"news waits for what is planned anew", []edit{
		{"internal/postgres/message_plan.go", `ORDER BY d.kind = 'REPLANNED', d.due_at`, `ORDER BY d.due_at`},
	}, tables, "TestNewsGoesBeforeWhatIsPlannedAnew", "who books waits for"},
	{"one channel is used however near a visit is", []edit{
		{"internal/reminder/plan_rows.go", `m.Both = p.visit.Start.Sub(m.Scheduled) <= Near`, `m.Both = false`},
	}, messages, "TestNearVisitsUseEveryChannel", "an hour before"},
	{"a refusal is the end of it", []edit{
		{ends, `Dead: true, PassOn: true, Rest: c.pause(1)`, `Dead: true, Rest: c.pause(1)`},
	}, tables, "TestANumberThatIsRefused", "[] [] map["},
	{"attempts have no end", []edit{
		{ends, `if m.Attempts >= MaxAttempts {`, `if false {`},
	}, tables, fallback, "waits [2s 4s 8s 16s 32s]"},
	{"a vendor that isn't asked is waited for", []edit{
		{"internal/reminder/deliver.go", `e.handsOver(now.Sub(*m.Due), s.how.HandOver)`, `false && e.handsOver(now.Sub(*m.Due), s.how.HandOver)`},
	}, tables, "TestWhileAVendorIsNotAsked", "[] map["},
	{"a vendor's short trouble hands its backlog over", []edit{
		{"internal/reminder/channel.go", `n.Shut >= allowed`, `n.Shut >= 0`},
	}, tables, "TestABacklogIsNotHandedOver", "handed over after 0s"},
	{"a vendor that was tried in vain counts as back", []edit{
		{"internal/resilience/gate.go", `e.OldState == circuitbreaker.ClosedState`, `e.NewState == circuitbreaker.OpenState`},
	}, guards, "TestHowLongAVendorFails", "through pauses and probes"},
	{"who was reached is told by the other channels, too", []edit{
		{concludes, `FROM seen WHERE seen.reached AND`, `FROM seen WHERE false AND`},
	}, tables, fallback, "told twice"},
	{"what couldn't be delivered is told by no other channel", []edit{
		{tells, ` AND seen.becomes = 'FAILED' AND NOT EXISTS`, ` AND false AND NOT EXISTS`},
	}, tables, "TestALetterThatCouldNotBeDelivered", "[] map["},
	{"late news takes back that a letter arrived", []edit{
		{tells, `m.state IN ('SENDING', 'SENT', 'UNKNOWN')`, `true`},
	}, tables, "TestNewsOfALetterCounts", "late or repeated news changed something"},
	{"nothing expires", []edit{
		{due, `e.expires_at <= $1
`, `e.expires_at <= $1 AND false
`},
	}, tables, "TestWhatMakesNoSenseAnyMore", "--- FAIL: TestWhatMakesNoSenseAnyMore"},

	{"a request that is wrong is tried again", []edit{
		{"internal/channel/wire/verdict.go", `return reminder.Refused{Cause: reminder.VendorRefused, Code: a.Code()}`, `return reminder.Later{Cause: reminder.VendorRefused, Code: a.Code()}`},
	}, wires, "TestEachStatusHasItsMeaning", "400 means"},
	{"what a vendor wants to be waited for isn't read", []edit{
		{"internal/channel/wire/verdict.go", `	return after
`, `	return 0 * after
`},
	}, wires, "TestEachStatusHasItsMeaning", "429 means"},
	{"what a vendor wants to be waited for isn't heeded", []edit{
		{ends, `wait := c.law(m.Attempts, e.After)`, `wait := c.law(m.Attempts, 0)`},
	}, tables, "TestAttemptsKeepToWhatVendorsAskFor", "asked to wait for a minute"},
	{"what didn't reach a vendor was an attempt", []edit{
		{ends, `Attempts: m.Attempts - 1`, `Attempts: m.Attempts`},
	}, tables, "TestAttemptsKeepToWhatVendorsAskFor", "the second attempt failed"},
	{"the law of retries is left out", []edit{
		{"internal/app/messages.go", `max(resilience.Delay(attempt-1, rand.Float64()), after)`, `max(resilience.Delay(0*attempt, rand.Float64()), after)`},
	}, server, "TestTheNextAttemptWaits", "after attempt 4 it waits"},
	{"whatever failed is tried again, however much that is", []edit{
		{"internal/reminder/deliver.go", `if m.Attempts > 0 {`, `if false {`},
	}, tables, "TestAttemptsKeepToWhatVendorsAskFor", "while too much is sent again"},
	{"what a vendor refuses is its fault", []edit{
		{"internal/channel/wire/guarded.go", `return unclear
`, `return unclear || !unclear
`},
	}, wires, "TestEachStatusHasItsMeaning", "is the vendor's fault: true"},
	{"one more is under way than may be", []edit{
		{"internal/resilience/guard.go", `bulkhead.New[any](uint(p.Places))`, `bulkhead.New[any](uint(p.Places + 1))`},
	}, guards, "TestAsManyAreUnderWay", "InFlight:11"},

	{"a task is called the same in each generation", []edit{
		{"internal/reminder/channel.go", `t.Message.ID, t.Generation)`, `t.Message.ID, min(t.Generation, 0))`},
	}, tables, "TestAStuckTaskGoesOnAsTheNextGeneration", "what was stuck came back as"},
	{"what the queue lost stays lost", []edit{
		{due, `m.due_at <= $1 AND m.queued_at <= $1`, `m.due_at <= $1 AND m.queued_at <= $1 AND false`},
	}, tables, "TestAStuckTaskGoesOnAsTheNextGeneration", "what the queue lost came back as"},
	{"a task in Redis has the number", []edit{
		{"internal/queue/task.go", `json.Marshal(payload{version, t.Channel, t.Message.Organization, t.Message.ID, t.Generation, t.At.UTC()})`,
			`json.Marshal(struct {
		payload
		To string
	}{payload{version, t.Channel, t.Message.Organization, t.Message.ID, t.Generation, t.At.UTC()}, "+12025550123"})`},
	}, queues, "TestATaskInRedisSaysNoMore", "Redis has"},
	{"a vendor that isn't asked uses attempts up", []edit{
		{"internal/queue/outcome.go", `after: max(0, notNow.After)}`, `after: max(0, notNow.After), attempt: true}`},
	}, queues, "TestOutcomes", "--- FAIL: TestOutcomes"},
	{"without the queue nothing is sent", []edit{
		{"internal/app/messages.go", `return queueAway, true`, `return queueAway, false`},
	}, server, "TestMessagesAreSentWithoutTheQueue", "it is away for a while"},
	{"messages are sent beside the queue", []edit{
		{"internal/app/messages.go", `case ok || away < queueLooks:`, `case ok && false, away < queueLooks:`},
	}, server, "TestMessagesAreSentWithoutTheQueue", "it is there"},

	{"what Twilio hasn't signed is believed", []edit{
		{"internal/channel/sms/read.go", `!hmac.Equal(got, r.sign(at, form))`, `false && !hmac.Equal(got, r.sign(at, form))`},
	}, texts, "TestForgedCallbacksAreRefused", "a forged one is told <nil>"},
	{"what Twilio signed for another account is believed", []edit{
		{"internal/channel/sms/read.go", `if form.Get("AccountSid") != r.Account.SID {`, `if false {`},
	}, texts, "TestStatusesThatTwilioWouldNotSend", "other account"},
	{"what SendGrid hasn't signed is believed", []edit{
		{"internal/channel/email/read.go", `!ecdsa.VerifyASN1(r.key, hash.Sum(nil), signed)`, `!ecdsa.VerifyASN1(r.key, hash.Sum(nil), signed) && false`},
	}, mails, "TestEventsThatSendGridHasNotSigned", "another's"},
	{"events are good for ever", []edit{
		{"internal/channel/email/read.go", `at.Before(now.Add(-longestAgo)) || `, ``},
	}, mails, "TestEventsThatSendGridHasNotSigned", "long ago"},
	{"a flood of what isn't signed isn't counted", []edit{
		{"graph/callbacks/door.go", `if h.tooMany(w, r) {`, `if false {`},
	}, server, "TestAFloodOfUnsignedCallbacks", "answered map[403:40]"},
	{"the same text counts twice", []edit{
		{"internal/reminder/answer_text.go", `if kept {`, `if kept && false {`},
	}, tables, "TestATextThatComesAgainCancelsNothingElse", `want "BOOKED f 1 "`},
	{"who answers is logged", []edit{
		{"graph/callbacks/callbacks.go", `	answered, err := h.Room.Text(`, `	h.Log.InfoContext(c.ctx, "a text came", "from", in.From.Reveal())
	answered, err := h.Room.Text(`},
	}, server, "TestAPatientConfirmsByText", "a log has the number"},
	{"STOP is obeyed where it was heard alone", []edit{
		{"internal/postgres/message_reply.go", `SELECT 'SMS', $7, $4 FROM kept`, `SELECT 'SMS', $7, $4 FROM kept WHERE false`},
	}, tables, "TestStopEndsTextsOfEveryOrganisation", "after STOP, texts"},
	{"who wants no more gets more", []edit{
		{drafts, `d.Blocked = reminder.OptedOut`, `_ = reminder.OptedOut`},
	}, tables, "TestStopEndsTextsOfEveryOrganisation", "after STOP, texts"},
	{"of several visits one is guessed", []edit{
		{"internal/reminder/answer_text.go", `return nil, WhichVisit`, `continue`},
	}, tables, "TestOfSeveralVisitsNoneIsGuessed", "CONFIRMED"},
	{"a text cancels whatever that costs", []edit{
		{"internal/reminder/answer_text.go", `e, err := a.cancel(ctx, t, by, nil)`, `any := 1 << 30
		e, err := a.cancel(ctx, t, by, &any)`},
	}, tables, "TestAVisitIsCancelledByText", "ASKED_TO_CANCEL"},
	{"a look at a link confirms", []edit{
		{"graph/links/handler.go", `	return p.showVisit(v, http.StatusOK, "")`, `	if v.purpose == toConfirm {
		_, _ = p.Room.Press(v.r.Context(), reminder.Pressed{Message: v.message, Wish: reminder.WishConfirm, Version: 1})
	}
	return p.showVisit(v, http.StatusOK, "")`},
	}, server, "TestALinkShowsAVisitAndChangesNothing", "looking at links changed something"},
	{"a link is made by anybody", []edit{
		{"graph/links/links.go", `!hmac.Equal(tag, l.tag(claim)) || `, ``},
	}, pagesOf, "TestNoOtherLinkOpens", "--- FAIL: TestNoOtherLinkOpens"},

	{"a reminder that is due while it is planned anew is dropped", []edit{
		{"internal/reminder/plan.go", `soonest := p.owed()`, `soonest := now`},
	}, tables, "TestAReminderThatIsPlannedAnew", "told [CONFIRMATION]"},
	{"a reminder of before the booking comes once a step is undone", []edit{
		{"internal/postgres/message_plan.go", `WHERE ($10 OR NOT EXISTS`, `WHERE $10 OR (NOT EXISTS`},
	}, tables, "TestAReminderThatAMistakenCheckIn", "2 reminders of before the booking"},
	{"a visit that stands again is told of by one channel only", []edit{
		{"internal/postgres/message_plan.go", `			batch.Queue(restoreTurns, organization, n.Appointment.ID)
`, ``},
	}, tables, "TestTheNextChannelHasItsTurnAlso", "told [CONFIRMATION] []"},
	{"news of a visit that stands again is told while the same is leaving", []edit{
		{"internal/reminder/planning.go", `n.Kind == NoticeRestored && about.Visit.Leaving`, `false`},
	}, tables, "TestNewsThatIsLeaving", "told []"},
	{"who refuses a channel is still told by it", []edit{
		{"internal/postgres/message_replan.go", `	batch.Queue(readAgain+ofPatient, patient.Organization, patient.ID, by.At)
`, ``},
	}, tables, "TestWhatIsRefusedWhileALetterWaits", "told [CONFIRMATION]"},
	{"an earlier text that failed is taken for the one that is sought", []edit{
		{"internal/channel/sms/find.go", `m.is(s) && !m.earlier(s)`, `m.is(s)`},
	}, texts, "TestASearchPassesOverAnEarlierTry", "one that failed, sought since 2m0s later"},
	{"a text is in the air for ever", []edit{
		{"internal/reminder/settle.go", `if err != nil || news {`, `if err != nil || news || true {`},
	}, tables, "TestAVendorThatTellsOfAnEarlierTry", "after a while it is"},
	{"what a vendor broke over is sent again", []edit{
		{"internal/channel/wire/verdict.go", `case http.StatusNotImplemented,`, `case http.StatusInternalServerError, http.StatusNotImplemented,`},
	}, texts, "TestWhatBecomesOfATextIsToldApart", "taken"},

	{"a replay sends what was sent", []edit{
		{replays, `WHEN seen.state IN ('DELIVERED', 'SENT') THEN 'ALREADY_SENT'`, `WHEN false THEN 'ALREADY_SENT'`},
	}, tables, replayed, ": it is due again"},
	{"a replay sends what may have been sent", []edit{
		{replays, `WHEN seen.state = 'UNKNOWN' THEN 'MAYBE_SENT'`, `WHEN false THEN 'MAYBE_SENT'`},
	}, tables, replayed, "UNKNOWN: it is due again"},
	{"a visit changes while its letter is replayed", []edit{
		{replays, `ORDER BY a.id FOR SHARE`, `ORDER BY a.id`},
	}, tables, "TestAReplayWaitsForWhoChangesTheVisit", "map[REPLAYED:1]"},
	{"what is only to be foreseen is done", []edit{
		{"internal/reminder/replay.go", `	if r.DryRun {`, `	if false {`},
	}, tables, "TestWhatWasGivenUpIsSentAgainOnce", "foreseeing did something"},
	{"letters are replayed whatever they died of", []edit{
		{"internal/postgres/deadletter.go", `{f.Cause != "", "d.cause`, `{false, "d.cause`},
	}, tables, "TestLettersAreFoundByWhatTheyAre", "by cause: 2 letters"},
}
