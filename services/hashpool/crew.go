package hashpool

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// usualEnv tells a worker to keep the priority it is born with.
const usualEnv = "DASHTAM_HASH_WORKER_USUAL"

const (
	// tries is how many workers may die under one password before it is hashed here.
	tries = 3
	// noWorker is how long to wait for a worker that is being restarted; then the password is hashed here. A login is
	// never lost to that.
	noWorker = 3 * time.Second
	// starving is how long one hash may take. Workers get what nobody else wants; where other programs want every core, that
	// is nothing, and then the password is hashed here, one at a time.
	starving = 4 * time.Second
	// A worker that dies young is restarted later each time, so that a broken installation does not start processes all day.
	shortLife, firstPause, longestPause = time.Second, 100 * time.Millisecond, 10 * time.Second
)

// crew is the worker processes of a pool.
type crew struct {
	command []string
	log     *slog.Logger
	usual   bool // the workers keep the priority they are born with
	idle    chan *worker
	alive   atomic.Int32
	here    sync.Mutex // held while this process does a worker's work
	all     sync.WaitGroup
}

// worker is one running process. Its pipes are its only way in or out.
type worker struct {
	in   io.WriteCloser
	out  *bufio.Reader
	gone atomic.Bool // its process has ended
}

// Start gives the pool's work to as many processes as it has workers, each running command, whose main function calls
// Work. They have the lowest priority there is, but under a CPU quota the usual one, and end with ctx or with this process.
// Where processes cannot be given such a priority, and for a pool that hashes inline, it does nothing. Call it once, before the first hash; wait waits,
// after ctx, until they are gone.
func (p *Pool) Start(ctx context.Context, log *slog.Logger, command ...string) (wait func()) {
	if p.workers == 0 || !processes {
		return func() {}
	}
	c := &crew{command: command, log: log, idle: make(chan *worker, 2*p.workers), usual: p.usual}
	for range p.workers {
		c.all.Go(func() { c.keep(ctx) })
	}
	p.crew = c
	return c.all.Wait
}

// keep has one worker running until ctx ends.
func (c *crew) keep(ctx context.Context) {
	runtime.LockOSThread() // the kernel ends the worker when the thread that started it ends
	defer runtime.UnlockOSThread()
	pause := firstPause
	for ctx.Err() == nil {
		started := time.Now()
		err := c.run(ctx)
		if ctx.Err() != nil {
			return
		}
		c.log.WarnContext(ctx, "a hash worker ended and is started again", "error", err, "lived", time.Since(started))
		if time.Since(started) > shortLife {
			pause = firstPause
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

// run starts a worker, offers it, and returns when its process has ended.
func (c *crew) run(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, c.command[0], c.command[1:]...)
	cmd.Env = []string{"GOMAXPROCS=1", "GOTRACEBACK=none", "GOGC=20"} // small; and nothing of ours, where keys may stand
	if c.usual {
		cmd.Env = append(cmd.Env, usualEnv+"=1")
	}
	apart(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	// A pipe of our own: Wait would close cmd's under a reader that has the answer still to read.
	out, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	cmd.Stdout = theirs
	err = cmd.Start()
	_ = theirs.Close()
	if err != nil {
		return err
	}
	w := &worker{in: in, out: bufio.NewReader(out)}
	heard := make(chan bool, 1)
	go func() {
		b, err := w.out.ReadByte()
		ready := err == nil && b == statusReady
		if ready {
			c.alive.Add(1)
			c.offer(w)
		}
		heard <- ready
	}()
	err = cmd.Wait()
	w.gone.Store(true)
	if <-heard {
		c.alive.Add(-1)
		c.forgetGone()
	}
	return err
}

// offer lets the next request have w. One that ended in the meantime is not offered, or is found out by whoever gets it.
func (c *crew) offer(w *worker) {
	if !w.gone.Load() {
		c.idle <- w
	}
}

// forgetGone takes those that ended out of the ones on offer, so that their room is never used up.
func (c *crew) forgetGone() {
	for range len(c.idle) {
		select {
		case w := <-c.idle:
			c.offer(w)
		default:
		}
	}
}

var (
	errNoWorker = errors.New("no hash worker is free")
	errStarving = errors.New("a hash worker gets no time")
)

// ask has a worker carry out r. ok is false when this process must do it itself: there are no workers, they cannot keep
// alive, or they get no time. A worker that dies under a request is replaced and the request repeated.
func (p *Pool) ask(ctx context.Context, r request) (a answer, ok bool) {
	if p.crew == nil || len(r.password) > maxText {
		return answer{}, false // what is too long is refused without a hash
	}
	var err error
	for range tries {
		a, err = p.crew.ask(r)
		if err == nil {
			return a, true
		}
		if errors.Is(err, errNoWorker) || errors.Is(err, errStarving) {
			break
		}
	}
	p.crew.log.WarnContext(ctx, "hashing in this process", "reason", err)
	return answer{}, false
}

// ask waits for a free worker and its answer, for neither without end.
func (c *crew) ask(r request) (answer, error) {
	var w *worker
	select {
	case w = <-c.idle:
	case <-time.After(noWorker):
		return answer{}, errNoWorker
	}
	type outcome struct {
		answer answer
		err    error
	}
	done := make(chan outcome, 1)
	go func() { // it outlives us where the worker starves, and then offers the worker again
		a, err := w.ask(r)
		if err == nil {
			c.offer(w)
		} else {
			_ = w.in.Close() // if it still lives, it ends now
		}
		done <- outcome{a, err}
	}()
	select {
	case o := <-done:
		return o.answer, o.err
	case <-time.After(starving):
		return answer{}, errStarving
	}
}

func (w *worker) ask(r request) (answer, error) {
	if err := r.write(w.in); err != nil {
		return answer{}, err
	}
	return readAnswer(w.out)
}
