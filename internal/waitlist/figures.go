package waitlist

import "time"

// TurnKinds are all kinds of turns.
var TurnKinds = []TurnKind{TurnFreed, TurnOffer, TurnLook}

// Due are turns of a kind that nobody has taken.
type Due struct {
	Count  int // 100,000: or more
	Oldest time.Duration
}

// Figures say what of all waitlists is to be seen to.
type Figures map[TurnKind]Due
