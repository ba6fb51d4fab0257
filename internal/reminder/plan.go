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
	NoticeRequested NoticeKind = "REQUESTED" // booked or moved, and the clinic has yet to approve it
	NoticeCancelled NoticeKind = "CANCELLED"
	NoticeEnded     NoticeKind = "ENDED"     // checked in, completed, missed, or entered in error: nothing more is to be told
	NoticeRestored  NoticeKind = "RESTORED"  // it stands again
	NoticeOffered   NoticeKind = "OFFERED"   // of an offer, in the place of a visit
	NoticeReplanned NoticeKind = "REPLANNED" // only the rules, or what the patient wants: reminders follow, and nothing is told
)

// Notice is word of something that happened to a visit.
type Notice struct {
	Appointment clinic.Ref
	Version     int // of the visit, once it had happened
	Kind        NoticeKind
	At          time.Time
	Taken       time.Time // until when whoever plans it has it to itself; tells whether it still does
	Trace       string    // W3C traceparent; empty: none
	Tries       int       // to plan it, that came to nothing
}

// Visit is a visit as it stands when a notice is dealt with.
type Visit struct {
	Ref                                            clinic.Ref
	PatientID, VisitKindID, ProviderID, LocationID uuid.UUID
	Version                                        int
	Stands                                         bool // it may still take place
	Pending                                        bool // it would, if the clinic approved it
	Asked                                          bool // it can't, and the patient is asked whether another time suits: nothing else is told
	Start                                          time.Time
	TimeZone                                       string // IANA, of its place
	Modality                                       clinic.Modality
	AnswerBy                                       time.Time // of an offer that is open; zero: it is a visit, or has ended
	Untold                                         Kind      // the last news of it, if that was taken back and nobody has told it; empty: none
	Leaving                                        bool      // something of it was taken back while a worker had it, and may have been sent
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
// be used, one suppressed row says why; of news that is told too late to make sense, one expired row. Rows have no id and no reference yet.
//
// Rules are those of the visit's organisation. The same notice may be planned twice: what it yields differs only by what is past.
func Plan(n Notice, v Visit, c Contact, rules []Rule, now time.Time) []Message {
	p := plan{notice: n, visit: v, contact: c, now: now}
	if c.Erased || n.Kind == NoticeEnded {
		return nil
	}
	var list []Message
	soonest := p.owed()
	if kind, ok := p.news(); ok {
		expires := p.expires(kind, n.At)
		list = p.rows(list, Message{Kind: kind, Scheduled: n.At, Expires: expires})
		if now.Before(expires) {
			soonest = later(now, n.At).Add(Breath)
		}
	}
	if !v.Stands || v.Asked || n.Kind == NoticeCancelled || !now.Before(v.Start) {
		return list
	}
	for _, r := range p.reminders(rules, soonest) {
		m := Message{Kind: Remind, Rule: r.rule, Scheduled: r.at, Expires: p.expires(Remind, r.at)}
		if m.Again = n.Kind == NoticeRestored && r.at.Before(now); m.Again && !now.Before(m.Expires) {
			continue
		}
		list = p.rows(list, m)
	}
	return list
}

// owed is since when reminders are owed, however late they are planned. Those that were taken back to be planned anew are since then. So are
// those that a step took back which is undone, as long as they make sense; before that they may not have been planned at all.
func (p plan) owed() time.Time {
	switch {
	case p.notice.Kind == NoticeReplanned && p.notice.Version == p.visit.Version: // else another notice plans the visit as it is
		return p.notice.At
	case p.notice.Kind == NoticeRestored:
		return p.notice.At.Add(-MaxDelay)
	}
	return p.now
}

// TakenBack is what is kept of a notice whose visit has changed again before it was planned, or whose patient is asked whether another time suits:
// news that was taken back. Should the visit come back as it was, it is known that nobody has told it.
func TakenBack(n Notice, v Visit, c Contact, now time.Time) []Message {
	p := plan{notice: n, visit: v, contact: c, now: now}
	p.visit.Version, p.visit.Stands, p.visit.Asked = n.Version, true, false
	kind, ok := p.news()
	if !ok || c.Erased || n.Kind != NoticeBooked && n.Kind != NoticeMoved {
		return nil
	}
	row := p.rows(nil, Message{Kind: kind, Scheduled: n.At, Expires: p.expires(kind, n.At)})[0]
	row.State, row.Cause, row.Due, row.EndedAt = Cancelled, VisitChanged, nil, at(now)
	return []Message{row}
}

// plan is one run of Plan.
type plan struct {
	notice  Notice
	visit   Visit
	contact Contact
	now     time.Time
}

// news is what the notice itself is told as, if it still is. Who is restored to a visit knows of it, unless the news was on its way still.
func (p plan) news() (Kind, bool) {
	n := p.notice
	fresh := p.visit.Stands && !p.visit.Asked && n.At.Before(p.visit.Start)
	switch n.Kind {
	case NoticeOffered:
		return Offer, n.At.Before(p.visit.AnswerBy)
	case NoticeBooked:
		return Confirmation, fresh
	case NoticeMoved:
		return Change, fresh
	case NoticeRequested:
		return Request, p.visit.Pending && !p.visit.Asked && n.At.Before(p.visit.Start)
	case NoticeRestored:
		return p.visit.Untold, fresh && p.visit.Untold != ""
	case NoticeCancelled:
		return Cancellation, !p.visit.Stands && !p.visit.Pending && n.At.Before(p.visit.Start)
	}
	return "", false
}

// expires is when telling makes no sense any more. That a visit is off, or at another time, is worth knowing until it begins.
func (p plan) expires(k Kind, at time.Time) time.Time {
	if k == Offer {
		return p.visit.AnswerBy
	}
	if end := at.Add(MaxDelay); k != Cancellation && k != Change && end.Before(p.visit.Start) {
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
