package flags

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

var (
	shadow = map[string]string{"booking.conflict-detection": "shadow"}
	noon   = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	staff  = access.Actor{Kind: access.Staff, Role: access.FrontDesk, Organization: uuid.MustParse("01980000-0000-7000-8000-0000000000aa")}
)

func overrides(from Audience, now clock.Clock) Overrides {
	return Overrides{Key: []byte(strings.Repeat("k", 32)), From: from, Clock: now}
}

func signed(t *testing.T, w Wish) string {
	t.Helper()
	token, expires, err := overrides(Staffs, clock.FrozenAt(noon)).Sign(w)
	if err != nil || !expires.Equal(noon.Add(w.For)) {
		t.Fatalf("until %v: %v", expires, err)
	}
	return token
}

func TestAnOverrideIsTakenFromWhomItMayBe(t *testing.T) {
	now := clock.FrozenAt(noon)
	forAll, forOne := signed(t, Wish{Flags: shadow, For: time.Hour}), signed(t, Wish{Flags: shadow, Organization: staff.Organization, For: time.Hour})
	patient, other := access.Actor{Kind: access.Patient}, staff
	other.Organization = uuid.New()
	for name, c := range map[string]struct {
		from  Audience
		token string
		who   access.Actor
		taken bool
	}{
		"staff":                    {Staffs, forAll, staff, true},
		"staff of the clinic":      {Staffs, forOne, staff, true},
		"staff of another":         {Staffs, forOne, other, false},
		"a patient":                {Staffs, forAll, patient, false},
		"a partner's system":       {Staffs, forAll, access.Actor{Kind: access.APIClient}, false},
		"nobody":                   {Staffs, forAll, access.Nobody(""), false},
		"nobody, in a test system": {Anybodies, forAll, access.Nobody(""), true},
		"nobody, for a clinic":     {Anybodies, forOne, access.Nobody(""), false},
		"none are taken":           {Nobodys, forAll, staff, false},
		"it isn't said":            {"", forAll, staff, false},
	} {
		wished, expires, err := overrides(c.from, now).Accept(c.token, c.who)
		switch {
		case c.taken && (err != nil || !maps.Equal(wished, shadow) || !expires.Equal(noon.Add(time.Hour))):
			t.Errorf("%s: %v until %v, %v", name, wished, expires, err)
		case !c.taken && (errs.Of(err) != errs.Forbidden || wished != nil):
			t.Errorf("%s: %v, %v", name, wished, err)
		}
	}
	if _, _, err := (Overrides{From: Anybodies, Clock: now}).Accept(forAll, staff); errs.Of(err) != errs.Forbidden {
		t.Errorf("without a key: %v", err)
	}
}

func TestAnOverrideThatIsNotOneIsRefused(t *testing.T) {
	good := signed(t, Wish{Flags: shadow, For: LongestOverride})
	with := func(kind string, key string, method jwt.SigningMethod, life time.Duration, wished map[string]string) string {
		unsigned := jwt.NewWithClaims(method, wishClaims{
			RegisteredClaims: jwt.RegisteredClaims{IssuedAt: jwt.NewNumericDate(noon), ExpiresAt: jwt.NewNumericDate(noon.Add(life))}, Flags: wished,
		})
		unsigned.Header["typ"] = kind
		var secret any = []byte(key)
		if method == jwt.SigningMethodNone {
			secret = jwt.UnsafeAllowNoneSignatureType
		}
		token, err := unsigned.SignedString(secret)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	key := strings.Repeat("k", 32)
	for name, token := range map[string]string{
		"empty":            "",
		"noise":            "x.y.z",
		"changed":          good[:len(good)-2] + "AA",
		"another key's":    with(kindOfToken, strings.Repeat("x", 32), jwt.SigningMethodHS256, time.Hour, shadow),
		"another kind":     with("JWT", key, jwt.SigningMethodHS256, time.Hour, shadow),
		"unsigned":         with(kindOfToken, "", jwt.SigningMethodNone, time.Hour, shadow),
		"another method":   with(kindOfToken, key, jwt.SigningMethodHS512, time.Hour, shadow),
		"too long a life":  with(kindOfToken, key, jwt.SigningMethodHS256, LongestOverride+time.Second, shadow),
		"an unknown flag":  with(kindOfToken, key, jwt.SigningMethodHS256, time.Hour, map[string]string{"booking.everything": "on"}),
		"an unknown value": with(kindOfToken, key, jwt.SigningMethodHS256, time.Hour, map[string]string{"booking.conflict-detection": "on"}),
		"no flag":          with(kindOfToken, key, jwt.SigningMethodHS256, time.Hour, nil),
		"endless":          strings.Repeat("a", longestToken+1),
	} {
		if wished, _, err := overrides(Anybodies, clock.FrozenAt(noon)).Accept(token, staff); errs.Of(err) != errs.Forbidden || wished != nil {
			t.Errorf("%s: %v, %v", name, wished, err)
		}
	}
	for _, c := range []struct {
		after time.Duration
		taken bool
	}{{-time.Minute, false}, {0, true}, {LongestOverride, true}, {LongestOverride + leeway - time.Second, true}, {LongestOverride + leeway + time.Second, false}} {
		_, _, err := overrides(Staffs, clock.FrozenAt(noon.Add(c.after))).Accept(good, staff)
		if (err == nil) != c.taken {
			t.Errorf("after %v: %v", c.after, err)
		}
	}
}

func TestOnlyWhatCouldBeTakenIsSigned(t *testing.T) {
	o := overrides(Staffs, clock.FrozenAt(noon))
	for name, w := range map[string]Wish{
		"an unknown flag":  {Flags: map[string]string{"x": "on"}, For: time.Hour},
		"an unknown value": {Flags: map[string]string{"booking.staff-overrides": "yes"}, For: time.Hour},
		"no flag":          {For: time.Hour},
		"no time":          {Flags: shadow},
		"too long":         {Flags: shadow, For: LongestOverride + 1},
	} {
		if token, _, err := o.Sign(w); err == nil || token != "" {
			t.Errorf("%s was signed", name)
		}
	}
}
