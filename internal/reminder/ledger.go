package reminder

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// Attempt is one try to send a message.
type Attempt struct {
	Number  int // of the message, from 1
	Began   time.Time
	Ended   *time.Time
	Outcome Outcome // empty: it isn't over
	Cause   Cause   // empty: none
	Code    string  // the vendor's, or an HTTP status; empty: none
}

// MaxAttemptsShown of a message, the latest, are told: more than a message lives for.
const MaxAttemptsShown = 100

// Ledger tells what became of messages, to whom their visits are shown.
type Ledger struct{ store LedgerStore }

// LedgerStore is what the ledger reads.
type LedgerStore interface {
	// OfVisits pages the messages of each visit of these, by time and id, with one statement an organisation.
	OfVisits(ctx context.Context, visits []clinic.Ref, w paging.Window) (map[clinic.Ref]paging.Page[Message], error)
	// CountOfVisits counts them, up to paging.MaxCount for each visit.
	CountOfVisits(ctx context.Context, visits []clinic.Ref) (map[clinic.Ref]int, error)
	// Messages answers those that exist.
	Messages(ctx context.Context, refs []clinic.Ref) (map[clinic.Ref]Message, error)
	// Attempts answers the latest tries of messages, in order, at most so many of each.
	Attempts(ctx context.Context, messages []clinic.Ref, limit int) (map[clinic.Ref][]Attempt, error)
	// Funnel counts an organisation's messages. It fails with errs.NotFound at "locationId".
	Funnel(ctx context.Context, organization uuid.UUID, q FunnelQuery) (Funnel, error)
}

// NewLedger puts the ledger over its store.
func NewLedger(store LedgerStore) *Ledger { return &Ledger{store} }

// KeyParts is how many values the key of a message in a list has: its time, then its id.
const KeyParts = 2

// KeyOf is the key of a message in a list.
func KeyOf(m Message) []string { return timeKey(m.Scheduled, m.ID) }

func timeKey(at time.Time, id uuid.UUID) []string {
	return []string{strconv.FormatInt(at.UnixMicro(), 10), id.String()}
}

// TimeOf reads such a key of a cursor. It fails with errs.InvalidInput at a field.
func TimeOf(key []string, field string) (time.Time, uuid.UUID, error) {
	micros, err := strconv.ParseInt(key[0], 10, 64)
	at := time.UnixMicro(micros).UTC()
	id, invalid := uuid.Parse(key[1])
	if err != nil || invalid != nil || at.Year() < 1 || at.Year() > 9999 {
		return at, id, errs.Invalid("This is not a cursor of this list.", field)
	}
	return at, id, nil
}

// TrailKind is what messages are called in the record of who saw what.
const TrailKind = "Reminder"

// OfVisits pages what was, or will be, told of visits that the caller has been shown, the earliest first.
func (l *Ledger) OfVisits(ctx context.Context, a access.Actor, visits []clinic.Ref, w paging.Window) (map[clinic.Ref]paging.Page[Message], error) {
	own := within(a, visits)
	if len(own) == 0 {
		return map[clinic.Ref]paging.Page[Message]{}, nil
	}
	pages, err := l.store.OfVisits(ctx, own, w)
	if err != nil {
		return nil, err
	}
	var all []Message
	for _, page := range pages {
		all = append(all, page.Items...)
	}
	seen, err := shown(ctx, a, all)
	if err != nil {
		return nil, err
	}
	for visit, page := range pages {
		if len(page.Items) > 0 && !seen[page.Items[0].Ref()] {
			delete(pages, visit) // a visit has one patient
		}
	}
	return pages, nil
}

// CountOfVisits counts what OfVisits pages.
func (l *Ledger) CountOfVisits(ctx context.Context, a access.Actor, visits []clinic.Ref) (map[clinic.Ref]int, error) {
	own := within(a, visits)
	if len(own) == 0 {
		return map[clinic.Ref]int{}, nil
	}
	return l.store.CountOfVisits(ctx, own)
}

// Messages answers those that exist and that the caller may see.
func (l *Ledger) Messages(ctx context.Context, a access.Actor, refs []clinic.Ref) (map[clinic.Ref]Message, error) {
	own := within(a, refs)
	if len(own) == 0 {
		return map[clinic.Ref]Message{}, nil
	}
	found, err := l.store.Messages(ctx, own)
	if err != nil {
		return nil, err
	}
	list := make([]Message, len(own)) // one that isn't there is looked at as somebody's, so that it takes as long
	for i, ref := range own {
		m, ok := found[ref]
		if list[i] = m; !ok {
			list[i].PatientID = ref.ID
		}
	}
	seen, err := shown(ctx, a, list)
	for ref := range found {
		if !seen[ref] {
			delete(found, ref)
		}
	}
	return found, err
}

// Attempts answers the tries of messages that the caller has been shown, in order.
func (l *Ledger) Attempts(ctx context.Context, a access.Actor, messages []clinic.Ref) (map[clinic.Ref][]Attempt, error) {
	own := within(a, messages)
	if len(own) == 0 {
		return map[clinic.Ref][]Attempt{}, nil
	}
	return l.store.Attempts(ctx, own, MaxAttemptsShown)
}

// within are the things of the caller's own organisation, if they read appointments at all.
func within(a access.Actor, refs []clinic.Ref) (own []clinic.Ref) {
	for _, ref := range refs {
		if a.In(ref.Organization) && a.Has(access.AppointmentsRead) {
			own = append(own, ref)
		}
	}
	return own
}

// shown says which messages are for patients whom the caller may see, looked at together, and notes that the caller is told of them.
func shown(ctx context.Context, a access.Actor, list []Message) (map[clinic.Ref]bool, error) {
	patients := make([]uuid.UUID, len(list))
	for i, m := range list {
		patients[i] = m.PatientID
	}
	seen, err := a.Sees(ctx, patients...)
	if err != nil {
		return nil, err
	}
	may := make(map[clinic.Ref]bool, len(list))
	for _, m := range list {
		if m.ID == uuid.Nil || !seen.Of(m.PatientID) {
			continue
		}
		may[m.Ref()] = true
		a.Trail.Saw(access.Sight{Organization: m.OrganizationID, Kind: TrailKind, ID: m.ID, Patient: m.PatientID, Grant: seen.Under(m.PatientID)})
	}
	return may, nil
}
