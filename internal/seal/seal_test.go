package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/seal"
)

var (
	org   = uuid.MustParse("01900000-0000-7000-8000-000000000001")
	ann   = seal.Subject{Organization: org, ID: uuid.MustParse("01900000-0000-7000-8000-00000000000a")}
	bob   = seal.Subject{Organization: org, ID: uuid.MustParse("01900000-0000-7000-8000-00000000000b")}
	phone = seal.Place{Table: "patients", Column: "phone", Organization: org, Row: ann.ID}
	key   = seal.Key{Generation: 7, Secret: [32]byte{1, 2, 3}}
)

func TestATextComesBackFromItsPlaceOnly(t *testing.T) {
	value := seal.Seal(key, ann, phone, "+14155550100")
	if text, err := seal.Open(key, ann, phone, value); err != nil || text.Reveal() != "+14155550100" {
		t.Fatalf("it opened as %q, %v", text.Reveal(), err)
	}
	otherKey, otherGeneration := key, key
	otherKey.Secret[31]++
	otherGeneration.Generation++
	elsewhere := func(change func(*seal.Place)) seal.Place {
		p := phone
		change(&p)
		return p
	}
	for name, open := range map[string]func() (access.Private, error){
		"key":        func() (access.Private, error) { return seal.Open(otherKey, ann, phone, value) },
		"generation": func() (access.Private, error) { return seal.Open(otherGeneration, ann, phone, value) },
		"subject":    func() (access.Private, error) { return seal.Open(key, bob, phone, value) },
		"subject's organisation": func() (access.Private, error) {
			return seal.Open(key, seal.Subject{Organization: bob.ID, ID: ann.ID}, phone, value)
		},
		"table": func() (access.Private, error) {
			return seal.Open(key, ann, elsewhere(func(p *seal.Place) { p.Table = "people" }), value)
		},
		"column": func() (access.Private, error) {
			return seal.Open(key, ann, elsewhere(func(p *seal.Place) { p.Column = "email" }), value)
		},
		"border": func() (access.Private, error) {
			return seal.Open(key, ann, elsewhere(func(p *seal.Place) { p.Table, p.Column = "patientsp", "hone" }), value)
		},
		"organisation": func() (access.Private, error) {
			return seal.Open(key, ann, elsewhere(func(p *seal.Place) { p.Organization = bob.ID }), value)
		},
		"row": func() (access.Private, error) {
			return seal.Open(key, ann, elsewhere(func(p *seal.Place) { p.Row = bob.ID }), value)
		},
	} {
		if text, err := open(); !errors.Is(err, seal.ErrTampered) || text != "" {
			t.Errorf("with another %s it opened as %q, %v", name, text.Reveal(), err)
		}
	}
}

func TestAValueThatLacksOrChangesAByteIsRefused(t *testing.T) {
	value := seal.Seal(key, ann, phone, "+14155550100")
	for n := range len(value) {
		if _, err := seal.Open(key, ann, phone, value[:n]); !errors.Is(err, seal.ErrTampered) {
			t.Errorf("%d bytes of %d opened: %v", n, len(value), err)
		}
		changed := bytes.Clone(value)
		changed[n] ^= 0x10
		if _, err := seal.Open(key, ann, phone, changed); !errors.Is(err, seal.ErrTampered) {
			t.Errorf("with byte %d changed it opened: %v", n, err)
		}
	}
}

func TestEqualTextsHaveUnequalValues(t *testing.T) {
	one, two := seal.Seal(key, ann, phone, "x"), seal.Seal(key, ann, phone, "x")
	if bytes.Equal(one, two) {
		t.Error("the same text is sealed as the same value twice")
	}
	if g, err := seal.GenerationOf(one); g != 7 || err != nil {
		t.Errorf("the value names generation %d, %v", g, err)
	}
}

func TestAKeyHidesItself(t *testing.T) {
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("key", "key", key)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("keys", "keys", map[string]seal.Key{"a": key})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		fmt.Fprintf(&log, verb+" "+verb+"\n", key, []seal.Key{key})
	}
	if strings.Contains(log.String(), "1 2 3") || strings.Contains(log.String(), "010203") || strings.Contains(log.String(), "1,2,3") || strings.Contains(log.String(), "0x1") {
		t.Errorf("a secret is shown: %s", log.String())
	}
}

// Whatever is sealed comes back, and from no other place.
func FuzzSeal(f *testing.F) {
	f.Add("Ann", "patients", "given_name", "given", "_name", uint16(1))
	f.Fuzz(func(t *testing.T, text, table, column, otherTable, otherColumn string, generation uint16) {
		key := seal.Key{Generation: generation, Secret: [32]byte{9}}
		place := seal.Place{Table: table, Column: column, Organization: org, Row: ann.ID}
		value := seal.Seal(key, ann, place, access.Private(text))
		if got, err := seal.Open(key, ann, place, value); err != nil || got.Reveal() != text {
			t.Fatalf("%q came back as %q, %v", text, got.Reveal(), err)
		}
		other := seal.Place{Table: otherTable, Column: otherColumn, Organization: org, Row: ann.ID}
		if _, err := seal.Open(key, ann, other, value); (err == nil) != (other == place) {
			t.Fatalf("a value for %v opened at %v: %v", place, other, err)
		}
		for _, shift := range []int{1, len(table) / 2, len(table)} {
			if shift = min(shift, len(table)); shift > 0 {
				moved := place
				moved.Table, moved.Column = table[:len(table)-shift], table[len(table)-shift:]+column
				if _, err := seal.Open(key, ann, moved, value); err == nil {
					t.Fatalf("a value for %v opened at %v", place, moved)
				}
			}
		}
	})
}
