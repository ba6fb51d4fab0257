package partner

import (
	"crypto/ed25519"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// pairOf is a key of ref's, kept as the first of its client, and what signs with it.
func pairOf(t *testing.T) (Key, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return keptAgain(t, []Key{{Public: public, KeyID: "one"}})[0], private
}

// keptAgain are keys as they are read after they were kept.
func keptAgain(t *testing.T, keys []Key) []Key {
	t.Helper()
	text, err := KeySet(keys)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := KeptKeys(ref.ID, text)
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func TestAKeyThatComesBackIsAnotherThanTheOneWhoseTokensWereRevoked(t *testing.T) {
	one, _ := pairOf(t)
	other, _ := pairOf(t)
	other.KeyID = "other"
	rekeyed := func(c Client, keys ...Key) Client {
		c = c.rekeyed(keys)
		c.Keys = keptAgain(t, c.Keys)
		return c
	}
	had := rekeyed(Client{OrganizationID: ref.Organization, ID: ref.ID, Version: 1}, one)
	both := rekeyed(had, other, one)
	if len(lost(had, both)) != 0 {
		t.Error("a key that stays is lost")
	}
	without := rekeyed(both, other)
	gone := lost(both, without)
	if len(gone) != 1 || gone[0] != had.Keys[0].ID {
		t.Errorf("%v are lost", gone)
	}
	if again := rekeyed(without, other, one); slices.Contains(again.credentials(), gone[0]) || len(lost(without, again)) != 0 {
		t.Error("the tokens of a key that came back are refused, since those of before are")
	}
}

func TestAnAssertionIsKeptLongerThanAServerWhoseClockIsBehindTakesIt(t *testing.T) {
	key, private := pairOf(t)
	c := Client{OrganizationID: ref.Organization, ID: ref.ID, Method: ByKey, Keys: []Key{key}}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: private}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ends := noon.Add(time.Minute)
	text, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: c.ClientID(), Subject: c.ClientID(), Audience: jwt.Audience{"https://here.example"}, ID: "once", Expiry: jwt.NewNumericDate(ends),
	}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	assertion, ok := readAssertion(text)
	if !ok {
		t.Fatal("it can't be read")
	}
	last := ends.Add(assertionSkew)
	_, _, until, ok := assertion.proves(c, []string{"https://here.example"}, last)
	if !ok || until.Before(last.Add(assertionSkew)) {
		t.Errorf("taken at %v: %v, and kept until %v by clocks that may be %v ahead", last, ok, until, assertionSkew)
	}
}
