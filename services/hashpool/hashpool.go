package hashpool

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"dashtam/services/errs"
	"dashtam/services/password"
)

// Priority decides who is let in first.
type Priority uint8

// The priorities. A signed cookie of a device that has signed in to the account before makes Known.
const (
	Stranger Priority = iota
	Known
)

const (
	waitLimit = 15 * time.Second
	// firstGuess stands for the time of one hash until one was measured; leastMean keeps the queue bounded however fast
	// hashing is.
	firstGuess = 250 * time.Millisecond
	leastMean  = time.Millisecond
)

// Pool hashes and verifies passwords, a bounded number at once.
type Pool struct {
	// Observe is told of every call that reached its end: op is "hash" or "verify", wait the time in the queue, took that
	// of the hash. Set it before the first call; nil is allowed.
	Observe func(op string, wait, took time.Duration)

	hash   func(string) (string, error)
	verify func(plain, hashed string) bool
	usual  bool  // processes keep the usual priority
	crew   *crew // the processes that do it, once Start was called; nil = the caller's goroutine

	mu      sync.Mutex
	workers int           // 0 = inline: no bound, no queue
	busy    int           // of the workers
	waiting [2][]*turn    // by Priority, first come first
	mean    time.Duration // of one hash, weighted towards the last ones
	stats   Stats         // what only counts upwards
}

// turn is one caller in the queue; granted is closed when a worker is theirs.
type turn struct{ granted chan struct{} }

// New makes a Pool that lets workers hashes run at once; 0 runs each in its caller's goroutine at once.
func New(p *password.Service, workers int) *Pool {
	return &Pool{hash: p.HashPassword, verify: p.VerifyPassword, usual: underQuota(), workers: workers, mean: firstGuess}
}

// Hash is password.Service.HashPassword in turn. Errors: ctx's, Unavailable with RetryAfter, and HashPassword's own.
func (p *Pool) Hash(ctx context.Context, pri Priority, password string) (hashed string, err error) {
	r := request{op: opHash, password: password}
	outer := p.inTurn(ctx, pri, "hash", func() {
		p.carryOut(ctx, r, func(a answer) { hashed, err = a.hash() }, func() { hashed, err = p.hash(password) })
	})
	if outer != nil {
		return "", outer
	}
	return hashed, err
}

// Verify is password.Service.VerifyPassword in turn. Errors: ctx's, and Unavailable with RetryAfter.
func (p *Pool) Verify(ctx context.Context, pri Priority, password, hashed string) (ok bool, err error) {
	r := request{op: opVerify, password: password, hashed: hashed}
	err = p.inTurn(ctx, pri, "verify", func() {
		p.carryOut(ctx, r, func(a answer) { ok = a.status == statusYes }, func() { ok = p.verify(password, hashed) })
	})
	return ok, err
}

// carryOut has a process do r and takes its answer, or does it here.
func (p *Pool) carryOut(ctx context.Context, r request, take func(answer), here func()) {
	if a, ok := p.ask(ctx, r); ok {
		take(a)
		return
	}
	defer p.alone()()
	here()
}

// alone lets one at a time do what the processes could not. Where there are none it is no bound.
func (p *Pool) alone() (done func()) {
	if p.crew == nil {
		return func() {}
	}
	p.crew.here.Lock()
	return p.crew.here.Unlock
}

// Admit says beforehand whether a call would be sent away now, so that nothing is looked up for somebody who cannot be
// served: Unavailable with RetryAfter. Whoever is admitted may still be sent away by the call itself.
func (p *Pool) Admit(ctx context.Context, pri Priority) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.workers == 0 || p.busy < p.workers {
		return nil
	}
	return p.shed(ctx, pri)
}

// inTurn runs work in this goroutine once a worker is free. Work that has begun is not interrupted.
func (p *Pool) inTurn(ctx context.Context, pri Priority, op string, work func()) error {
	asked := time.Now()
	if err := p.acquire(ctx, pri); err != nil {
		return err
	}
	start := time.Now()
	defer func() {
		wait, took := start.Sub(asked), time.Since(start)
		p.release(took)
		if t, ok := ctx.Value(timesKey{}).(*Times); ok {
			t.Wait += wait
			t.Hash += took
		}
		if p.Observe != nil {
			p.Observe(op, wait, took)
		}
	}()
	work()
	return nil
}

// Times is how long the calls of one context waited for a worker and how long they hashed, summed.
type Times struct{ Wait, Hash time.Duration }

type timesKey struct{}

// Timed gives a context whose calls, one after the other, add to the Times beside it.
func Timed(ctx context.Context) (context.Context, *Times) {
	t := new(Times)
	return context.WithValue(ctx, timesKey{}, t), t
}

func (p *Pool) acquire(ctx context.Context, pri Priority) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	if p.workers == 0 || p.busy < p.workers {
		p.busy++
		p.mu.Unlock()
		return nil
	}
	if err := p.shed(ctx, pri); err != nil {
		p.mu.Unlock()
		return err
	}
	t := &turn{make(chan struct{})}
	p.waiting[pri] = append(p.waiting[pri], t)
	p.mu.Unlock()

	queued := time.Now()
	tooLong := time.NewTimer(waitLimit)
	defer tooLong.Stop()
	select {
	case <-t.granted:
		p.mu.Lock()
		p.stats.Waited += time.Since(queued)
		p.mu.Unlock()
		return nil
	case <-ctx.Done():
		p.leave(pri, t)
		return ctx.Err()
	case <-tooLong.C: // hashing has become slower than it was when this wait was reckoned
		p.leave(pri, t)
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.sendAway(p.expected(pri))
	}
}

// shed sends away, at once, who would wait too long.
func (p *Pool) shed(ctx context.Context, pri Priority) error {
	limit := waitLimit
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline))
	}
	wait := p.expected(pri)
	if wait <= limit {
		return nil
	}
	return p.sendAway(wait)
}

func (p *Pool) sendAway(wait time.Duration) error {
	p.stats.Shed++
	return errs.Retry(errs.Unavailable, "Many people are signing in just now. Try again in a moment.", upToSecond(wait))
}

// expected is how long somebody who comes now would wait: those before them and, on average, half of a running hash.
func (p *Pool) expected(pri Priority) time.Duration {
	ahead := len(p.waiting[Known])
	if pri == Stranger {
		ahead += len(p.waiting[Stranger])
	}
	mean := max(p.mean, leastMean)
	return (time.Duration(ahead)*mean + mean/2) / time.Duration(p.workers)
}

// leave takes back a place in the queue, or passes on the worker that was granted in the same moment.
func (p *Pool) leave(pri Priority, t *turn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiting[pri], t); i >= 0 {
		p.waiting[pri] = slices.Delete(p.waiting[pri], i, i+1)
		return
	}
	p.pass()
}

func (p *Pool) release(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mean += (took - p.mean) / 8
	p.stats.Done++
	p.stats.Hashing += took
	p.pass()
}

// pass hands a worker to whoever is next.
func (p *Pool) pass() {
	for _, pri := range [...]Priority{Known, Stranger} {
		if queue := p.waiting[pri]; len(queue) > 0 {
			close(queue[0].granted)
			p.waiting[pri] = slices.Delete(queue, 0, 1)
			return
		}
	}
	p.busy--
}

// Stats is a look at the pool.
type Stats struct {
	Workers, Busy            int
	Processes                int           // workers that are processes and alive now; 0 = hashes run in goroutines
	WaitingKnown, WaitingNew int           // in the queues, now
	Mean                     time.Duration // of one hash, lately
	Done, Shed               uint64        // since the start
	Hashing, Waited          time.Duration // since the start, summed
}

// Stats says how the pool does now.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Workers, s.Busy, s.Mean = p.workers, p.busy, p.mean
	s.WaitingKnown, s.WaitingNew = len(p.waiting[Known]), len(p.waiting[Stranger])
	if p.crew != nil {
		s.Processes = int(p.crew.alive.Load())
	}
	return s
}

func upToSecond(d time.Duration) time.Duration {
	return time.Duration(math.Ceil(d.Seconds())) * time.Second
}
