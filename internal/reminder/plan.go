package reminder

import (
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// NoticeKind is what happened to a visit, or to what its patient's reminders follow from.
type NoticeKind string

// The kinds of notice.
const (
	NoticeBooked    NoticeKind = "BOOKED"
	NoticeMoved     NoticeKind = "MOVED"
	NoticeCancelled NoticeKind = "CANCELLED"
	NoticeEnded     NoticeKind = "ENDED"     // checked in, completed, missed, or entered in error: nothing more is to be told
	NoticeRestored  NoticeKind = "RESTORED"  // it stands again
	NoticeChanged   NoticeKind = "CHANGED"   // the place, the provider or the manner, and not the time
	NoticeReplanned NoticeKind = "REPLANNED" // only the rules, or what the patient wants: reminders follow, and nothing is told
)

// Notice is word of something that happened to a visit.
type Notice struct {
	Appointment  clinic.Ref
	Version      int // of the visit, once it had happened
	Kind         NoticeKind
	ByClinic     bool // else the patient's side did it
	WasCancelled bool // of RESTORED: the patient may have been told that it is off
	At           time.Time
	Taken        time.Time // until when whoever plans it has it to itself; tells whether it still does
	Trace        string    // W3C traceparent; empty: none
	Tries        int       // to plan it, that failed
}

// Visit is a visit as it stands when a notice is dealt with.
type Visit struct {
	Ref                                            clinic.Ref
	PatientID, VisitKindID, ProviderID, LocationID uuid.UUID
	Version                                        int
	Stands                                         bool // it may still take place
	Start                                          time.Time
	TimeZone                                       string // IANA, of its place
	Modality                                       clinic.Modality
}

// Contact is how a patient can be reached, and wants to be. It holds no address.
type Contact struct {
	Erased             bool
	HasPhone, HasEmail bool
	HasApp             bool          // an account may read the patient's push messages
	TimeZone           string        // IANA; empty: not known, so the visit's
	Channels           []ChannelKind // those the patient allows, in their order
	Quiet              QuietHours
	Wants              Wants
}

// Wants is what a patient wants other than the clinic's rules say.
type Wants struct {
	NoReminders bool
	Before      []time.Duration // in place of the rules' times; empty: the rules'
}

// Figures of planning.
const (
	// MaxDelay is how late a message may be sent.
	MaxDelay = 6 * time.Hour
	// Near is how long before its start a visit is so near that every channel is used.
	Near = time.Hour
	// Breath is how soon after a patient was told of a visit they may be reminded of it.
	Breath = 5 * time.Minute
	// Apart is how far apart two reminders of a visit are at least.
	Apart = 30 * time.Minute
)

// Plan says what is to be told of a visit after a notice: the news itself, due at once, then the reminders, by time. Each thing to tell
// has a row for each channel that can be used, in the patient's order: only the first is due, or each, if the visit is near. Where none can
// be used, one suppressed row says why. Rows have no id and no reference yet.
//
// Rules are those of the visit's organisation. The same notice may be planned twice: what it yields differs only by what is past.
func Plan(n Notice, v Visit, c Contact, rules []Rule, now time.Time) []Message {
	p := plan{notice: n, visit: v, contact: c, now: now}
	if c.Erased || !now.Before(v.Start) || n.Kind == NoticeEnded {
		return nil
	}
	var list []Message
	soonest := now
	if kind, ok := p.news(); ok {
		list = p.rows(list, Message{Kind: kind, Scheduled: n.At, Expires: p.expires(kind, n.At)})
		soonest = later(now, n.At).Add(Breath)
	}
	if !v.Stands || n.Kind == NoticeCancelled {
		return list
	}
	for _, r := range p.reminders(rules, soonest) {
		list = p.rows(list, Message{Kind: Remind, Rule: r.rule, Scheduled: r.at, Expires: p.expires(Remind, r.at)})
	}
	return list
}

// plan is one run of Plan.
type plan struct {
	notice  Notice
	visit   Visit
	contact Contact
	now     time.Time
}

// news is what the notice itself is told as, if it still is.
func (p plan) news() (Kind, bool) {
	n := p.notice
	fresh := p.visit.Stands && p.now.Before(n.At.Add(MaxDelay)) && n.At.Before(p.visit.Start)
	switch n.Kind {
	case NoticeBooked:
		return Confirmation, fresh
	case NoticeMoved, NoticeChanged:
		return Change, fresh
	case NoticeRestored:
		return Confirmation, fresh && n.WasCancelled
	case NoticeCancelled:
		return Cancellation, !p.visit.Stands && n.At.Before(p.visit.Start)
	}
	return "", false
}

// expires is when telling makes no sense any more. That a visit is off is worth knowing until it would have begun.
func (p plan) expires(k Kind, at time.Time) time.Time {
	if end := at.Add(MaxDelay); k != Cancellation && end.Before(p.visit.Start) {
		return end
	}
	return p.visit.Start
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
