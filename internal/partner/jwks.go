package partner

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/form"
)

// Key is a public key that a client's assertions are verified with.
type Key struct {
	ID         uuid.UUID // made of client, key and Since
	Since      int       // the version of the client that it came with: a key that comes back is another, as tokens of the first one are revoked
	KeyID      string    // kid
	Algorithms []string  // alg
	Public     crypto.PublicKey
	Thumbprint string // RFC 7638, SHA-256
}

// The bounds of a client's keys.
const (
	MaxKeys    = 5
	maxKeySet  = 16 << 10 // bytes
	maxKeyID   = 100
	leastRSA   = 2048 // bits
	longestRSA = 8192
)

// Algorithms are those that assertions may be signed with.
func Algorithms() []string {
	names := make([]string, len(algorithms))
	for i, a := range algorithms {
		names[i] = string(a)
	}
	return names
}

var algorithms = []jose.SignatureAlgorithm{ed25519Alone, jose.EdDSA, jose.ES256, jose.PS256, jose.RS256}

// ed25519Alone is EdDSA by its newer name, which says the curve (RFC 9864).
const ed25519Alone jose.SignatureAlgorithm = "Ed25519"

// readKeys reads a JSON Web Key Set (RFC 7517) of public keys that stand in it themselves: nothing is fetched. The faults are at path.
// They are nobody's yet: Client.keyed makes them a client's.
func readKeys(check *form.Check, text string, path ...string) []Key {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	switch {
	case len(text) > maxKeySet:
		check.Fail("At most "+strconv.Itoa(maxKeySet)+" bytes.", path...)
	case json.Unmarshal([]byte(text), &set) != nil:
		check.Fail("This is not a JSON Web Key Set: an object with a list keys.", path...)
	case len(set.Keys) == 0 || len(set.Keys) > MaxKeys:
		check.Fail("From 1 to "+strconv.Itoa(MaxKeys)+" keys.", path...)
	default:
		return readEach(check, set.Keys, path)
	}
	return nil
}

func readEach(check *form.Check, set []json.RawMessage, path []string) []Key {
	var keys []Key
	known, prints := map[string]bool{}, map[string]bool{}
	for i, raw := range set {
		at := form.At(path, i)
		key, fault := readKey(raw)
		if fault == "" && (known[key.KeyID] || prints[key.Thumbprint]) {
			fault = "Each key, and each kid, stands here once."
		}
		check.That(fault == "", fault, at...)
		known[key.KeyID], prints[key.Thumbprint] = true, true
		keys = append(keys, key)
	}
	return keys
}

// readKey reads one public key, or says what is wrong with it.
func readKey(raw json.RawMessage) (Key, string) {
	var private struct{ D, K, P, Q json.RawMessage }
	if json.Unmarshal(raw, &private) == nil && (private.D != nil || private.K != nil || private.P != nil || private.Q != nil) {
		return Key{}, "This is a private key: keep it to yourself and replace it, since it has been sent. Send the public one."
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(raw); err != nil || !jwk.Valid() {
		return Key{}, "This is not a public key that is understood: Ed25519, P-256 or RSA."
	}
	if jwk.Use != "" && jwk.Use != "sig" {
		return Key{}, "This key is not for signatures."
	}
	able := fitting(jwk.Key)
	if len(able) == 0 {
		return Key{}, "Ed25519, P-256, or RSA of " + strconv.Itoa(leastRSA) + " to " + strconv.Itoa(longestRSA) + " bits."
	}
	if jwk.Algorithm != "" {
		if !slices.Contains(able, jwk.Algorithm) {
			return Key{}, "EdDSA or Ed25519, ES256, RS256 or PS256, as the key is."
		}
		able = []string{jwk.Algorithm}
	}
	return keyOf(jwk, able)
}

func keyOf(jwk jose.JSONWebKey, able []string) (Key, string) {
	print, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return Key{}, "This is not a public key that is understood: Ed25519, P-256 or RSA."
	}
	k := Key{KeyID: jwk.KeyID, Algorithms: able, Public: jwk.Key, Thumbprint: base64.RawURLEncoding.EncodeToString(print)}
	if k.KeyID == "" {
		k.KeyID = k.Thumbprint
	}
	var check form.Check
	if check.Line(k.KeyID, maxKeyID) != k.KeyID || check.Err() != nil {
		return Key{}, "A kid has 1 to " + strconv.Itoa(maxKeyID) + " characters."
	}
	return k, ""
}

// fitting are the algorithms that a key is for. Weak keys are for none.
func fitting(key any) []string {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return []string{string(jose.EdDSA), string(ed25519Alone)}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return []string{string(jose.ES256)}
		}
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits >= leastRSA && bits <= longestRSA && k.E >= 3 && k.E%2 == 1 {
			return []string{string(jose.RS256), string(jose.PS256)}
		}
	}
	return nil
}

// since is the key as one that a client has since a version.
func (k Key) since(client uuid.UUID, version int) Key {
	k.Since = version
	k.ID = uuid.NewHash(sha256.New(), client, []byte(k.Thumbprint+" "+strconv.Itoa(version)), 8)
	return k
}

// keyed are keys as the client's, of this version: those that it has already stay what they are.
func (c Client) keyed(keys []Key) []Key {
	own := make([]Key, len(keys))
	for i, k := range keys {
		own[i] = k.since(c.ID, c.Version)
		for _, had := range c.Keys {
			if had.Thumbprint == k.Thumbprint {
				own[i] = k.since(c.ID, had.Since)
			}
		}
	}
	return own
}

// KeySet writes keys as the JSON Web Key Set that they are kept as: public parts, kid and, where it is one, alg; beside them since when, by
// thumbprint.
func KeySet(keys []Key) ([]byte, error) {
	set := struct {
		jose.JSONWebKeySet
		Since map[string]int `json:"since"`
	}{jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}, map[string]int{}}
	for _, k := range keys {
		jwk := jose.JSONWebKey{Key: k.Public, KeyID: k.KeyID, Use: "sig"}
		if len(k.Algorithms) == 1 {
			jwk.Algorithm = k.Algorithms[0]
		}
		set.Keys, set.Since[k.Thumbprint] = append(set.Keys, jwk), k.Since
	}
	return json.Marshal(set)
}

// KeptKeys reads what KeySet wrote for a client.
func KeptKeys(client uuid.UUID, text []byte) ([]Key, error) {
	var set struct {
		Keys  []json.RawMessage `json:"keys"`
		Since map[string]int    `json:"since"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, err
	}
	var check form.Check
	keys := readEach(&check, set.Keys, nil)
	for i, k := range keys {
		keys[i] = k.since(client, set.Since[k.Thumbprint])
	}
	return keys, check.Err()
}
