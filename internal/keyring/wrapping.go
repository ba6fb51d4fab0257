package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/seal"
)

// wrapping wraps and unwraps keys of one organisation (AES-256-GCM under a key that follows from a root key and the
// organisation). It is for one use: it reads the root keys once, and again for an id that it doesn't know.
type wrapping struct {
	ring         *Ring
	organization uuid.UUID
	roots        roots
	ciphers      map[uint32]cipher.AEAD
}

func (r *Ring) wrapping(organization uuid.UUID, with roots) *wrapping {
	return &wrapping{ring: r, organization: organization, roots: with, ciphers: map[uint32]cipher.AEAD{}}
}

// lastRead are the root keys that will do to unwrap with.
func (r *Ring) lastRead() roots {
	r.reading.Lock()
	defer r.reading.Unlock()
	return r.roots
}

func (w *wrapping) cipher(root uint32) (cipher.AEAD, error) {
	if c := w.ciphers[root]; c != nil {
		return c, nil
	}
	key, ok := w.roots.find(root)
	if !ok {
		var err error
		if w.roots, err = w.ring.rootsNow(); err != nil {
			return nil, err
		}
		if key, ok = w.roots.find(root); !ok {
			return nil, fmt.Errorf("root key %d, which patients' keys are wrapped with, is not in %s: put it back from a copy of the file", root, rootName)
		}
	}
	tenant, err := derive(key.Secret, tenantLabel, w.organization)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(tenant)
	if err != nil {
		return nil, err
	}
	w.ciphers[root], err = cipher.NewGCM(block)
	return w.ciphers[root], err
}

// make makes a key for a subject.
func (w *wrapping) make(subject uuid.UUID, generation uint16) (record, error) {
	key := seal.Key{Generation: generation}
	_, _ = rand.Read(key.Secret[:]) // it never fails
	return w.wrap(subject, key)
}

// wrap wraps a key with the newest root.
func (w *wrapping) wrap(subject uuid.UUID, key seal.Key) (record, error) {
	made := record{id: subject, generation: key.Generation, root: w.roots.newest().ID}
	c, err := w.cipher(made.root)
	if err != nil {
		return record{}, err
	}
	_, _ = rand.Read(made.nonce[:])
	copy(made.wrapped[:], c.Seal(nil, made.nonce[:], key.Secret[:], w.bound(made)))
	return made, nil
}

func (w *wrapping) unwrap(from record) (seal.Key, error) {
	c, err := w.cipher(from.root)
	if err != nil {
		return seal.Key{}, err
	}
	key := seal.Key{Generation: from.generation}
	secret, err := c.Open(nil, from.nonce[:], from.wrapped[:], w.bound(from))
	if err != nil || copy(key.Secret[:], secret) != keySize {
		at := placeOf(seal.Subject{Organization: w.organization, ID: from.id})
		return seal.Key{}, fmt.Errorf("a key in %s isn't what was wrapped with root key %d: restore both from copies of the same time", w.ring.path(at), from.root)
	}
	return key, nil
}

// bound is what a wrapped key is tied to.
func (w *wrapping) bound(r record) []byte {
	all := append(append([]byte{}, w.organization[:]...), r.id[:]...)
	return binary.BigEndian.AppendUint16(all, r.generation)
}
