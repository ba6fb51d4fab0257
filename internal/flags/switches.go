package flags

import "cloud.google.com/go/civil"

// The switches. Each is taken out of the program, with what it replaced, before the day it expires; `mediconnect flags check` fails from
// that day on.
var (
	// ConflictDetection says which rules a booking is held to besides those that the database holds: off for none, shadow to look and
	// tell nobody but the figures, enforce to refuse.
	ConflictDetection = declare(declared{
		key: "booking.conflict-detection", variants: []string{"off", "shadow", "enforce"}, stickTo: Provider,
		owner: "scheduling", expires: civil.Date{Year: 2027, Month: 6, Day: 30},
		gates: "the full detection of conflicts on bookings and moves: travel, resources, duplicates, prerequisites, caregivers, eligibility",
	})

	// AutoOffer says whether patients may wait, and what visits leave is offered to them.
	AutoOffer = declare(declared{
		key: "waitlist.auto-offer", stickTo: Organization,
		owner: "scheduling", expires: civil.Date{Year: 2027, Month: 9, Day: 30},
		gates: "joining the waitlist, and keeping and offering freed times to those who wait",
	})

	// StaffOverrides says whether staff may book against a rule that isn't absolute, with a reason.
	StaffOverrides = declare(declared{
		key: "booking.staff-overrides", stickTo: Organization,
		owner: "scheduling", expires: civil.Date{Year: 2027, Month: 6, Day: 30},
		gates: "staff's bookings and moves against a soft rule, with a reason",
	})
)
