package books

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
)

// seed is what everything about a customer is drawn from.
type seed [sha256.Size]byte

// newSeed folds case and surrounding space, so that "Ada" and " ada" are one customer.
func newSeed(username string) seed {
	return sha256.Sum256([]byte("sandbox bank 1\x00" + Normal(username)))
}

// Normal is the form of a username that decides which customer it is.
func Normal(username string) string { return strings.ToLower(strings.TrimSpace(username)) }

// id derives a stable identifier from the seed and a few words; the prefix says what it names.
func (s seed) id(prefix string, parts ...string) string {
	sum := sha256.Sum256([]byte(string(s[:]) + strings.Join(parts, "\x00")))
	return prefix + hex.EncodeToString(sum[:10])
}

// dice are a reproducible source of chance.
type dice struct{ *rand.Rand }

func (s seed) dice(purpose string, day int) dice {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(string(s[:])+purpose), uint64(day)))
	return dice{rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])))}
}

// between is a whole number from low to high, both included.
func (d dice) between(low, high int64) int64 { return low + d.Int64N(high-low+1) }

// oneIn is true once in n throws.
func (d dice) oneIn(n int) bool { return d.IntN(n) == 0 }

func pick[T any](d dice, from []T) T { return from[d.IntN(len(from))] }
