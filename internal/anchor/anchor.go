// Package anchor is the cellar's way out of the database: heads of audit chains in a file that only grows.
//
// A line is one anchor in JSON. It carries its number, and an HMAC-SHA-256 of itself and of the line before, so that a line that was
// changed, taken out or put in shows. That lines are missing at the end shows against the chains themselves.
package anchor

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/audit"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// File keeps anchors in a file. Several processes may append to it.
type File struct {
	path string
	keys audit.Keys
}

var _ audit.Anchors = (*File)(nil)

// In keeps anchors in the file at path, which is made when it is needed. Lines are sealed with the platform's own chain key.
func In(path string, keys audit.Keys) *File { return &File{path: path, keys: keys} }

// line is an anchor as it is written; MAC is of everything else in it and of the line before.
type line struct {
	Line         int64     `json:"line"`
	At           time.Time `json:"at"`
	Organization uuid.UUID `json:"organization"`
	Ordinal      int64     `json:"ordinal"`
	Position     int64     `json:"position"`
	Event        uuid.UUID `json:"event"`
	Hash         string    `json:"hash"`
	Epoch        string    `json:"epoch"`
	Pruned       bool      `json:"pruned,omitempty"`
	KeyID        int       `json:"key"`
	MAC          string    `json:"mac"`
}

const longestLine = 4096

// Append implements audit.Anchors.
func (f *File) Append(ctx context.Context, anchors []audit.Anchor) error {
	id, secret, err := f.keys.ChainKey(ctx, uuid.Nil)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return errs.Bug("open anchors", err)
	}
	defer file.Close() // which gives the lock back
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errs.TryAgain(err) // another process is at it
	}
	last, err := f.last(file)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	for _, a := range anchors {
		next := lineOf(a)
		next.Line, next.KeyID = last.Line+1, id
		next.MAC = next.mac(secret, last.MAC)
		written, err := json.Marshal(next)
		if err != nil {
			return errs.Bug("write anchor", err)
		}
		text.Write(append(written, '\n'))
		last = next
	}
	if _, err := file.Write(text.Bytes()); err != nil {
		return errs.Bug("write anchors", err)
	}
	if err := file.Sync(); err != nil {
		return errs.Bug("keep anchors", err)
	}
	return syncFolder(f.path)
}

// syncFolder keeps the file's name, too.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return errs.Bug("open the anchors' folder", err)
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil {
		return errs.Bug("keep the anchors' name", err)
	}
	return nil
}

// last is the last whole line. What a process that was killed left behind it is cut off: nobody was told of it.
func (f *File) last(file *os.File) (line, error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return line{}, errs.Bug("read anchors", err)
	}
	from := max(0, size-2*longestLine)
	tail := make([]byte, size-from)
	if _, err := file.ReadAt(tail, from); err != nil && !errors.Is(err, io.EOF) {
		return line{}, errs.Bug("read anchors", err)
	}
	whole := bytes.LastIndexByte(tail, '\n') + 1
	end := from + int64(whole)
	if end < size {
		if err := file.Truncate(end); err != nil {
			return line{}, errs.Bug("cut anchors", err)
		}
	}
	if whole == 0 {
		return line{}, nil
	}
	begin := bytes.LastIndexByte(tail[:whole-1], '\n') + 1
	var l line
	if err := json.Unmarshal(tail[begin:whole], &l); err != nil {
		return line{}, &audit.Broken{What: "the last line of the anchors is not an anchor"}
	}
	return l, nil
}

// Each implements audit.Anchors. A last line without an end is one that nobody was told of.
func (f *File) Each(ctx context.Context, tell func(audit.Anchor) error) error {
	file, err := os.Open(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return errs.Bug("open anchors", err)
	}
	defer file.Close()
	r := reader{file: f, lines: bufio.NewReaderSize(file, longestLine), secrets: map[int][]byte{}}
	for ctx.Err() == nil {
		a, err := r.next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := tell(a); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// reader goes through the lines and checks each against the one before.
type reader struct {
	file    *File
	lines   *bufio.Reader
	before  line
	secrets map[int][]byte
}

func (r *reader) next(ctx context.Context) (audit.Anchor, error) {
	text, err := r.lines.ReadSlice('\n')
	if err != nil {
		if errors.Is(err, bufio.ErrBufferFull) {
			return audit.Anchor{}, r.broken("is too long")
		}
		return audit.Anchor{}, err
	}
	var l line
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if d.Decode(&l) != nil {
		return audit.Anchor{}, r.broken("is not an anchor")
	}
	secret, err := r.secret(ctx, l.KeyID)
	if err != nil {
		return audit.Anchor{}, err
	}
	if l.Line != r.before.Line+1 || !hmac.Equal([]byte(l.MAC), []byte(l.mac(secret, r.before.MAC))) {
		return audit.Anchor{}, r.broken("was changed, or one before it is missing")
	}
	r.before = l
	return l.anchor()
}

func (r *reader) secret(ctx context.Context, id int) ([]byte, error) {
	if secret, ok := r.secrets[id]; ok {
		return secret, nil
	}
	secret, err := r.file.keys.ChainKeyOf(ctx, uuid.Nil, id)
	if err != nil {
		return nil, r.broken("names a key that there isn't")
	}
	r.secrets[id] = secret
	return secret, nil
}

func (r *reader) broken(what string) error {
	n := int(r.before.Line) + 1
	return &audit.Broken{Line: n, What: fmt.Sprintf("line %d of the anchors %s", n, what)}
}

func (l line) mac(secret []byte, before string) string {
	l.MAC = before
	text, err := json.Marshal(l)
	if err != nil {
		panic(err) // plain values
	}
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("mediconnect audit anchor 1\n"))
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil))
}

func lineOf(a audit.Anchor) line {
	return line{
		At: a.At.UTC(), Organization: a.Organization, Ordinal: a.Ordinal, Position: a.Position, Event: a.Event,
		Hash: hex.EncodeToString(a.Hash), Epoch: a.Epoch, Pruned: a.Pruned,
	}
}

func (l line) anchor() (audit.Anchor, error) {
	hash, err := hex.DecodeString(l.Hash)
	return audit.Anchor{
		Organization: l.Organization, Ordinal: l.Ordinal, Position: l.Position, Event: l.Event, Hash: hash, At: l.At, Epoch: l.Epoch, Pruned: l.Pruned,
	}, err
}
