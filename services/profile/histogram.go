package profile

import (
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// Buckets reach from 2^-23 s (0.12 µs) to 2^7 s, eight in each octave. A bucket holds what is over its lower edge, up to
// and with its upper one.
const (
	lowest  = -22 // Frexp's exponent of the first octave
	octaves = 30
	each    = 8
	buckets = octaves * each
)

// bucketOf is where d is counted; what is too short or too long counts at the end.
func bucketOf(d time.Duration) int {
	fraction, exponent := math.Frexp((float64(d) - 0.5) / float64(time.Second)) // half a nanosecond less: the upper edge is inside
	if d <= 0 || exponent < lowest {
		return 0
	}
	return min((exponent-lowest)*each+int((fraction-0.5)*2*each), buckets-1)
}

// edge is the lower edge of bucket i, in nanoseconds.
func edge(i int) float64 {
	return math.Ldexp(0.5+float64(i%each)/(2*each), lowest+i/each) * float64(time.Second)
}

// slot is what happened in one slot of time.
type slot struct {
	number atomic.Int64    // which slot since the epoch it holds, plus one; 0 = none yet
	sum    atomic.Int64    // nanoseconds
	most   atomic.Int64    // the highest value of a level
	counts []atomic.Uint32 // of the buckets; none where there is nothing to time
}

func (s *slot) reset(number int64) {
	for i := range s.counts {
		s.counts[i].Store(0)
	}
	s.sum.Store(0)
	s.most.Store(0)
	s.number.Store(number)
}

func (s *slot) raise(to int64) {
	for {
		before := s.most.Load()
		if to <= before || s.most.CompareAndSwap(before, to) {
			return
		}
	}
}

// Figures are an operation's over a span of time. The zero value is one that never happened.
type Figures struct {
	Count         int
	Sum           time.Duration
	P50, P95, P99 time.Duration
}

// histogram is slots put together.
type histogram struct {
	counts [buckets]int
	count  int
	sum    int64
}

func (h *histogram) add(s *slot) {
	for i := range s.counts {
		n := int(s.counts[i].Load())
		h.counts[i] += n
		h.count += n
	}
	h.sum += s.sum.Load()
}

func (h *histogram) figures() Figures {
	return Figures{Count: h.count, Sum: time.Duration(h.sum), P50: h.quantile(0.5), P95: h.quantile(0.95), P99: h.quantile(0.99)}
}

// quantile is the value that a share q of all does not exceed, read off within its bucket in proportion.
func (h *histogram) quantile(q float64) time.Duration {
	if h.count == 0 {
		return 0
	}
	rank := max(int(math.Ceil(q*float64(h.count))), 1)
	before := 0
	i := slices.IndexFunc(h.counts[:], func(n int) bool {
		before += n
		return before >= rank
	})
	inside := float64(rank-(before-h.counts[i])) / float64(h.counts[i])
	return time.Duration(edge(i) + (edge(i+1)-edge(i))*inside)
}
