package partner

import (
	"bytes"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

var (
	noon = time.Date(2030, 5, 6, 12, 0, 0, 0, time.UTC)
	ref  = clinic.Ref{Organization: uuid.UUID{15: 1}, ID: uuid.UUID{15: 2}}
)

func secretOf(n byte, ends *time.Time) Secret { return Secret{ID: uuid.UUID{15: n}, EndsAt: ends} }

func after(d time.Duration) *time.Time {
	at := noon.Add(d)
	return &at
}

func TestRotatingKeepsTheSecretThatIsInUse(t *testing.T) {
	fresh := secretOf(9, nil)
	for name, c := range map[string]struct {
		had     []Secret
		used    byte
		overlap time.Duration
		kept    byte
		ends    time.Duration
		lost    []byte
	}{
		"the only one":                     {[]Secret{secretOf(1, nil)}, 1, time.Hour, 1, time.Hour, nil},
		"one that was never used":          {[]Secret{secretOf(1, nil)}, 0, time.Hour, 1, time.Hour, nil},
		"none, if there is no overlap":     {[]Secret{secretOf(1, nil)}, 1, 0, 0, 0, []byte{1}},
		"the newer, which is in use":       {[]Secret{secretOf(2, nil), secretOf(1, after(time.Hour))}, 2, time.Hour, 2, time.Hour, []byte{1}},
		"the older, while it is in use":    {[]Secret{secretOf(2, nil), secretOf(1, after(time.Minute))}, 1, time.Hour, 1, time.Minute, []byte{2}},
		"no longer than it would have had": {[]Secret{secretOf(2, nil), secretOf(1, after(2*time.Hour))}, 1, time.Hour, 1, time.Hour, []byte{2}},
		"the newer, as the older is over":  {[]Secret{secretOf(2, nil), secretOf(1, after(0))}, 1, time.Hour, 2, time.Hour, []byte{1}},
	} {
		from := Client{Version: 3, Secrets: c.had, LastUsedWith: uuid.UUID{15: c.used}}
		to := from.rotated(fresh, c.overlap, noon)
		want := []Secret{fresh}
		if c.kept != 0 {
			want = append(want, secretOf(c.kept, after(c.ends)))
		}
		same := slices.EqualFunc(to.Secrets, want, func(a, b Secret) bool {
			return a.ID == b.ID && (a.EndsAt == nil) == (b.EndsAt == nil) && (a.EndsAt == nil || a.EndsAt.Equal(*b.EndsAt))
		})
		if !same || to.Version != 4 {
			t.Errorf("%s: %+v", name, to)
		}
		gone := lost(from, to)
		if !slices.EqualFunc(gone, c.lost, func(id uuid.UUID, n byte) bool { return id == uuid.UUID{15: n} }) {
			t.Errorf("%s: %v are lost", name, gone)
		}
	}
}

func TestARevokedClientStaysSoAndLosesEverything(t *testing.T) {
	from := Client{Version: 1, Secrets: []Secret{secretOf(2, nil), secretOf(1, after(time.Hour))}, Keys: []Key{{ID: uuid.UUID{15: 3}}}}
	to := from.revoked(noon)
	if gone := lost(from, to); len(gone) != 3 || to.Version != 2 || !to.RevokedAt.Equal(noon) {
		t.Errorf("%+v, %v", to, gone)
	}
	if again := to.revoked(noon.Add(time.Hour)); again.Version != 2 || !again.RevokedAt.Equal(noon) {
		t.Errorf("again: %+v", again)
	}
	seen := 7
	if _, err := next(from, &seen, func(c Client) (Client, error) { return c.revoked(noon), nil }); !errors.As(err, &StaleClient{}) {
		t.Errorf("of another version: %v", err)
	}
	if _, err := next(to, &seen, func(c Client) (Client, error) { return c.revoked(noon), nil }); err != nil {
		t.Errorf("once more: %v", err)
	}
	if _, err := next(to, nil, func(c Client) (Client, error) { return c.rekeyed(nil), nil }); err == nil {
		t.Error("a revoked client was changed")
	}
}

func TestATextOfOursSaysWhereItBelongsAndHasOneSpelling(t *testing.T) {
	if got, ok := clientRef(ClientID(ref)); !ok || got != ref {
		t.Errorf("a client is read as %v, %v", got, ok)
	}
	text, prefix, digest, err := drawKey(rand.Reader, true, ref)
	if err != nil || !strings.HasPrefix(text.Reveal(), prefix) || len(prefix) != len("mk_live_")+16 || !digest.of(text.Reveal()) {
		t.Fatalf("%v, %s, %v", text, prefix, err)
	}
	if got, ok := keyRef(text.Reveal(), true); !ok || got != ref {
		t.Errorf("a key is read as %v, %v", got, ok)
	}
	if _, ok := keyRef(text.Reveal(), false); ok {
		t.Error("a live key was taken in a sandbox")
	}
	for _, whole := range []string{text.Reveal(), ClientID(ref)} {
		for i := range whole {
			for _, letter := range []string{"a", "b", "7", "A", "=", ""} {
				other := whole[:i] + letter + whole[i+1:]
				if other == whole {
					continue
				}
				_, key := keyRef(other, true)
				got, client := clientRef(other)
				if key && digest.of(other) || client && got == ref {
					t.Fatalf("%s is taken for %s", other, whole)
				}
			}
		}
	}
}

func TestNoTwoSecretsAreAlikeAndNoneIsDrawnWithoutRandomness(t *testing.T) {
	one, d, err := drawSecret(rand.Reader)
	other, _, _ := drawSecret(rand.Reader)
	if err != nil || one == other || !d.of(one.Reveal()) || d.of(other.Reveal()) || !strings.HasPrefix(one.Reveal(), "mcs_") {
		t.Errorf("%q and %q", one.Reveal(), other.Reveal())
	}
	if _, _, err := drawSecret(bytes.NewReader(make([]byte, 31))); err == nil {
		t.Error("a secret of 31 bytes")
	}
	if _, _, _, err := drawKey(bytes.NewReader(nil), true, ref); err == nil {
		t.Error("a key of none")
	}
}

func admin(scopes ...string) access.Actor {
	return access.Actor{Kind: access.Staff, Role: access.Admin, Organization: ref.Organization, Scopes: scopes}
}

func TestAPartnerHasScopesOfAnIntegratorAndNoOthers(t *testing.T) {
	for _, scope := range access.ScopesOf(access.Admin) {
		var check form.Check
		got := grantable(&check, admin(access.ScopesOf(access.Admin)...), []string{scope}, "scopes")
		integrator := slices.Contains(access.ScopesOf(access.Integrator), scope)
		if (check.Err() == nil) != integrator || integrator && !slices.Equal(got, []string{scope}) {
			t.Errorf("%s: %v, %v", scope, got, check.Err())
		}
	}
	var check form.Check
	both := []string{access.SchedulesRead, access.AppointmentsRead, access.SchedulesRead}
	if got := grantable(&check, admin(both...), both); !slices.Equal(got, []string{access.AppointmentsRead, access.SchedulesRead}) || check.Err() != nil {
		t.Errorf("in another order, and twice: %v, %v", got, check.Err())
	}
}

func TestNobodyHandsOnAScopeThatTheirTokenLacks(t *testing.T) {
	for _, scope := range access.ScopesOf(access.Integrator) {
		var check form.Check
		others := slices.DeleteFunc(access.ScopesOf(access.Admin), func(s string) bool { return s == scope })
		grantable(&check, admin(others...), []string{scope}, "scopes")
		if err, ok := errors.AsType[*errs.Error](check.Err()); !ok || !slices.Equal(err.Path, []string{"scopes", "0"}) {
			t.Errorf("%s is handed on: %v", scope, check.Err())
		}
		if err := mayArm(admin(others...), Client{Scopes: []string{scope}}); errs.Of(err) != errs.Forbidden {
			t.Errorf("a client of %s is given a secret: %v", scope, err)
		}
	}
	// A scope that the token carries, and its role doesn't allow, is lacking too.
	if err := mayArm(access.Actor{Role: access.Auditor, Scopes: access.ScopesOf(access.Admin)}, Client{Scopes: []string{access.PatientsRead}}); err == nil {
		t.Error("an auditor hands on what auditors don't have")
	}
}
