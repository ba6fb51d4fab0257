package live

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
)

// Key is what the processes of one service share, so that none takes another's word for a piece of the log.
type Key []byte

// KeyFrom derives a key for messages from a secret that serves something else, too.
func KeyFrom(secret []byte) Key {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("mediconnect live batches"))
	return mac.Sum(nil)
}

// The bounds of a message.
const (
	mostEntries = 100
	mostBytes   = 256 << 10 // before it is signed
)

// sign makes a message of a batch: a MAC, and JSON. ok is false when it is larger than a message may be.
func (k Key) sign(b Batch) (message []byte, ok bool) {
	body, err := json.Marshal(b)
	if err != nil || len(body) > mostBytes {
		return nil, false
	}
	return append(k.mac(body), body...), true
}

// open reads a message that was signed with the same key.
func (k Key) open(message []byte) (b Batch, ok bool) {
	if len(message) < sha256.Size || len(message) > sha256.Size+mostBytes {
		return Batch{}, false
	}
	mac, body := message[:sha256.Size], message[sha256.Size:]
	if !hmac.Equal(mac, k.mac(body)) {
		return Batch{}, false
	}
	return b, json.Unmarshal(body, &b) == nil
}

func (k Key) mac(body []byte) []byte {
	mac := hmac.New(sha256.New, k)
	mac.Write(body)
	return mac.Sum(nil)
}

// cut divides entries into pieces that a message holds, as far as any does: one entry that is larger is a piece by itself.
func cut(entries []Entry) (pieces [][]Entry) {
	const around = 400 // of an entry's JSON, beside its payload
	begin, size := 0, 0
	for i, e := range entries {
		own := len(e.Payload) + around
		if i > begin && (i-begin == mostEntries || size+own > mostBytes-around) {
			pieces = append(pieces, entries[begin:i])
			begin, size = i, 0
		}
		size += own
	}
	if begin < len(entries) {
		pieces = append(pieces, entries[begin:])
	}
	return pieces
}
