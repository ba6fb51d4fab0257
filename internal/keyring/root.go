package keyring

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"
)

const (
	rootName = "root.json"
	layout   = 1
	keySize  = 32
)

// What is derived from a root key or from the standing secret (HKDF, RFC 5869), each with a label of its own.
const (
	tenantLabel = "mediconnect tenant key 1"
	lookUpLabel = "mediconnect look-up key 1"
	chainLabel  = "mediconnect chain key "
)

// rootFile is what root.json holds.
type rootFile struct {
	Layout   int       `json:"layout"`
	Remember string    `json:"remember"` // how long processes may remember a key
	Keys     []rootKey `json:"keys"`     // the newest last
	Standing []byte    `json:"standing"` // what look-up and chain keys follow from; it never changes
}

type rootKey struct {
	ID     uint32    `json:"id"`
	MadeAt time.Time `json:"madeAt"`
	Secret []byte    `json:"secret"`
}

// roots are the file as it was read.
type roots struct {
	rootFile
	text     []byte
	remember time.Duration
}

func (f roots) newest() rootKey { return f.Keys[len(f.Keys)-1] }

func (f roots) find(id uint32) (rootKey, bool) {
	i := slices.IndexFunc(f.Keys, func(k rootKey) bool { return k.ID == id })
	if i < 0 {
		return rootKey{}, false
	}
	return f.Keys[i], true
}

// Create makes a folder with a first root key, and refuses one that has anything in it.
func Create(dir string, now time.Time, remember time.Duration) error {
	if remember <= 0 || remember > MaxRemember {
		return fmt.Errorf("keys may be remembered for up to %s, not for %s", MaxRemember, remember)
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("the folder %s has something in it already: keys go to a new one", dir)
	}
	if err := os.MkdirAll(filepath.Join(dir, tenants), 0o700); err != nil {
		return fmt.Errorf("make folder of keys: %w", err)
	}
	first := rootFile{
		Layout: layout, Remember: remember.String(), Standing: secret(),
		Keys: []rootKey{{ID: 1, MadeAt: now.UTC(), Secret: secret()}},
	}
	return saveRoot(dir, first)
}

func secret() []byte {
	s := make([]byte, keySize)
	_, _ = rand.Read(s) // it never fails
	return s
}

func saveRoot(dir string, f rootFile) error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return replace(filepath.Join(dir, rootName), append(text, '\n'))
}

// rootsNow reads the root keys as they stand. The file is small; whoever wraps a key must not miss that there is a newer root.
func (r *Ring) rootsNow() (roots, error) {
	path := filepath.Join(r.dir, rootName)
	for range readings {
		info, err := os.Stat(path)
		if err != nil {
			return roots{}, fmt.Errorf("the root keys %s are missing or can't be read: restore the file, or make a new folder with `mediconnect keys create`", path)
		}
		if info.Mode().Perm()&0o077 != 0 {
			return roots{}, fmt.Errorf("the root keys %s are open to others: chmod 600 %s", path, path)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return roots{}, fmt.Errorf("the root keys can't be read: %w", err)
		}
		if now, err := r.took(text); err == nil {
			return now, nil
		}
	}
	return roots{}, fmt.Errorf("the root keys %s are damaged: restore the file from a copy", path)
}

// took makes what was read the root keys of this process, too.
func (r *Ring) took(text []byte) (roots, error) {
	r.reading.Lock()
	defer r.reading.Unlock()
	if bytes.Equal(text, r.roots.text) {
		return r.roots, nil
	}
	read, err := parseRoot(text)
	if err == nil {
		r.roots = read
	}
	return read, err
}

func parseRoot(text []byte) (roots, error) {
	read := roots{text: text}
	err := json.Unmarshal(text, &read.rootFile)
	if err != nil {
		return roots{}, err
	}
	read.remember, err = time.ParseDuration(read.Remember)
	sound := err == nil && read.Layout == layout && read.remember > 0 && read.remember <= MaxRemember && len(read.Standing) == keySize &&
		len(read.Keys) > 0 && !slices.ContainsFunc(read.Keys, func(k rootKey) bool { return k.ID == 0 || len(k.Secret) != keySize })
	if !sound {
		return roots{}, errors.New("it isn't what it should be")
	}
	return read, nil
}

// derive makes a key for one organisation.
func derive(from []byte, label string, organization uuid.UUID) ([]byte, error) {
	return hkdf.Key(sha256.New, from, organization[:], label, keySize)
}

// LookUpKey is documented at seal.Keys.
func (r *Ring) LookUpKey(_ context.Context, organization uuid.UUID) ([]byte, error) {
	return derive(r.lastRead().Standing, lookUpLabel, organization)
}

// The chain's key has one id for as long as the folder lives.
const chainKey = 1

// ChainKey is documented at seal.Keys.
func (r *Ring) ChainKey(ctx context.Context, organization uuid.UUID) (id int, key []byte, err error) {
	key, err = r.ChainKeyOf(ctx, organization, chainKey)
	return chainKey, key, err
}

// ChainKeyOf is documented at seal.Keys.
func (r *Ring) ChainKeyOf(_ context.Context, organization uuid.UUID, id int) ([]byte, error) {
	if id != chainKey {
		return nil, fmt.Errorf("there is no chain key %d", id)
	}
	return derive(r.lastRead().Standing, fmt.Sprint(chainLabel, id), organization)
}
