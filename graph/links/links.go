// Package links belongs to the door: the pages behind the links of messages, on which whoever was sent one answers it without a token of the API.
package links

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Links makes and opens links. Whoever has one may read when and where one visit is, and confirm, move or cancel it under the rules for
// patients, until it begins; or have mails like the one that it came in end. Nothing of whose visit it is can be read off a link.
type Links struct {
	Base string // the server's public URL, such as https://api.example.org
	Key  []byte // secret, 32 bytes
}

// purpose is what a link is for.
type purpose byte

// The purposes. Links are kept in mailboxes: none may ever mean another.
const (
	toConfirm purpose = iota + 1
	toMove
	toCancel
	toUnsubscribe
)

const (
	route     = "/r/"
	version   = 1
	claimSize = 2 + 2*len(uuid.UUID{})
	tagSize   = aes.BlockSize
)

// For are the links of a message.
func (l Links) For(m clinic.Ref) reminder.Links {
	return reminder.Links{Confirm: l.url(m, toConfirm), Move: l.url(m, toMove), Cancel: l.url(m, toCancel), Unsubscribe: l.url(m, toUnsubscribe)}
}

// url is one: a tag over what the link claims, and the claim encrypted under it. The tag stands for a nonce, as in RFC 5297, so that the same
// link is the same text, and no two are encrypted alike.
func (l Links) url(m clinic.Ref, p purpose) string {
	claim := append(make([]byte, 0, claimSize), version, byte(p))
	claim = append(append(claim, m.Organization[:]...), m.ID[:]...)
	tag := l.tag(claim)
	l.mask(claim, tag)
	return l.Base + route + base64.RawURLEncoding.EncodeToString(append(tag, claim...))
}

// open reads what a link stands for; false when it was not made here.
func (l Links) open(token string) (clinic.Ref, purpose, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != tagSize+claimSize {
		return clinic.Ref{}, 0, false
	}
	tag, claim := raw[:tagSize], raw[tagSize:]
	l.mask(claim, tag)
	if !hmac.Equal(tag, l.tag(claim)) || claim[0] != version {
		return clinic.Ref{}, 0, false
	}
	return clinic.Ref{Organization: uuid.UUID(claim[2:18]), ID: uuid.UUID(claim[18:])}, purpose(claim[1]), true
}

func (l Links) tag(claim []byte) []byte { return l.derive("message link tag", claim)[:tagSize] }

// mask encrypts a claim, or opens it again.
func (l Links) mask(claim, tag []byte) {
	block, err := aes.NewCipher(l.derive("message link", nil))
	if err != nil {
		panic(err) // only a key of another size fails
	}
	cipher.NewCTR(block, tag).XORKeyStream(claim, claim)
}

func (l Links) derive(domain string, text []byte) []byte {
	h := hmac.New(sha256.New, l.Key)
	h.Write([]byte(domain + "\x00"))
	h.Write(text)
	return h.Sum(nil)
}
