package identity

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/form"
)

func TestOfALanguageNothingIsKeptThatCouldBeAText(t *testing.T) {
	for tag, want := range map[string]string{
		"de": "de", "EN-us": "en-US", "zh-hant-tw": "zh-Hant-TW", "de-x-canary": "de", "x-canary": "und", "en-u-ca-buddhist": "en", "de-1996": "de",
	} {
		var check form.Check
		if got := locale(&check, tag, "locale"); got != want || check.Err() != nil {
			t.Errorf("%s is kept as %q (%v), want %q", tag, got, check.Err(), want)
		}
	}
	var check form.Check
	if locale(&check, "no language", "locale"); check.Err() == nil {
		t.Error("what is no tag was taken")
	}
}

func TestACodeSaysWhoseItIsAndHasOneSpelling(t *testing.T) {
	organization := uuid.MustParse("01980000-0000-7000-8000-000000000001")
	code, err := drawMailCode(bytes.NewReader(bytes.Repeat([]byte{0xab}, 32)), organization)
	if err != nil || !strings.HasPrefix(code.Reveal(), "mcv_") || len(code) != 4+64 {
		t.Fatalf("%q, %v", code.Reveal(), err)
	}
	if got, ok := organizationOf(code); !ok || got != organization {
		t.Errorf("it is %v's", got)
	}
	for _, bad := range []access.Private{"", "mcv_", code + "A", code[:67], "mcw_" + code[4:], code[:20] + "\n" + code[21:], code[:20] + "+" + code[21:], access.Private(strings.ToUpper(code.Reveal()))} {
		if _, ok := organizationOf(bad); ok {
			t.Errorf("%q is somebody's", bad.Reveal())
		}
	}
	if _, err := drawMailCode(bytes.NewReader(make([]byte, 31)), organization); err == nil {
		t.Error("a code was drawn of 248 bits")
	}
}

func TestWhoAsksIsCountedByTheNetworkThatIsTheirs(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "": "unknown", "here": "unknown",
	} {
		if got := network(address); got != want {
			t.Errorf("%q is %q, want %q", address, got, want)
		}
	}
}
