package planted_test

import "testing"

// Whose tests know of approvals, and of whoever is free.
const (
	approvals = "migrations/00027_approval_and_any_provider.sql"
	lapsing   = "internal/appointment/approval.go"
	anybodys  = "internal/appointment/anybody.go"
	steps     = "internal/appointment/transition.go"
	declining = "internal/appointment/change.go"
	spread    = "TestVisitsAreSpreadFairly"
	approved  = "TestWhatNobodyApprovesInTimeLapses"
)

// What waits for approval has one end, and whoever is free is found and shared fairly. Each of these is broken in turn.
func TestEveryFaultOfApprovalsAndOfWhoeverIsFreeIsNoticed(t *testing.T) { noticed(t, freedFaults) }

var freedFaults = []fault{
	{"those who book anybody don't wait for each other", []edit{
		{approvals, `PERFORM pg_advisory_xact_lock(anybody_lock(`, `PERFORM (anybody_lock(`},
	}, tables, spread, "visits of 200 over ten"},
	{"nobody looks at who has the fewest visits", []edit{
		{approvals, `coalesce(d.booked, 0), md5`, `md5`},
	}, tables, "TestTheOneWithTheFewestVisitsOfTheDayIsBookedFirst", "is with"},
	{"who is refused isn't followed by the next", []edit{
		{approvals, `IF why IN ('PATIENT_BUSY',`, `IF why IN ('SLOT_TAKEN', 'PATIENT_BUSY',`},
	}, tables, "TestAllAreBookedWhileAnybodyIsFree", "are booked and"},
	{"a provider who is locked holds everybody up", []edit{
		{approvals, `                IF 'LOCKED' = ANY (refused_) THEN -- twice is long enough
                    RAISE;
                END IF;
                why := 'LOCKED';`, `                RAISE;`},
	}, tables, "TestWhoIsLockedIsPassedOver", "busy"},
	{"anybody is booked twice by who asks twice", []edit{
		{approvals, `    answer := same_booking_of_anybody(org, p, now_);`, `    answer := NULL;`},
	}, tables, "TestAnybodyIsBookedOnce", "once more it is"},
	{"who has no room is tried for ever", []edit{
		{anybodys, `full[tried.Options[i].Slot.Provider] = why == NoResource`, `_, _ = i, why`},
	}, tables, "TestAnybodyWithoutARoomIsToldSo", "not [RESOURCE_BUSY]"},
	{"what is due can be approved", []edit{
		{steps, `(ap.ApprovalDueAt == nil || now.Before(*ap.ApprovalDueAt))`, `!now.Before(time.Time{})`},
	}, tables, approved, "it can be approved still"},
	{"what lapses isn't read again", []edit{
		{lapsing, `if ap.Status != Pending || ap.ApprovalDueAt == nil || w.At.Before(*ap.ApprovalDueAt) {`, `if w.To = ap; ap.Status == "" {`},
	}, tables, "TestWhatIsApprovedMeanwhileDoesNotLapse", "has become CANCELLED"},
	{"a move begins no period", []edit{
		{approvals, ` OLD.status <> 'PENDING'
        OR (NEW.starts_at, NEW.provider_id, NEW.location_id, NEW.modality) <> (OLD.starts_at, OLD.provider_id, OLD.location_id, OLD.modality) THEN`, ` OLD.status <> 'PENDING' THEN`},
	}, tables, "TestAPeriodBeginsAnew", "not until"},
	{"a visit lapses after it has begun", []edit{
		{approvals, `NEW.approval_due_at := least(NEW.starts_at, NEW.updated_at`, `NEW.approval_due_at := greatest(NEW.updated_at, NEW.updated_at`},
	}, tables, "TestAVisitLapsesWhenItStartsAtTheLatest", "not until"},
	{"who is approved is told of the asking, too", []edit{
		{approvals, `'    IF kind_ <> ''BOOKED'' OR seen.last_action = ''APPROVE'' THEN'`, `'    IF kind_ <> ''BOOKED'' OR false THEN'`},
	}, tables, "TestWhoIsApprovedAtOnceIsToldThatAlone", "told [REQUEST CONFIRMATION]"},
	{"what is asked for is told as booked", []edit{
		{approvals, `kind_ := ''REQUESTED'';`, `kind_ := kind_;`},
	}, tables, "TestEveryStepOfARequestIsToldOnce", "not [REQUEST"},
	{"a patient's reason declines", []edit{
		{declining, `check.That(in.Reason == nil || slices.Contains(declines, *in.Reason), "The clinic declines for another reason.", "reason")`, `_ = slices.Contains(declines, Other)`},
	}, api, "TestTheClinicSaysWhyItDeclines", "input reason"},
}
