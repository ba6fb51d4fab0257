package live

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// drawer keeps tickets as a store does.
type drawer struct {
	kept map[TicketDigest]Ticket
	fail error
}

func (d *drawer) KeepTicket(_ context.Context, digest TicketDigest, t Ticket, _ int) error {
	d.kept[digest] = t
	return d.fail
}

func (d *drawer) TakeTicket(_ context.Context, digest TicketDigest) (Ticket, bool, error) {
	if d.fail != nil {
		return Ticket{}, false, d.fail
	}
	t, ok := d.kept[digest]
	delete(d.kept, digest)
	return t, ok, nil
}

func office() (Tickets, *clock.Frozen, *drawer) {
	c := clock.FrozenAt(time.Date(2030, 5, 6, 13, 0, 0, 0, time.UTC))
	d := &drawer{kept: map[TicketDigest]Ticket{}}
	return Tickets{Store: d, Clock: c, Random: rand.Reader}, c, d
}

var holder = access.Actor{
	Kind: access.Patient, Role: access.PatientRole, Scopes: []string{access.AppointmentsRead, access.AppointmentsWrite, access.AuditRead},
	Trail: &access.Trail{}, Circle: access.NewCircle(nil), RequestID: "r",
}

func TestATicketIsGoodOnceWithinHalfAMinuteAndNotBeyondItsToken(t *testing.T) {
	office, c, d := office()
	begun := c.Now()
	for name, tc := range map[string]struct {
		until   time.Time
		expires time.Time
	}{
		"of a token that lasts":     {begun.Add(time.Hour), begun.Add(TicketLife)},
		"of a token that ends":      {begun.Add(time.Second), begun.Add(time.Second)},
		"of a token without an end": {time.Time{}, begun.Add(TicketLife)},
	} {
		issue := func() string {
			issued, err := office.Issue(t.Context(), holder, IssueTicket{Until: tc.until})
			if err != nil || !issued.Expires.Equal(tc.expires) || len(issued.Ticket) != 43 {
				t.Fatalf("%s: until %v, %v", name, issued.Expires, err)
			}
			return issued.Ticket.Reveal()
		}
		ticket, late := issue(), issue()
		c.Set(tc.expires.Add(-time.Millisecond))
		who, until, err := office.Redeem(t.Context(), ticket)
		if err != nil || !until.Equal(tc.until) || !slices.Equal(who.Scopes, holder.Scopes) || who.Role != holder.Role || who.Trail != nil || who.Circle != nil || who.RequestID != "" {
			t.Errorf("%s: %+v until %v, %v", name, who, until, err)
		}
		c.Set(tc.expires)
		for what, text := range map[string]string{"used": ticket, "too old": late, "unknown": late[1:] + "x", "none": "", "another thing": "x"} {
			if _, _, err := office.Redeem(t.Context(), text); errs.Of(err) != errs.Unauthenticated || err.Error() != "The ticket is not valid. Each opens one stream, within half a minute." {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		c.Set(begun)
	}
	ticket, err := office.Issue(t.Context(), holder, IssueTicket{})
	if err != nil {
		t.Fatal(err)
	}
	d.fail = errs.TryAgain(errors.New("away"))
	if _, _, err := office.Redeem(t.Context(), ticket.Ticket.Reveal()); errs.Of(err) != errs.Busy {
		t.Errorf("while the database is away: %v", err)
	}
	d.fail = nil
	if _, _, err := office.Redeem(t.Context(), ticket.Ticket.Reveal()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestATicketCarriesNoMoreThanItsHolderHas(t *testing.T) {
	office, _, d := office()
	if _, err := office.Issue(t.Context(), access.Nobody(""), IssueTicket{}); errs.Of(err) != errs.Unauthenticated {
		t.Errorf("nobody: %v", err)
	}
	// audit:read is on the token, and not the role's; the last is neither's.
	for _, scopes := range [][]string{{access.AuditRead}, {access.AppointmentsRead, "x"}, slices.Repeat([]string{access.AppointmentsRead}, 21)} {
		if _, err := office.Issue(t.Context(), holder, IssueTicket{Scopes: scopes}); errs.Of(err) != errs.InvalidInput {
			t.Errorf("%v: %v", scopes, err)
		}
	}
	if len(d.kept) != 0 {
		t.Errorf("%d are kept", len(d.kept))
	}
	for _, scopes := range [][]string{{}, {access.AppointmentsRead}} {
		issued, err := office.Issue(t.Context(), holder, IssueTicket{Scopes: scopes})
		if err != nil {
			t.Fatal(err)
		}
		if who, _, err := office.Redeem(t.Context(), issued.Ticket.Reveal()); err != nil || !slices.Equal(who.Scopes, scopes) {
			t.Errorf("%v became %v, %v", scopes, who.Scopes, err)
		}
	}
}
