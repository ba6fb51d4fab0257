package live

import (
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// Interest is which entries a listener wants: those that meet any of its parts.
type Interest struct {
	Providers     []clinic.Ref // about these
	Organizations []uuid.UUID  // of these, whoever they are about
	Schedules     bool         // about changed hours, whoever's
	Offers        []uuid.UUID  // about offers of these organisations
	Appointments  []clinic.Ref // about these; a log can be read so, a hub offers nothing by it
	OwnOffers     []clinic.Ref // about these; likewise
}

// ScheduleTopic is the topic of entries about changed hours.
const ScheduleTopic = "schedule.changed"

// Listener is told of entries. Both methods are called in the order of the log, under the hub's lock: they neither wait nor call
// the hub.
type Listener interface {
	// Offer hands over an entry. It may be one that was offered before.
	Offer(Entry)
	// Reset says that the log went another way: nothing follows any more.
	Reset()
}

// Batch is a piece of the log: all its entries after a position, up to another.
type Batch struct {
	Epoch   string  `json:"epoch"`
	After   int64   `json:"after"`
	Upto    int64   `json:"upto"`
	Entries []Entry `json:"entries"`
}

// Hub hands what a process reads of the log to all who listen in it, so that the log is followed once a process.
type Hub struct {
	mu            sync.Mutex
	at            Cursor // Epoch is empty before the log was found
	providers     map[clinic.Ref]map[*Seat]bool
	organizations map[uuid.UUID]map[*Seat]bool
	schedules     map[*Seat]bool
	offers        map[uuid.UUID]map[*Seat]bool
	seats         int
	wanted        chan struct{}
}

// NewHub makes a hub that stands nowhere yet.
func NewHub() *Hub {
	return &Hub{
		providers: map[clinic.Ref]map[*Seat]bool{}, organizations: map[uuid.UUID]map[*Seat]bool{}, schedules: map[*Seat]bool{},
		offers: map[uuid.UUID]map[*Seat]bool{}, wanted: make(chan struct{}, 1),
	}
}

// Seat is a listener's place at a hub.
type Seat struct {
	hub      *Hub
	listener Listener
	of       Interest
	left     bool
}

// Join seats a listener. Every entry after the cursor that it answers is offered, but for what nobody is interested in. While
// the hub stands nowhere it fails with errs.Busy.
func (h *Hub) Join(l Listener, of Interest) (*Seat, Cursor, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.at.Epoch == "" {
		return nil, Cursor{}, errs.TryAgain(nil)
	}
	s := &Seat{hub: h, listener: l, of: of}
	h.seat(s)
	if h.seats++; h.seats == 1 {
		select {
		case h.wanted <- struct{}{}:
		default:
		}
	}
	return s, h.at, nil
}

// Wanted receives after somebody has sat down where nobody did.
func (h *Hub) Wanted() <-chan struct{} { return h.wanted }

// Widen has the listener told of more providers.
func (s *Seat) Widen(providers ...clinic.Ref) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.of.Providers = append(slices.Clip(s.of.Providers), providers...)
	for _, p := range providers {
		put(s.hub.providers, p, s)
	}
}

// Leave ends it. Nothing is offered afterwards. It may be called again.
func (s *Seat) Leave() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	for _, p := range s.of.Providers {
		drop(s.hub.providers, p, s)
	}
	for _, o := range s.of.Organizations {
		drop(s.hub.organizations, o, s)
	}
	for _, o := range s.of.Offers {
		drop(s.hub.offers, o, s)
	}
	delete(s.hub.schedules, s)
	if !s.left {
		s.left = true
		s.hub.seats--
	}
}

// At is how far the log has been handed on: every entry up to there that a listener wants was offered to it.
func (h *Hub) At() Cursor {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

// Listeners is how many are seated.
func (h *Hub) Listeners() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seats
}

// Begin puts the hub at a place in the log. From another life of it nothing follows: whoever listens is reset.
func (h *Hub) Begin(at Cursor) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.at.Epoch != "" {
		for _, s := range h.all() {
			s.listener.Reset()
		}
	}
	h.at = at
}

// Advance hands a piece of the log on, and answers where the hub stands then. A piece that the hub has had already does nothing;
// one that leaves something out before it, or of another life, is not taken: ok is false.
func (h *Hub) Advance(b Batch) (at Cursor, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b.Epoch != h.at.Epoch || b.After > h.at.Position {
		return h.at, false
	}
	for _, e := range b.Entries {
		if e.Position > h.at.Position {
			h.offer(e)
		}
	}
	h.at.Position = max(h.at.Position, b.Upto)
	return h.at, true
}

func (h *Hub) offer(e Entry) {
	about := h.providers[e.ProviderRef()]
	of := h.organizations[e.Organization]
	if len(about) > 0 || len(h.schedules) > 0 && e.Topic == ScheduleTopic {
		_ = e.read() // who can't read it says so
	}
	for s := range about {
		s.listener.Offer(e)
	}
	for s := range of {
		if !about[s] {
			s.listener.Offer(e)
		}
	}
	if e.Offer != uuid.Nil {
		for s := range h.offers[e.Organization] {
			s.listener.Offer(e)
		}
	}
	if e.Topic != ScheduleTopic {
		return
	}
	for s := range h.schedules {
		if !about[s] && !of[s] {
			s.listener.Offer(e)
		}
	}
}

func (h *Hub) seat(s *Seat) {
	for _, p := range s.of.Providers {
		put(h.providers, p, s)
	}
	for _, o := range s.of.Organizations {
		put(h.organizations, o, s)
	}
	for _, o := range s.of.Offers {
		put(h.offers, o, s)
	}
	if s.of.Schedules {
		h.schedules[s] = true
	}
}

func (h *Hub) all() map[*Seat]*Seat {
	found := map[*Seat]*Seat{}
	add := func(seats map[*Seat]bool) {
		for s := range seats {
			found[s] = s
		}
	}
	for _, seats := range h.providers {
		add(seats)
	}
	for _, seats := range h.organizations {
		add(seats)
	}
	for _, seats := range h.offers {
		add(seats)
	}
	add(h.schedules)
	return found
}

func put[K comparable](seats map[K]map[*Seat]bool, at K, s *Seat) {
	if seats[at] == nil {
		seats[at] = map[*Seat]bool{}
	}
	seats[at][s] = true
}

func drop[K comparable](seats map[K]map[*Seat]bool, at K, s *Seat) {
	delete(seats[at], s)
	if len(seats[at]) == 0 {
		delete(seats, at)
	}
}
