// Package seal is a foundation: how private texts are encrypted, each for its own place under the key of whom it is about.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
)

// Subject is whom a text is about: a patient; or an organisation, as its own subject (ID == Organization), for texts of its own.
type Subject struct{ Organization, ID uuid.UUID }

// Place is where a text is stored. A value opens at its place only.
type Place struct {
	Table, Column     string
	Organization, Row uuid.UUID
}

// A sealed value: the version of this layout, the key's generation, the nonce, and what AES-256-GCM made (NIST SP 800-38D),
// whose last 16 bytes are the tag.
const (
	version    = 1
	headerSize = 1 + 2
	nonceSize  = 12
	tagSize    = 16
)

// ErrTampered says that a value was not sealed with this key for this subject and place, or was changed since.
var ErrTampered = errors.New("a private value is not what was sealed for its place")

// Seal encrypts a text for its place. The same text makes another value each time.
func Seal(key Key, about Subject, at Place, text access.Private) []byte {
	value := make([]byte, headerSize+nonceSize, headerSize+nonceSize+len(text)+tagSize)
	value[0] = version
	binary.BigEndian.PutUint16(value[1:], key.Generation)
	nonce := value[headerSize:]
	_, _ = rand.Read(nonce) // it never fails
	return key.cipher().Seal(value, nonce, []byte(text), bound(value[:headerSize], about, at))
}

// Open decrypts a value. It fails with ErrTampered if anything differs from when it was sealed: a bit of it, the subject, the
// place, the key.
func Open(key Key, about Subject, at Place, value []byte) (access.Private, error) {
	generation, err := GenerationOf(value)
	if err != nil || generation != key.Generation {
		return "", ErrTampered
	}
	header, nonce, rest := value[:headerSize], value[headerSize:headerSize+nonceSize], value[headerSize+nonceSize:]
	text, err := key.cipher().Open(nil, nonce, rest, bound(header, about, at))
	if err != nil {
		return "", ErrTampered
	}
	return access.Private(text), nil
}

// GenerationOf tells which of its subject's keys a value was sealed with.
func GenerationOf(value []byte) (uint16, error) {
	if len(value) < headerSize+nonceSize+tagSize || value[0] != version {
		return 0, ErrTampered
	}
	return binary.BigEndian.Uint16(value[1:]), nil
}

// bound is what a value is tied to, each part with its length before it, so that no two lists of parts read the same.
func bound(header []byte, about Subject, at Place) []byte {
	var all []byte
	for _, part := range [][]byte{
		header, []byte(at.Table), []byte(at.Column), at.Organization[:], at.Row[:], about.Organization[:], about.ID[:],
	} {
		all = binary.BigEndian.AppendUint32(all, uint32(len(part)))
		all = append(all, part...)
	}
	return all
}

func (k Key) cipher() cipher.AEAD {
	block, err := aes.NewCipher(k.Secret[:])
	if err != nil {
		panic(err) // 32 bytes are always a key
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES always has blocks of 16 bytes
	}
	return gcm
}
