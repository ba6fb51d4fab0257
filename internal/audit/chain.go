package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"strconv"

	"github.com/google/uuid"
)

// Link is an event's place in its clinic's chain.
type Link struct {
	Ordinal  int64 // from 1, without gaps
	Position int64 // of the event
	Event    uuid.UUID
	Digest   []byte // of the event as it was sealed
	Hash     []byte
	KeyID    int
}

// Head is where a chain stands. The zero head is before its first link.
type Head struct {
	Ordinal  int64
	Position int64
	Hash     []byte
}

// Head is the chain up to this link.
func (l Link) Head() Head { return Head{Ordinal: l.Ordinal, Position: l.Position, Hash: l.Hash} }

// Key is a clinic's secret that its chain is made with. It is kept outside the database.
type Key struct {
	ID     int
	Secret []byte
}

// Extend links events, in the order of their positions, to a chain.
func Extend(key Key, head Head, events []Event) []Link {
	links := make([]Link, len(events))
	for i, e := range events {
		links[i] = Link{Ordinal: head.Ordinal + 1, Position: e.Position, Event: e.ID, Digest: e.Digest(), KeyID: key.ID}
		links[i].Hash = links[i].hash(key.Secret, head)
		head = links[i].Head()
	}
	return links
}

// Follows says whether a link is what a chain goes on with, under the key that made it.
func (l Link) Follows(head Head, secret []byte) bool {
	return l.Ordinal == head.Ordinal+1 && l.Position > head.Position && hmac.Equal(l.Hash, l.hash(secret, head))
}

// hash is the HMAC-SHA-256 of everything that the link says and of the hash before. Each part has one length.
func (l Link) hash(secret []byte, before Head) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("mediconnect audit link 1"))
	var previous [sha256.Size]byte
	copy(previous[:], before.Hash)
	h.Write(previous[:])
	number(h, l.Ordinal)
	number(h, l.Position)
	h.Write(l.Event[:])
	h.Write(l.Digest)
	return h.Sum(nil)
}

// Digest is the SHA-256 of every column of the event, each behind its length.
func (e Event) Digest() []byte {
	h := sha256.New()
	text := func(s string) {
		number(h, int64(len(s)))
		h.Write([]byte(s))
	}
	text("mediconnect audit event 1")
	for _, id := range []uuid.UUID{e.Organization, e.ID, e.Actor, e.Entity, e.Patient, e.Grant} {
		h.Write(id[:])
	}
	number(h, e.Position)
	number(h, e.At.UnixMicro())
	for _, s := range []string{
		string(e.ActorKind), e.Client, e.Action, e.EntityKind, e.Request, string(e.Effect), string(e.Outcome), string(e.Purpose), e.Flags,
		strconv.Itoa(e.Times),
	} {
		text(s)
	}
	number(h, int64(len(e.Fields)))
	for _, f := range e.Fields {
		text(f)
	}
	return h.Sum(nil)
}

func number(h hash.Hash, n int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	h.Write(b[:])
}
