package profile

import (
	"runtime/metrics"
	"time"
)

// Event is something that is only counted.
type Event string

// The events.
const (
	SentAway     Event = "sent_away"     // a login that was told to come back, or gave up
	CrowdTrouble Event = "crowd_trouble" // a login that went ill while Crowd or more others were going on
	FeltSlow     Event = "felt_slow"     // somebody pressed "Signing in felt slow"
)

// Level is a number that goes up and down, of which a slot keeps the highest value.
type Level string

// The levels.
const (
	AtOnce  Level = "at_once" // logins going on
	Waiting Level = "waiting" // people in the queues before the hash
)

// The document's limits on logins.
const (
	// Crowd is how many simultaneous logins are many.
	Crowd = 100
	// SlowLogin is from when on a login feels slow.
	SlowLogin = time.Second
)

// Count notes an event.
func (p *Profile) Count(e Event) {
	if p == nil {
		return
	}
	now := p.now()
	p.events[e].lately.at(now).most.Add(1)
	p.events[e].day.at(now).most.Add(1)
}

// Events is how often e happened in span.
func (p *Profile) Events(e Event, span time.Duration) (n int) {
	r, now := p.events[e].span(span), p.now()
	for ago := range int(span / r.step) {
		if s := r.last(now, ago); s != nil {
			n += int(s.most.Load())
		}
	}
	return n
}

// Level notes that l is at n now.
func (p *Profile) Level(l Level, n int) {
	if p == nil {
		return
	}
	now := p.now()
	p.levels[l].lately.at(now).raise(int64(n))
	p.levels[l].day.at(now).raise(int64(n))
}

// Peak is the highest that l was in span.
func (p *Profile) Peak(l Level, span time.Duration) (n int) {
	for _, point := range p.LevelOver(l, span) {
		n = max(n, int(point.Value))
	}
	return n
}

// LevelOver is how l went over span, oldest first.
func (p *Profile) LevelOver(l Level, span time.Duration) []Point {
	r := p.levels[l].span(span)
	return p.points(span, func(now time.Time, ago int) (float64, bool) {
		if s := r.last(now, ago); s != nil {
			return float64(s.most.Load()), true
		}
		return 0, false
	})
}

// Outcome is how a login ended, for the profile.
type Outcome uint8

// The outcomes.
const (
	Refused Outcome = iota // an answer about the credentials or the limits; says nothing about speed
	Worked
	Unserved // told to come back, or gave up waiting
)

// LoginBegins notes that a login began; what it gives, called once, says how it ended.
func (p *Profile) LoginBegins() (end func(Outcome)) {
	if p == nil {
		return func(Outcome) {}
	}
	start, at := p.now(), p.loggingIn.Add(1)
	p.Level(AtOnce, int(at))
	return func(o Outcome) {
		took, at := p.now().Sub(start), max(at, p.loggingIn.Load())
		p.loggingIn.Add(-1)
		if o == Worked {
			p.Observe(Login, took)
		}
		if o == Unserved {
			p.Count(SentAway)
		}
		if at > Crowd && (o == Unserved || o == Worked && took > SlowLogin) {
			p.Count(CrowdTrouble)
		}
	}
}

// LoggingIn is how many logins are going on now.
func (p *Profile) LoggingIn() int { return int(p.loggingIn.Load()) }

// SchedulerSampler gives a function that adds to Scheduler what the runtime has counted since its last call: how long
// goroutines that could run waited for a thread. It is not for several goroutines.
func (p *Profile) SchedulerSampler() (sample func()) {
	read := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	var before []uint64
	return func() {
		metrics.Read(read)
		h := read[0].Value.Float64Histogram()
		if before == nil {
			before = make([]uint64, len(h.Counts))
			copy(before, h.Counts)
			return
		}
		for i, n := range h.Counts {
			if more := n - before[i]; more > 0 {
				p.add(Scheduler, upper(h.Buckets, i), uint32(min(more, 1<<31)))
			}
			before[i] = n
		}
	}
}

// upper is the upper edge of bucket i, or the lower one of the last, which is open: nothing is made to look better.
func upper(edges []float64, i int) time.Duration {
	edge := edges[i+1]
	if edge > 1e6 { // infinity
		edge = edges[i]
	}
	return time.Duration(edge * float64(time.Second))
}
