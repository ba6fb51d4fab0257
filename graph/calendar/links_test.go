package calendar

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
)

func TestALinkHoldsForThirtyDays(t *testing.T) {
	now := clock.FrozenAt(time.Date(2030, 5, 6, 23, 59, 0, 0, time.UTC))
	l := Links{Base: "https://api.example.org", Key: bytes.Repeat([]byte{1}, 32), Clock: now}
	ref := clinic.Ref{Organization: uuid.UUID{15: 1}, ID: uuid.UUID{15: 2}}
	link := l.URL(ref)
	token := strings.TrimSuffix(strings.TrimPrefix(link, l.Base+route), suffix)
	open := func() bool {
		got, ok := l.open(token)
		return ok && got == ref
	}
	if !open() {
		t.Fatal("a new link is not opened")
	}
	if now.Advance(-time.Hour); l.URL(ref) != link {
		t.Error("the link changes within a day")
	}
	if now.Advance(30*day + time.Hour); !open() {
		t.Error("the link ended within 30 days")
	}
	if now.Advance(day); open() {
		t.Error("the link never ends")
	}
	now.Advance(-31 * day)
	other := l
	other.Key = bytes.Repeat([]byte{2}, 32)
	if _, ok := other.open(token); ok {
		t.Error("a link made with another key was opened")
	}
}
