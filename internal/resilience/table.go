package resilience

import "time"

// Dependency is what a process asks of another one, and can do without for a while.
type Dependency string

// The dependencies.
const (
	PostgreSQL   Dependency = "database"
	Redis        Dependency = "redis"
	OpenID       Dependency = "openid"   // a provider that people sign in by; each has a breaker of its own
	Twilio       Dependency = "twilio"   // text messages
	SendGrid     Dependency = "sendgrid" // e-mails
	RecordSystem Dependency = "ehr"      // a clinic's own record system
	Unleash      Dependency = "unleash"  // switches
	Webhooks     Dependency = "webhooks" // partners' systems that are told; each receiver is one by itself
)

// Time limits that the code below uses by name. A vendor is never called while a request waits, so its limit may be longer than a request's.
const (
	DatabaseConnect = 5 * time.Second // a primary that hangs is given up, and the next host is tried, within a request's time
	DatabaseAcquire = 5 * time.Second // waiting for a connection: whoever waits longer is turned away rather than queued
	DatabaseCall    = 5 * time.Second // a statement, and a whole transaction: a write is answered within 10 s, a read within 5
	DatabaseLock    = 2 * time.Second // locks are held for milliseconds; who waits longer had better try again
	DatabaseIdle    = 5 * time.Second // within a transaction: it holds locks that others wait for

	RedisConnect = 500 * time.Millisecond // it is near, and everything goes on without it
	RedisCall    = time.Second            // at the most: a question within a request has less, named where it is asked

	OpenIDCall = 5 * time.Second // somebody looks at a page meanwhile

	VendorConnect = 5 * time.Second  // of letters
	VendorCall    = 10 * time.Second // ten times as long as they take on most days
)

// Policy is how long a process waits for a dependency, when it stops asking, and how much may be under way to it.
type Policy struct {
	Connect time.Duration // longest to connect
	Call    time.Duration // longest call, connecting included
	Slow    time.Duration // a call that takes longer counts as failed; 0: none does
	Breaker Breaking
	Places  int // calls of a process that are under way; 0: something else bounds them
	Queue   int // that may wait for a place
}

// Breaking is when a breaker opens and closes. The zero value: there is none.
type Breaking struct {
	Bad    uint          // calls of the last ones, that open it
	Last   uint          // how many are the last ones
	Whole  bool          // it doesn't open before there were so many
	Pause  time.Duration // how long nothing is asked
	Probes uint          // calls that are let through then; the pause begins anew unless all are good
}

// Of vendors: half of the last 20 calls, and not before there were 20, as single failures are everyday. 30 s is long for a message, but
// not for a vendor to come back, and three calls within them are no load. It stays away from a vendor for 40 s at the most after that is
// back: the pause, and one probe that hung until then.
var vendor = Breaking{Bad: 10, Last: 20, Whole: true, Pause: 30 * time.Second, Probes: 3}

// table has the policies. docs/consistency.md shows it to those who run the program.
var table = map[Dependency]Policy{
	// Requests wait for it, and nothing stands in for it: a breaker would only fail what might succeed. Its pools are its places.
	PostgreSQL: {Connect: DatabaseConnect, Call: DatabaseCall},

	// Half of the last ten calls is also five in a row; what is back is found out within a second or so. Its pool is its places.
	Redis: {Connect: RedisConnect, Call: RedisCall, Breaker: Breaking{Bad: 5, Last: 10, Pause: time.Second, Probes: 1}},

	// People wait, and few sign in: three of six is soon reached.
	OpenID: {Connect: OpenIDCall, Call: OpenIDCall, Breaker: Breaking{Bad: 3, Last: 6, Pause: 5 * time.Second, Probes: 1}},

	// Half of a call's time is slow. Ten under way are some 20 to 50 calls a second; ten times as many may wait, and more go back to the queue.
	Twilio:   {Connect: VendorConnect, Call: VendorCall, Slow: VendorCall / 2, Breaker: vendor, Places: 10, Queue: 100},
	SendGrid: {Connect: VendorConnect, Call: VendorCall, Slow: VendorCall / 2, Breaker: vendor, Places: 10, Queue: 100},

	// Record systems stand in clinics: they are slow, and do others' work.
	RecordSystem: {Connect: 5 * time.Second, Call: 30 * time.Second, Slow: 15 * time.Second, Breaker: vendor, Places: 5, Queue: 50},

	// It is asked beside the work, every few seconds, by a client that backs off; the last answer holds meanwhile.
	Unleash: {Connect: time.Second, Call: 3 * time.Second},

	// A receiver answers before it does anything, or it is too slow.
	Webhooks: {Connect: 5 * time.Second, Call: 10 * time.Second, Slow: 5 * time.Second, Breaker: vendor, Places: 10, Queue: 100},
}

// PolicyOf is the table's row of a dependency. One that isn't there panics.
func PolicyOf(d Dependency) Policy {
	p, known := table[d]
	if !known {
		panic("resilience: no policy for " + string(d))
	}
	return p
}
