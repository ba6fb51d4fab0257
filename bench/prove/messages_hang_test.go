package prove_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/devstack"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/resilience"
	"github.com/mediconnect/mediconnect/internal/vendors"
)

// hanging is how long Twilio hangs, and how much goes on beside it.
type hanging struct {
	pairs    int           // of a window in which it hangs and one in which it doesn't
	window   time.Duration // of one
	parts    int           // of a window, each compared with that of the other
	mails    int           // that are due at once when a window begins, more than can be sent in it
	texts    int           // that fall due in it
	bookings int           // a second
	long     time.Duration // that it hangs at the end; 0: the proof ends before
}

func sizeOfHanging() hanging {
	if big() {
		return hanging{pairs: 4, window: *within / 10, parts: 3, mails: *texted / 2, texts: *texted * 3 / 100, bookings: 20, long: *within}
	}
	return hanging{mails: 100, texts: 60, bookings: 5}
}

// clogged is a worker whose vendor of texts hangs, with bookings beside it.
type clogged struct {
	*campaign
	size     hanging
	address  string // where the worker tells how it is
	bookings *bookings
	calm     []figures
	hung     []figures
}

// figures are of a part of a window.
type figures struct{ mails, booking float64 } // a second, and milliseconds within which 95 of 100 bookings were answered

// A vendor that hangs takes nothing from who is told by the other one, nor from who books; and whom it keeps waiting is told by the other.
func TestAVendorThatHangsHoldsUpNobodyElse(t *testing.T) {
	if *texted == 0 {
		return
	}
	if !big() {
		t.Parallel() // nothing is measured
	}
	size := sizeOfHanging()
	address, err := devstack.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	c := &clogged{campaign: newCampaign(t, 2000, 1, "MEDICONNECT_TELEMETRY_LISTEN="+address), size: size, address: address}
	c.bookings = c.book(size.bookings)
	if big() {
		c.flow() // caches fill
		c.settled()
		c.pairs()
		c.hangLong()
	} else {
		c.shortly()
	}
	o := c.read()
	c.show(o)
	t.Log(c.bookings)
	if twice := c.vendors.Duplicates(); len(twice) > 0 {
		t.Errorf("%d messages were sent twice", len(twice))
	}
	if most := c.vendors.Stats(vendors.Twilio).Highest; most > resilience.PolicyOf(resilience.Twilio).Places {
		t.Errorf("%d calls were under way to the vendor that hangs", most)
	}
	if big() {
		c.judge(o, 0)
	}
}

// pairs has windows in turn, and compares them.
func (c *clogged) pairs() {
	for range c.size.pairs {
		c.calm = append(c.calm, c.flow()...)
		c.settled()
		opened := c.hang()
		c.hung = append(c.hung, c.flow()...)
		opened()
		c.heal()
		c.settled()
	}
	c.compare()
}

// shortly has mails sent while Twilio hangs, after some texts: nothing is measured.
func (c *clogged) shortly() {
	c.t.Helper()
	texts, mails := [][]reminder.ChannelKind{{reminder.SMS, reminder.Email}}, [][]reminder.ChannelKind{{reminder.Email}}
	c.remindBy(texts, c.size.texts, time.Now(), time.Second)
	c.awaitEnd(settling, none)
	opened := c.hang()
	c.remindBy(texts, c.size.texts, time.Now(), time.Second)
	c.remindBy(mails, c.size.mails, time.Now(), time.Second)
	ctx, cancel := context.WithTimeout(c.t.Context(), settling)
	defer cancel()
	c.check(c.vendors.Until(ctx, func() bool { return c.vendors.Stats(vendors.SendGrid).Accepted >= c.size.mails }))
	opened()
}

// flow has mails fall due at once, more than can be sent in a window, and texts bit by bit, and answers how its parts went.
func (c *clogged) flow() (parts []figures) {
	c.t.Helper()
	begin := time.Now().Add(3 * time.Second)
	c.remindBy([][]reminder.ChannelKind{{reminder.Email}}, c.size.mails, begin, time.Millisecond)
	c.remindBy([][]reminder.ChannelKind{{reminder.SMS, reminder.Email}}, c.size.texts, begin, c.size.window)
	wait(c.t, time.Until(begin.Add(c.size.window)))
	part := c.size.window / time.Duration(c.size.parts)
	for i := range c.size.parts {
		from := begin.Add(part * time.Duration(i))
		parts = append(parts, figures{float64(c.mailsBetween(from, from.Add(part))) / part.Seconds(), c.bookings.p95(from, from.Add(part))})
	}
	return parts
}

func (c *clogged) mailsBetween(from, to time.Time) (n int) {
	for _, m := range c.vendors.Messages() {
		if m.Vendor == vendors.SendGrid && !m.Accepted.Before(from) && m.Accepted.Before(to) {
			n++
		}
	}
	return n
}

// settled waits until what is due has been sent, but for what nobody knows of yet.
func (c *clogged) settled() {
	c.t.Helper()
	c.awaitEnd(settling, func(open int) bool { return open <= 2*resilience.PolicyOf(resilience.Twilio).Places })
}

// hang has Twilio answer nothing more. It answers what waits until nobody asks it any more: texts begin to be due a little later.
func (c *clogged) hang() (opened func()) {
	c.t.Helper()
	before, at := c.vendors.Stats(vendors.Twilio), time.Now()
	c.check(c.vendors.Set(vendors.Twilio, vendors.Fault{Do: vendors.Stall}, vendors.Fault{Do: vendors.Stall, On: vendors.OnFind}))
	var seen sync.WaitGroup
	seen.Go(func() {
		if !c.until("open", time.Minute) {
			c.t.Error("the breaker doesn't open")
			return
		}
		now := c.vendors.Stats(vendors.Twilio)
		calls := now.Requests - before.Requests + now.Finds - before.Finds
		c.t.Logf("the breaker opened after %d calls, %s after the vendor began to hang", calls, time.Since(at).Round(time.Millisecond))
		if calls > 20 {
			c.t.Errorf("the breaker opened after %d calls", calls)
		}
	})
	return seen.Wait
}

// heal has Twilio answer again, and waits until it is asked as before.
func (c *clogged) heal() {
	c.t.Helper()
	at := time.Now()
	c.usualDelays(vendors.Twilio)
	if !c.until("closed", 2*time.Minute) {
		c.t.Error("the breaker doesn't close")
	}
	c.t.Logf("the breaker closed %s after the vendor was well", time.Since(at).Round(time.Millisecond))
}

// until waits until the worker's guard before Twilio is in a state.
func (c *clogged) until(state string, most time.Duration) bool {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(most); time.Now().Before(late); {
		if c.guard().State == state {
			return true
		}
		select {
		case <-tick.C:
		case <-c.t.Context().Done():
			return false
		}
	}
	return false
}

func (c *clogged) guard() (s resilience.GuardState) {
	answer, err := http.Get("http://" + c.address + "/health/twilio")
	if err != nil {
		return s
	}
	defer answer.Body.Close()
	var told struct{ Detail resilience.GuardState }
	_ = json.NewDecoder(answer.Body).Decode(&told)
	return told.Detail
}

// hangLong has Twilio hang for minutes, with texts falling due until shortly before its end.
func (c *clogged) hangLong() {
	c.t.Helper()
	n := int(c.size.long/c.size.window) * c.size.texts
	before := c.vendors.Stats(vendors.Twilio)
	opened := c.hang()
	begin := time.Now().Add(3 * time.Second)
	c.remindBy([][]reminder.ChannelKind{{reminder.SMS, reminder.Email}, {reminder.Email, reminder.SMS}}, 2*n, begin, c.size.long)
	wait(c.t, time.Until(begin.Add(c.size.long/2)))
	opened()
	c.visible("in the middle of the long hang")
	wait(c.t, time.Until(begin.Add(c.size.long)))
	c.visible("at the end of the long hang")
	c.t.Logf("in %s of hanging it was called %d times; 95 of 100 bookings were answered within %.1f ms; the guard: %+v", c.size.long,
		c.vendors.Stats(vendors.Twilio).Requests-before.Requests, c.bookings.p95(begin, begin.Add(c.size.long)), c.guard())
	c.heal()
	c.awaitEnd(settling, none)
}

// visible logs what the database says of messages.
func (c *clogged) visible(when string) {
	o := c.read()
	for state, n := range o.states {
		c.t.Logf("%s: %6d messages %s", when, n, state)
	}
}

// compare compares the windows pair by pair.
func (c *clogged) compare() {
	c.t.Helper()
	var mails, bookings []float64
	for i := range c.hung {
		mails = append(mails, c.hung[i].mails/c.calm[i].mails)
		bookings = append(bookings, c.hung[i].booking/c.calm[i].booking)
	}
	c.t.Logf("e-mails a second and p95 of bookings in ms, calm %v, hung %v", shown(c.calm), shown(c.hung))
	rate, slower := medianOf(mails), medianOf(bookings)
	c.t.Logf("while it hangs, against calm: e-mails a second %s; p95 of bookings %s", rate, slower)
	if rate.median < 0.95 {
		c.t.Errorf("the other channel sent %s of what it sends otherwise", rate)
	}
	if slower.low > 1 {
		c.t.Errorf("bookings took longer: %s", slower)
	}
}

func shown(list []figures) (s []string) {
	for _, f := range list {
		s = append(s, fmt.Sprintf("%.1f/%.1f", f.mails, f.booking))
	}
	return s
}

// between is a median with bounds that hold it with 95 % confidence.
type between struct{ median, low, high float64 }

func (b between) String() string {
	return fmt.Sprintf("%.3f (95 %%: %.3f to %.3f)", b.median, b.low, b.high)
}

// medianOf draws the values again and again, with repetition (a bootstrap), and cuts 2.5 % of the medians off at each end.
func medianOf(values []float64) between {
	const draws = 10_000
	middle := func(of []float64) float64 {
		s := slices.Sorted(slices.Values(of))
		return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
	}
	drawn, sample := make([]float64, draws), make([]float64, len(values))
	for i := range drawn {
		for j := range sample {
			sample[j] = values[chance.IntN(len(values))]
		}
		drawn[i] = middle(sample)
	}
	slices.Sort(drawn)
	return between{middle(values), drawn[draws*25/1000], drawn[draws*975/1000]}
}
