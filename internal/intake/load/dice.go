package load

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// dice throw the same numbers for the same order.
type dice struct{ *rand.Rand }

func (c *crowd) dice(what string, n int) dice {
	return dice{rand.New(rand.NewChaCha8(sha256.Sum256(fmt.Appendf(c.space[:len(c.space):len(c.space)], "%s %d", what, n))))}
}

func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

// between draws from a range, its ends included.
func (d dice) between(least, most int) int { return least + d.IntN(most-least+1) }

// during draws a whole number of seconds.
func (d dice) during(least, most time.Duration) time.Duration {
	return time.Duration(d.between(int(least/time.Second), int(most/time.Second))) * time.Second
}

// weighted draws an index, as often as its weight says.
func (d dice) weighted(weights []int) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	n := d.IntN(total)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	panic("the weights' sum is larger than they are")
}

func pick[T any](d dice, list []T) T { return list[d.IntN(len(list))] }

// some draws different elements.
func some[T any](d dice, n int, list []T) []T {
	drawn := make([]T, 0, n)
	for _, i := range d.Perm(len(list))[:n] {
		drawn = append(drawn, list[i])
	}
	return drawn
}

// id is one of version 7 (RFC 9562) of an instant.
func (d dice) id(at time.Time) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[8:], d.Uint64())
	binary.BigEndian.PutUint64(id[:8], uint64(at.UnixMilli())<<16|d.Uint64()&0x0fff)
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}
