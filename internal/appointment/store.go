package appointment

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Store keeps appointments and holds. Each change is one transaction that commits the appointment, its claims, the counters,
// the idempotent answer, the audit row and the event together, or nothing. Any method may fail with errs.Busy.
type Store interface {
	// Book, PlaceHold and Move settle a decided change against everybody else's; the Answer says how it went.
	// They fail with errs.NotFound at "patientId" when the organisation has no such patient.
	Book(ctx context.Context, w BookingWrite) (Answer, error)
	PlaceHold(ctx context.Context, w HoldWrite) (Answer, error)
	Move(ctx context.Context, w MoveWrite) (Answer, error)
	// Keep is PlaceHold for nobody in particular, until whoever wants the time is found.
	Keep(ctx context.Context, w HoldWrite) (Answer, error)
	// PlaceOffer is PlaceHold of what is offered. What keeps the time so far gives way, and the offer is told.
	PlaceOffer(ctx context.Context, w OfferWrite) (Answer, error)
	// BookAny books with the provider of one of the options: of those who aren't taken by now, with the one who has the fewest visits on that day.
	// While it is asked for the same kind of visit, location and day, others who ask wait. Answer.Option tells which option it is, and of NoneFree
	// Answer.Refused why for each. It books nothing for no options, and still answers a key that was used.
	BookAny(ctx context.Context, w AnyWrite) (Answer, error)
	// MoveTogether moves all or none, into places that may be each other's. Answer.Part is which one an Outcome other than Done is of.
	MoveTogether(ctx context.Context, w TogetherWrite) (Answer, error)
	// ExtendHold and ReleaseHold answer Done when the hold stands so already.
	ExtendHold(ctx context.Context, w HoldChange) (Answer, error)
	ReleaseHold(ctx context.Context, w HoldChange) (Answer, error)
	Cancel(ctx context.Context, w CancelWrite) (Answer, error)
	// CancelTogether cancels all or none.
	CancelTogether(ctx context.Context, w Write, all []CancelWrite) (Answer, error)
	// BookSeries books all parts or, if not all are asked for, those that can be had. LeftOut: none of them; Answer.Skipped says why.
	BookSeries(ctx context.Context, w SeriesWrite) (Answer, error)
	// Series answers those that exist.
	Series(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]Series, error)
	// VisitsOf lists the appointments of a series, in its order; at most MaxVisits.
	VisitsOf(ctx context.Context, series clinic.Ref) ([]Appointment, error)
	Change(ctx context.Context, w StateWrite) (Answer, error)

	// Recall answers Replayed, OutcomeReused or OutcomeInUse for a key that was used, else Done. For a booking it also answers
	// Replayed when the same one was made under another key a moment ago. It changes nothing else.
	Recall(ctx context.Context, organization uuid.UUID, w Write, booking *Seat) (Answer, error)
	// Affirm answers a change whose state an appointment has reached already: as Recall does for a key that was used, else Done,
	// which the key then stands for. It writes in any case, so that it waits for the same standbys as the change did.
	Affirm(ctx context.Context, w Write, ap Appointment) (Answer, error)

	// Appointments, Holds and Identifiers answer those that exist.
	Appointments(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]Appointment, error)
	Holds(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]Hold, error)
	Identifiers(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref][]clinic.Identifier, error)
	// Overrides answers what appointments were booked over, the newest first, of those that were.
	Overrides(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref][]Overridden, error)
	// Concerns answers whom those that exist concern.
	Concerns(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]Concern, error)
	// Concerning lists those of an actor's organisation whose Concern is Of the actor, at most limit, in no order.
	Concerning(ctx context.Context, a access.Actor, limit int) ([]clinic.Ref, error)
	// Known fails with errs.NotFound as List does, at the same fields.
	Known(ctx context.Context, f Filter) error
	// List pages an organisation's appointments by the order's time, then id. It fails with errs.NotFound at "patientId",
	// "providerId" or "locationId" when the filter names one that doesn't exist.
	List(ctx context.Context, f Filter, o Order, w paging.Window) (paging.Page[Appointment], error)
	// Count stops at paging.MaxCount.
	Count(ctx context.Context, f Filter) (int, error)
	// Agendas pages appointments with each of these providers as List does, all at once; of brief ones only what Agenda names.
	Agendas(ctx context.Context, providers []clinic.Ref, q Agenda) (map[clinic.Ref]paging.Page[Appointment], error)
	// CountAgendas stops at paging.MaxCount with each.
	CountAgendas(ctx context.Context, providers []clinic.Ref, f Filter) (map[clinic.Ref]int, error)
	// Upcoming lists visits that keep claims and end after now, by start, after a (start, id) key; at most limit.
	Upcoming(ctx context.Context, c Clash, now time.Time, after []string, limit int) ([]Appointment, error)
	// StreamCursor is a place in the event log from which a list read afterwards misses nothing: both what is written
	// after it, and what comes of time passing after now.
	StreamCursor(ctx context.Context, now time.Time) (string, error)

	// Outdated lists upcoming visits of all organisations that were last placed under other zone data, by id after an id.
	Outdated(ctx context.Context, tzdb string, now time.Time, after uuid.UUID, limit int) ([]Appointment, error)
	// Seen marks visits as standing right under the zone data.
	Seen(ctx context.Context, refs []clinic.Ref, tzdb string) error

	// DueHolds lists providers with holds that ran out by now, at most limit and without those to pass over.
	DueHolds(ctx context.Context, now time.Time, passed []clinic.Ref, limit int) ([]clinic.Ref, error)
	// LapseHolds ends the provider's holds that ran out by now, and answers how many claims that freed. It doesn't wait for
	// long: it fails with errs.Busy while somebody else has the provider's days.
	LapseHolds(ctx context.Context, provider clinic.Ref, now time.Time) (int, error)
	// DueApprovals lists pending appointments of all organisations whose time to be approved is over by now, the longest first, at most limit and
	// without those to pass over.
	DueApprovals(ctx context.Context, now time.Time, passed []clinic.Ref, limit int) ([]clinic.Ref, error)
	// Tidy takes claims that ended before past out of the constraint's index and drops keys and rows that nobody can ask for
	// any more, at most limit of each; it answers how many rows it touched.
	Tidy(ctx context.Context, now time.Time, limit int) (int, error)
}

// Outcome says how a change went against everybody else's.
type Outcome string

// The outcomes of changes.
const (
	Done             Outcome = "DONE"
	Replayed         Outcome = "REPLAYED"          // the key's first answer stands
	OutcomeInUse     Outcome = "KEY_IN_USE"        // the key's first request is running
	OutcomeReused    Outcome = "KEY_REUSED"        // the key had another input
	StaleRules       Outcome = "STALE_RULES"       // decided on rules that have changed: decide again
	StaleNeighbours  Outcome = "STALE_NEIGHBOURS"  // decided on visits of the people concerned that have changed: decide again
	StaleAppointment Outcome = "STALE_APPOINTMENT" // decided on a version that has changed: decide again
	LaneTaken        Outcome = "SLOT_TAKEN"
	DailyCap         Outcome = "DAILY_CAP"
	WindowCap        Outcome = "WINDOW_CAP"
	PatientBusy      Outcome = "PATIENT_BUSY"
	NoResource       Outcome = "RESOURCE_BUSY"
	HoldEnded        Outcome = "HOLD_ENDED"
	OfferEnded       Outcome = "OFFER_ENDED"
	NotWaiting       Outcome = "NOT_WAITING" // whom a time is offered has gone, or has another offer
	NoneFree         Outcome = "NONE_FREE"
	OutcomeLimit     Outcome = "LIMIT_REACHED"
	LeftOut          Outcome = "LEFT_OUT"    // of a series: what can't be had keeps out the rest
	NotOffered       Outcome = "NOT_OFFERED" // decided before the store was asked
)

// stale says whether a change was decided on rules, or on neighbours, that aren't what they were.
func (o Outcome) stale() bool { return o == StaleRules || o == StaleNeighbours }

// Answer is how a change went, as ids and a version: what is kept for an idempotency key.
type Answer struct {
	Outcome      Outcome
	Appointment  uuid.UUID
	Version      int
	Hold         uuid.UUID
	Released     *availability.SlotID
	With         uuid.UUID // PatientBusy: the appointment in the way
	At           time.Time // HoldEnded, OfferEnded: when; OutcomeReused: when the key was first used
	Reached      LimitReached
	Part         int         // of a change of several: which one, from 0
	Appointments []uuid.UUID // of such a change, in its order
	Series       uuid.UUID
	Skipped      []SkippedDate // of a series
	Option       int           // of those that a booking with anybody had, from 0
	Refused      []Outcome     // NoneFree: of each option
}

// Write is what every change carries.
type Write struct {
	clinic.Stamp
	Once *clinic.Once // nil: no idempotency key
}

// Seat is a slot with what claiming it means.
type Seat struct {
	Slot          availability.SlotID
	Plan          availability.Plan
	RulesRevision int64     // that Plan was made from
	Hold          uuid.UUID // booked from; zero when none
	Kept          uuid.UUID // the hold of the waitlist's own that keeps the time of what is offered; zero when none
	Offer         uuid.UUID // taken; zero when none
	Displaced     uuid.UUID // the closure that displaces what is moved here; zero when none
	Holder        availability.Holder
	Claims        [2]uuid.UUID // ids for the provider's claims
	PatientClaim  uuid.UUID

	Case     conflict.Case     // what it means for others
	Override conflict.Override // what is asked to be booked over
	Over     Over              // what is booked over
	Squeeze  bool              // into the overflow lane, if all others are taken

	heldFor uuid.UUID // the hold's patient; zero when it has none
	judged  conflict.Judged
}

// Seen is the digest of what the seat was decided on, besides rules; empty when that was nothing.
func (s Seat) Seen() string { return s.judged.Seen }

// Features are the flags under which the seat was decided.
func (s Seat) Features() []access.Feature { return s.judged.Features(s.Override) }

// Over are the soft rules that a change is made over. The zero value is none.
type Over struct {
	ID    uuid.UUID
	Rules []availability.Rule // sorted; the store adds ProviderBusy when it takes the overflow lane
	Waits bool                // for a doctor's approval
}

// BookingWrite is a decided booking.
type BookingWrite struct {
	Write
	Seat
	Limits      Limits
	Appointment Appointment
	Identifiers []clinic.Identifier
}

// AnyWrite is a decided booking with whoever is free: an appointment without a provider, and a seat with each who may have it, who share everything
// but the provider.
type AnyWrite struct {
	BookingWrite
	Options []Seat
	Among   []uuid.UUID // all whom it could be with, free or not
}

// HoldWrite is a decided hold.
type HoldWrite struct {
	Write
	Seat
	Limits  Limits
	NewHold Hold
}

// MoveWrite is a decided move of the appointment as it was read.
type MoveWrite struct {
	Write
	Seat
	From, To Appointment
	Rezoned  bool     // nobody asked for it: the zone's rules have changed
	Reserve  *Reserve // of what it leaves; nil: that is free
}

// OfferWrite is a decided offer.
type OfferWrite struct {
	HoldWrite
	Offered Offered
}

// TogetherWrite is a decided move of several appointments as they were read. Each move has a record of its own, and no key.
type TogetherWrite struct {
	Write
	Moves []MoveWrite
	Swap  bool // each takes the other's place
}

// SeriesWrite is a decided booking of a series.
type SeriesWrite struct {
	Write
	Series  Series
	All     bool // or nothing
	Parts   []SeriesPart
	Skipped []SkippedDate // left out before it came here
}

// SeriesPart is the booking of one date of a series. It has a record of its own, and no key.
type SeriesPart struct {
	BookingWrite
	Index int
}

// SkippedDate is a date of a series that can't be had.
type SkippedDate struct {
	Index     int
	Slot      availability.SlotID
	BlockedBy []availability.Rule
}

// HoldChange extends a hold, or releases it when ExpiresAt is zero.
type HoldChange struct {
	clinic.Stamp
	Hold      clinic.Ref
	Patient   uuid.UUID // whom it is for; zero when nobody in particular
	ExpiresAt time.Time
}

// CancelWrite is a decided cancellation of the appointment as it was read.
type CancelWrite struct {
	Write
	From, To  Appointment
	Reserve   *Reserve  // of what it leaves; nil: that is free
	Displaced uuid.UUID // the closure that it is for; zero when none
	Why       string    // then
}

// StateWrite is a decided transition of the appointment as it was read.
type StateWrite struct {
	Write
	From, To Appointment
	Rezoned  bool // only the wall clock that it shows changes: the zone's rules have changed
}

// Clash asks for visits that a change of hours may have left outside them.
type Clash struct {
	Organization uuid.UUID
	Provider     uuid.UUID           // zero: every provider
	Location     uuid.UUID           // zero: every location
	From, To     time.Time           // visits that start in [From, To)
	Spans        []availability.Span // and in one of these; nil: anywhere
}
