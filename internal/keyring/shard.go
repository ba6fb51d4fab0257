package keyring

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/seal"
)

const tenants = "tenants" // the folder with one folder an organisation

// place is one of the 256 files with an organisation's keys: which one follows from the subject's id.
type place struct {
	organization uuid.UUID
	shard        byte
}

func placeOf(s seal.Subject) place {
	return place{s.Organization, sha256.Sum256(s.ID[:])[0]}
}

func (r *Ring) folder(organization uuid.UUID) string {
	return filepath.Join(r.dir, tenants, organization.String())
}

func (r *Ring) path(at place) string {
	return filepath.Join(r.folder(at.organization), fmt.Sprintf("%02x", at.shard))
}

// record is a wrapped key, or says that a subject's keys were destroyed.
type record struct {
	id         uuid.UUID
	generation uint16
	root       uint32
	nonce      [12]byte
	wrapped    [keySize + 16]byte
}

// A destroyed subject keeps a record of this generation, so that nobody makes it a new key.
const destroyedGeneration = 0

func (r *record) destroyed() bool { return r.generation == destroyedGeneration }

// latestOf are the newest records by subject.
func latestOf(records []record) map[uuid.UUID]*record {
	latest := make(map[uuid.UUID]*record, len(records))
	for i := range records {
		r := &records[i]
		if l := latest[r.id]; l == nil || !l.destroyed() && (r.destroyed() || r.generation > l.generation) {
			latest[r.id] = r
		}
	}
	return latest
}

// A shard's file: what it is, whose, how many records, the records, and a SHA-256 of all that.
const (
	magic      = "mcKeys1\n"
	headSize   = len(magic) + 16 + 1 + 4
	recordSize = 16 + 2 + 4 + 12 + keySize + 16
)

var errDamaged = errors.New("damaged")

func encode(at place, records []record) []byte {
	text := make([]byte, 0, headSize+len(records)*recordSize+sha256.Size)
	text = append(append(append(text, magic...), at.organization[:]...), at.shard)
	text = binary.BigEndian.AppendUint32(text, uint32(len(records)))
	for _, r := range records {
		text = append(text, r.id[:]...)
		text = binary.BigEndian.AppendUint16(text, r.generation)
		text = binary.BigEndian.AppendUint32(text, r.root)
		text = append(append(text, r.nonce[:]...), r.wrapped[:]...)
	}
	sum := sha256.Sum256(text)
	return append(text, sum[:]...)
}

func decode(at place, text []byte) ([]record, error) {
	end := len(text) - sha256.Size
	if end < headSize {
		return nil, errDamaged
	}
	if sum := sha256.Sum256(text[:end]); !bytes.Equal(sum[:], text[end:]) {
		return nil, errDamaged
	}
	head, rest := encode(at, nil)[:headSize-4], text[headSize:end]
	count := binary.BigEndian.Uint32(text[headSize-4:])
	if !bytes.HasPrefix(text, head) || len(rest) != int(count)*recordSize {
		return nil, errDamaged
	}
	records := make([]record, count)
	for i := range records {
		r, b := &records[i], rest[i*recordSize:]
		copy(r.id[:], b)
		r.generation, r.root = binary.BigEndian.Uint16(b[16:]), binary.BigEndian.Uint32(b[18:])
		copy(r.nonce[:], b[22:])
		copy(r.wrapped[:], b[34:])
	}
	return records, nil
}

// A file that is replaced while it is read is overwritten, and so looks damaged: read again, it is the new one.
const readings = 5

// read reads a shard without a lock. There being no file is no record.
func (r *Ring) read(at place) ([]record, error) {
	path := r.path(at)
	for range readings {
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read keys: %w", err)
		}
		if records, err := decode(at, text); err == nil {
			return records, nil
		}
	}
	return nil, fmt.Errorf("the keys in %s are damaged: restore the file from a copy", path)
}
