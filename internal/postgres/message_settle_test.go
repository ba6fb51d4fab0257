package postgres_test

import (
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/reminder"
)

func TestMailsAreSettledHoweverManyTextsAreUnclear(t *testing.T) {
	p := newPost(t)
	unclear := reminder.Unclear{Code: "reset"}
	p.sms.answers, p.sms.mute, p.email.answers, p.email.mute = []error{unclear, unclear, unclear}, true, []error{unclear}, true
	p.visits(3, "+15005550006", false)
	p.carry()
	p.clock.Advance(time.Second)
	p.visits(1, "", true)
	p.carry()
	if s := p.states(); s["SMS SENDING ANSWER_LOST"] != 3 || s["EMAIL SENDING ANSWER_LOST"] != 1 {
		t.Fatal(s)
	}
	p.clock.Advance(5 * time.Minute)
	if n, err := p.Settle(t.Context(), 2); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	if s := p.states(); s["SMS UNKNOWN ANSWER_LOST"] != 2 || s["EMAIL UNKNOWN ANSWER_LOST"] != 1 || len(p.alerts) != 3 {
		t.Errorf("they stand %v, alerts %+v", s, p.alerts)
	}
	if n, err := p.Settle(t.Context(), 2); n != 1 || err != nil || p.states()["SMS UNKNOWN ANSWER_LOST"] != 3 {
		t.Errorf("then %d, %v: %v", n, err, p.states())
	}
}
