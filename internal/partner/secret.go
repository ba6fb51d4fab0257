package partner

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"io"
	"strings"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// What a text of ours begins with, for whoever finds it where it doesn't belong.
const (
	clientPrefix = "mci_" // a client's id, no secret
	secretPrefix = "mcs_" // a client's secret
	livePrefix   = "mk_live_"
	testPrefix   = "mk_test_"
)

// KeyPrefix is what API keys of any kind begin with, and no token does.
const KeyPrefix = "mk_"

const (
	secretBytes = 32
	refBytes    = 32
	shownChars  = 16 // of a key, behind its prefix
)

// Digest is what a secret is kept as. There is no salt and no slow hash: 256 random bits can't be guessed from it, unlike a password.
type Digest [sha256.Size]byte

func digestOf(text string) Digest { return sha256.Sum256([]byte(text)) }

// of says in constant time whether this is the digest of a text.
func (d Digest) of(text string) bool {
	other := digestOf(text)
	return subtle.ConstantTimeCompare(d[:], other[:]) == 1
}

// letters and digits alone, so that a click takes the whole text.
var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ClientID is the client_id of a client (RFC 6749, section 2.2). It says where the client is looked for.
func ClientID(ref clinic.Ref) string { return clientPrefix + letters.EncodeToString(named(ref)) }

func named(ref clinic.Ref) []byte {
	return append(append([]byte{}, ref.ID[:]...), ref.Organization[:]...)
}

func refOf(b []byte) clinic.Ref {
	return clinic.Ref{ID: uuid.UUID(b[:16]), Organization: uuid.UUID(b[16:refBytes])}
}

// clientRef reads a client_id. Each has one spelling.
func clientRef(text string) (clinic.Ref, bool) {
	written, ok := strings.CutPrefix(text, clientPrefix)
	if !ok || len(written) != letters.EncodedLen(refBytes) {
		return clinic.Ref{}, false
	}
	b, err := letters.DecodeString(written)
	if err != nil {
		return clinic.Ref{}, false
	}
	ref := refOf(b)
	return ref, ClientID(ref) == text
}

// drawSecret makes the text of a client's secret: 256 random bits and a checksum.
func drawSecret(random io.Reader) (access.Private, Digest, error) {
	text, err := draw(random, secretPrefix, nil)
	return access.Private(text), digestOf(text), err
}

// drawKey makes the text of an API key: which one it is, 256 random bits and a checksum. What it begins with is shown in lists.
func drawKey(random io.Reader, live bool, ref clinic.Ref) (text access.Private, prefix string, d Digest, err error) {
	begin := keyBegin(live)
	whole, err := draw(random, begin, named(ref))
	if err != nil {
		return "", "", Digest{}, err
	}
	return access.Private(whole), whole[:len(begin)+shownChars], digestOf(whole), nil
}

func keyBegin(live bool) string {
	if live {
		return livePrefix
	}
	return testPrefix
}

func draw(random io.Reader, prefix string, names []byte) (string, error) {
	drawn := make([]byte, secretBytes)
	if _, err := io.ReadFull(random, drawn); err != nil {
		return "", errs.Bug("draw a secret", err)
	}
	body := append(names, drawn...)
	return prefix + letters.EncodeToString(binary.BigEndian.AppendUint32(body, crc32.ChecksumIEEE(body))), nil
}

// keyRef reads which key a text is said to be. One with a wrong checksum was never one, and is looked for nowhere.
func keyRef(text string, live bool) (clinic.Ref, bool) {
	written, ok := strings.CutPrefix(text, keyBegin(live))
	if !ok || len(written) != letters.EncodedLen(refBytes+secretBytes+crc32.Size) {
		return clinic.Ref{}, false
	}
	b, err := letters.DecodeString(written)
	if err != nil {
		return clinic.Ref{}, false
	}
	body, sum := b[:refBytes+secretBytes], b[refBytes+secretBytes:]
	return refOf(body), crc32.ChecksumIEEE(body) == binary.BigEndian.Uint32(sum)
}
