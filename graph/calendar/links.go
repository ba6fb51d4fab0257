// Package calendar belongs to the door: appointments as files for a calendar, behind links that a browser opens without a
// token of the API.
package calendar

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
)

// Links makes and opens links. Whoever has one may read one appointment's time and place until the link ends, and nothing else.
type Links struct {
	Base  string // the server's public URL, such as https://api.example.org
	Key   []byte // secret, 32 bytes
	Clock clock.Clock
}

const (
	route   = "/calendar/appointments/"
	suffix  = ".ics"
	version = 1
	day     = 24 * time.Hour
	life    = 30 * day // at least; links end at midnight, so that one asked for again the same day is the same

	idSize    = len(uuid.UUID{})
	claimSize = 1 + 2*idSize + 4
	macSize   = 16
)

// URL is a link to an appointment's file.
func (l Links) URL(appointment clinic.Ref) string {
	ends := l.Clock.Now().Truncate(day).Add(life + day)
	claim := append(make([]byte, 0, claimSize+macSize), version)
	claim = append(claim, appointment.Organization[:]...)
	claim = append(claim, appointment.ID[:]...)
	claim = binary.BigEndian.AppendUint32(claim, uint32(ends.Unix()/int64(day/time.Second)))
	return l.Base + route + base64.RawURLEncoding.EncodeToString(append(claim, l.mac(claim)...)) + suffix
}

// open reads what a link stands for; false when it was not made here or has ended.
func (l Links) open(token string) (clinic.Ref, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != claimSize+macSize || b[0] != version || !hmac.Equal(b[claimSize:], l.mac(b[:claimSize])) {
		return clinic.Ref{}, false
	}
	ends := time.Unix(int64(binary.BigEndian.Uint32(b[claimSize-4:]))*int64(day/time.Second), 0)
	ref := clinic.Ref{Organization: uuid.UUID(b[1 : 1+idSize]), ID: uuid.UUID(b[1+idSize : 1+2*idSize])}
	return ref, l.Clock.Now().Before(ends)
}

func (l Links) mac(claim []byte) []byte {
	h := hmac.New(sha256.New, l.Key)
	h.Write([]byte("appointment.ics\x00"))
	h.Write(claim)
	return h.Sum(nil)[:macSize]
}
