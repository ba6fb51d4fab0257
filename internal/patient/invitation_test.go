package patient

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
)

var (
	morning = time.Date(2026, 6, 8, 10, 0, 0, 0, time.UTC)
	account = uuid.UUID{15: 1}
	another = uuid.UUID{15: 2}
)

// right is a try that links.
func right() Try {
	return Try{
		Account: account, Now: morning, SameDate: true,
		Invited: Invited{Known: true, ExpiresAt: morning.Add(time.Second)},
	}
}

func TestVerdictsOnATry(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*Try)
		want  Verdict
	}{
		"right":                                    {func(*Try) {}, Linked},
		"unknown":                                  {func(y *Try) { y.Invited, y.SameDate = Invited{}, false }, Wrong},
		"another birth date":                       {func(y *Try) { y.SameDate = false }, Wrong},
		"at the instant it expires":                {func(y *Try) { y.Invited.ExpiresAt = morning }, Wrong},
		"withdrawn":                                {func(y *Try) { y.Invited.Withdrawn = true }, Wrong},
		"used by another account":                  {func(y *Try) { y.Invited.AcceptedBy = another }, Wrong},
		"used by this account":                     {func(y *Try) { y.Invited.AcceptedBy, y.StillBound = account, true }, LinkedBefore},
		"used by this account, expired since":      {func(y *Try) { y.Invited.AcceptedBy, y.StillBound, y.Invited.ExpiresAt = account, true, morning }, LinkedBefore},
		"used by this account, which has left":     {func(y *Try) { y.Invited.AcceptedBy = account }, Wrong},
		"used by this account, another birth date": {func(y *Try) { y.Invited.AcceptedBy, y.StillBound, y.SameDate = account, true, false }, Wrong},
		"after 4 wrong birth dates":                {func(y *Try) { y.Invited.WrongDates = 4 }, Linked},
		"after 5 wrong birth dates":                {func(y *Try) { y.Invited.WrongDates = 5 }, Wrong},
		"the account's 20th link":                  {func(y *Try) { y.Links = 19 }, Linked},
		"the account's 21st link":                  {func(y *Try) { y.Links = 20 }, FullCircle},
		"after 4 wrong tries":                      {func(y *Try) { y.Tries = Tries{4, morning} }, Linked},
		"after 5 wrong tries":                      {func(y *Try) { y.Tries = Tries{5, morning} }, TooOften},
		"after 5, a second short of an hour":       {func(y *Try) { y.Tries = Tries{5, morning.Add(time.Second - time.Hour)} }, TooOften},
		"after 5, an hour later":                   {func(y *Try) { y.Tries = Tries{5, morning.Add(-time.Hour)} }, Linked},
		"wrong and locked out":                     {func(y *Try) { y.Tries, y.SameDate = Tries{5, morning}, false }, TooOften},
	} {
		try := right()
		c.spoil(&try)
		if got := try.Verdict(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestWrongTriesAreCounted(t *testing.T) {
	wrong := right()
	wrong.SameDate = false
	for n := range 5 {
		if !wrong.WrongDate() {
			t.Fatalf("the invitation doesn't count wrong birth date %d", n+1)
		}
		wrong.Invited.WrongDates++
		wrong.Tries = wrong.After()
		if wrong.Tries != (Tries{n + 1, morning}) {
			t.Errorf("after %d: %+v", n+1, wrong.Tries)
		}
	}
	if wrong.WrongDate() || wrong.Verdict() != TooOften || wrong.After() != (Tries{5, morning}) {
		t.Errorf("a try during the lock-out counts: %+v", wrong.After())
	}
	if until, locked := wrong.Tries.LockedUntil(morning); !locked || until != morning.Add(time.Hour) {
		t.Errorf("until %v, %v", until, locked)
	}
	later := wrong
	later.Now = morning.Add(time.Hour)
	if later.After() != (Tries{1, later.Now}) {
		t.Errorf("an hour later: %+v", later.After())
	}
	if try := right(); func() bool { try.Tries = Tries{4, morning}; return try.After().Count == 0 }() == false {
		t.Error("a right try doesn't end the row")
	}
	again := right()
	again.Invited.AcceptedBy, again.StillBound, again.Tries = account, true, Tries{4, morning}
	if again.Verdict() != LinkedBefore || again.After() != (Tries{4, morning}) {
		t.Errorf("a code that was used before counts as a right one: %+v", again.After())
	}
	if unknown := (Try{Now: morning}); unknown.WrongDate() {
		t.Error("an unknown code counts against an invitation")
	}
}

func TestACodeIsReadAsItWasHandedOut(t *testing.T) {
	code, err := newCode(bytes.NewReader([]byte{0, 1, 31, 32, 33, 63, 64, 24, 18, 255}))
	if err != nil || code != "01Z01Z0RJZ" {
		t.Fatalf("%q, %v", code.Reveal(), err)
	}
	for _, written := range []access.Private{"01Z01Z0RJZ", "o1z-oLz-0rjz", " 01Z01 Z0RJZ", "OiZ0IZ0rjz"} {
		if got := readCode(written); got != code {
			t.Errorf("%q is read as %q", written.Reveal(), got.Reveal())
		}
	}
	if readCode("01Z01Z0RJ") == code || readCode(access.Private(strings.Repeat("0", 41))) != "" {
		t.Error("something else is the code, too")
	}
	if _, err := newCode(bytes.NewReader(make([]byte, 9))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a code of too little chance: %v", err)
	}
}
