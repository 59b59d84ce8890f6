package profile

import (
	"sync"
	"sync/atomic"
	"time"
)

// Op names an operation that is timed. The names are also the label of dashtam_operation_seconds.
type Op string

// The operations of the document's table, and what else is worth knowing.
const (
	Hash      Op = "bcrypt_hash"
	Verify    Op = "bcrypt_verify"
	JWTIssue  Op = "jwt_issue"
	JWTVerify Op = "jwt_verify"
	Seal      Op = "aes_seal"
	Open      Op = "aes_open"
	Query     Op = "database_query"
	Provider  Op = "provider_call"
	Mail      Op = "mail"
	Redis     Op = "redis_command"
	Render    Op = "page_render"

	Login       Op = "login" // the whole of one that worked
	LoginFind   Op = "login_find"
	LoginWait   Op = "login_wait"
	LoginVerify Op = "login_verify"
	LoginStart  Op = "login_start"
	LoginWrite  Op = "login_write"

	Page       Op = "page"        // answered while no password was being hashed
	PageBeside Op = "page_beside" // answered while one was
	Scheduler  Op = "scheduler"   // a goroutine's wait for a thread
)

var ops = []Op{
	Hash, Verify, JWTIssue, JWTVerify, Seal, Open, Query, Provider, Mail, Redis, Render,
	Login, LoginFind, LoginWait, LoginVerify, LoginStart, LoginWrite, Page, PageBeside, Scheduler,
}

// The two spans that are kept, and how finely.
const (
	Lately     = 5 * time.Minute
	LatelyStep = 10 * time.Second
	Day        = 24 * time.Hour
	DayStep    = 15 * time.Minute
)

// ring is the slots of one span, one more than it takes: the one being filled.
type ring struct {
	step  time.Duration
	mu    sync.Mutex // around making a slot anew
	slots []slot
}

func newRing(span, step time.Duration, buckets int) *ring {
	r := &ring{step: step, slots: make([]slot, span/step+1)}
	for i := range r.slots {
		r.slots[i].counts = make([]atomic.Uint32, buckets)
	}
	return r
}

func (r *ring) number(now time.Time) int64 { return now.UnixNano()/int64(r.step) + 1 }

// at is the slot that now is counted in.
func (r *ring) at(now time.Time) *slot {
	number := r.number(now)
	s := &r.slots[number%int64(len(r.slots))]
	if s.number.Load() == number {
		return s
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.number.Load() < number {
		s.reset(number)
	}
	return s
}

// last gives the slot that was ago slots before now's, nil when nothing happened then.
func (r *ring) last(now time.Time, ago int) *slot {
	number := r.number(now) - int64(ago)
	if s := &r.slots[number%int64(len(r.slots))]; s.number.Load() == number {
		return s
	}
	return nil
}

type series struct{ lately, day *ring }

func newSeries(buckets int) *series {
	return &series{newRing(Lately, LatelyStep, buckets), newRing(Day, DayStep, buckets)}
}

// span is the ring for a span, Lately or Day.
func (s *series) span(span time.Duration) *ring {
	if span <= Lately {
		return s.lately
	}
	return s.day
}

// Profile observes operations. Its methods may be called by any number of goroutines, and on nil.
type Profile struct {
	now    func() time.Time
	also   func(op string, took time.Duration)
	since  time.Time
	series map[Op]*series // never changes
	events map[Event]*series
	levels map[Level]*series

	loggingIn atomic.Int64
	lastHash  atomic.Int64 // when the last hash ended, in nanoseconds of Unix time
}

// New makes a Profile. also is told of every observation; it may be nil.
func New(now func() time.Time, also func(op string, took time.Duration)) *Profile {
	p := &Profile{now: now, also: also, since: now(), series: map[Op]*series{}, events: map[Event]*series{}, levels: map[Level]*series{}}
	for _, op := range ops {
		p.series[op] = newSeries(buckets)
	}
	for _, e := range []Event{SentAway, CrowdTrouble, FeltSlow} {
		p.events[e] = newSeries(0)
	}
	for _, l := range []Level{AtOnce, Waiting} {
		p.levels[l] = newSeries(0)
	}
	return p
}

// Since is when the Profile began.
func (p *Profile) Since() time.Time { return p.since }

// Observe notes that op took so long.
func (p *Profile) Observe(op Op, took time.Duration) {
	if p == nil {
		return
	}
	p.add(op, took, 1)
	if op == Hash || op == Verify {
		p.lastHash.Store(p.now().UnixNano())
	}
	if p.also != nil {
		p.also(string(op), took)
	}
}

// PageTook notes an answered page. hashing says whether a password is being hashed now; a hash that ended while the page
// was made counts as well.
func (p *Profile) PageTook(took time.Duration, hashing bool) {
	if p == nil {
		return
	}
	if hashing || p.lastHash.Load() >= p.now().Add(-took).UnixNano() {
		p.Observe(PageBeside, took)
	} else {
		p.Observe(Page, took)
	}
}

// Start begins op; what it gives, called once, ends it.
func (p *Profile) Start(op Op) (end func()) {
	if p == nil {
		return func() {}
	}
	start := p.now()
	return func() { p.Observe(op, p.now().Sub(start)) }
}

func (p *Profile) add(op Op, took time.Duration, n uint32) {
	now, s := p.now(), p.series[op]
	for _, r := range []*ring{s.lately, s.day} {
		slot := r.at(now)
		slot.counts[bucketOf(took)].Add(n)
		slot.sum.Add(int64(took) * int64(n))
	}
}

// Figures are op's over span, Lately or Day.
func (p *Profile) Figures(op Op, span time.Duration) Figures { return p.Together(span, op) }

// Together are the figures of several operations taken as one.
func (p *Profile) Together(span time.Duration, ops ...Op) Figures {
	var all histogram
	now := p.now()
	for _, op := range ops {
		r := p.series[op].span(span)
		for ago := range int(span / r.step) {
			if s := r.last(now, ago); s != nil {
				all.add(s)
			}
		}
	}
	return all.figures()
}

// Point is one slot of a picture over time.
type Point struct {
	At    time.Time // when the slot ends
	Known bool      // whether anything happened
	Value float64   // seconds, or the highest value of a level
}

// Over is how the 95th percentile of ops taken as one went over span, oldest first.
func (p *Profile) Over(span time.Duration, ops ...Op) []Point {
	return p.points(span, func(now time.Time, ago int) (float64, bool) {
		var h histogram
		for _, op := range ops {
			if s := p.series[op].span(span).last(now, ago); s != nil {
				h.add(s)
			}
		}
		return h.quantile(0.95).Seconds(), h.count > 0
	})
}

func (p *Profile) points(span time.Duration, value func(now time.Time, ago int) (float64, bool)) []Point {
	now, step := p.now(), DayStep
	if span <= Lately {
		step = LatelyStep
	}
	var list []Point
	for ago := int(span/step) - 1; ago >= 0; ago-- {
		v, known := value(now, ago)
		list = append(list, Point{At: now.Truncate(step).Add(step * time.Duration(1-ago)), Known: known, Value: v})
	}
	return list
}
