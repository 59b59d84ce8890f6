package syncer_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"dashtam/services/connections"
	"dashtam/services/jobs"
	"dashtam/services/postgres/pgtest"
	"dashtam/services/providers"
	"dashtam/services/providers/banktest"
	"dashtam/services/syncer"
)

// expire lets the lease of the connection's run end.
func (b *bundle) expire() {
	b.Helper()
	b.exec(`UPDATE sync_runs SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL`, nil)
}

// A worker that dies at any step costs nothing but time: the run goes on where it was, and everything comes once.
//
// Break JB-1: services/syncer/lease.go: in takeOver, do not enqueue
func TestRun_JB1_AWorkerDiesAtEachStep(t *testing.T) {
	whole := newBundle(t)
	for died := range 3 {
		t.Run(fmt.Sprint(died), func(t *testing.T) {
			b := whole.next(t)
			for range died {
				b.step()
			}
			job := b.job()
			if err := b.service.Abandon(t.Context(), job); err != nil {
				t.Fatal(err)
			}
			b.step() // another job of the run, such as River's own second try: somebody has it
			if n := len(b.bank.Queries()); n != max(died-1, 0) {
				t.Fatalf("%d requests while another worker has the run", n)
			}
			b.exec(`DELETE FROM river_job`, nil)
			b.expire()
			b.look()
			b.work()
			if r := b.progress(); r.State != syncer.Done || r.Added != 2 || r.AccountsDone != 1 {
				t.Errorf("run %+v", r)
			}
			if asked := b.asked(); len(asked) != 2 {
				t.Errorf("asked for %v, want each window once", asked)
			}
		})
	}
}

// hold makes the bank keep the nth request to its API from now on until release is called; held says that it is there.
func (b *bundle) hold(nth int) (held chan struct{}, release func()) {
	held, free := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	n := 0
	b.bank.Do(func(bank *banktest.Bank) { // requests of other processes come when they will
		answer := bank.API
		if answer == nil {
			answer = bank.Read
		}
		bank.API = func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			n++
			mine := n == nth
			mu.Unlock()
			if mine {
				close(held)
				<-free
			}
			answer(w, r)
		}
	})
	return held, sync.OnceFunc(func() { close(free) })
}

// background works a job and says what came of it.
func (b *bundle) background(job jobs.Sync) chan error {
	ended := make(chan error, 1)
	go func() { ended <- b.service.Work(b.Context(), job, 1) }()
	return ended
}

// A worker that was stopped and comes back after another has taken over writes nothing.
//
// Break JB-2: services/syncer/run.go: in where, leave the fence out
func TestRun_JB2_TheZombieIsRefused(t *testing.T) {
	b := newBundle(t)
	held, release := b.hold(1)
	defer release()
	ended := b.background(b.job())
	<-held
	b.expire()
	b.look() // takes over
	b.step()
	b.exec(`UPDATE accounts SET balance_minor = 7`, nil) // whatever is newer than what the zombie holds
	release()
	if err := <-ended; err != nil {
		t.Errorf("the zombie: %v", err)
	}
	if n := b.count(`SELECT count(*) FROM accounts WHERE balance_minor = 7`); n != 1 {
		t.Error("the zombie wrote an account")
	}
	if n := b.count(`SELECT count(*) FROM sync_windows`); n != 2 {
		t.Errorf("%d windows", n)
	}
	if n := b.count(`SELECT takeovers FROM sync_runs`); n != 1 {
		t.Errorf("%d takeovers", n)
	}
	b.work()
	if r := b.progress(); r.State != syncer.Done || r.Added != 2 {
		t.Errorf("run %+v", r)
	}
}

// While a worker works it says so, and nobody takes over, however long the bank thinks.
//
// Break JB-2: services/syncer/lease.go: in beating, do not set lease_until
func TestRun_JB2_BeatsWhileItWorks(t *testing.T) {
	b := newBundle(t)
	b.config.Lease = 300 * time.Millisecond
	b.service = syncer.New(b.config)
	held, release := b.hold(1)
	defer release()
	ended := b.background(b.job())
	<-held
	begun := b.count(`SELECT (extract(epoch FROM lease_until) * 1000)::bigint FROM sync_runs`)
	b.await(func() bool {
		b.look()
		return b.count(`SELECT (extract(epoch FROM lease_until) * 1000)::bigint FROM sync_runs`) > begun+600
	})
	if n := b.count(`SELECT takeovers FROM sync_runs`); n != 0 {
		t.Errorf("taken over %d times", n)
	}
	release()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := b.count(`SELECT count(*) FROM sync_runs WHERE lease_until IS NULL AND planned`); n != 1 {
		t.Error("the step did not end")
	}
}

// A run over which worker after worker dies is given up, and its connection tries again later.
//
// Break JB-3: services/syncer/lease.go: in takeOver, leave takeovers out of lost
func TestDue_JB3_ARunThatKillsIsGivenUp(t *testing.T) {
	b := newBundle(t)
	for range 4 {
		if r := b.progress(); r.State == syncer.Failed {
			t.Fatal("given up too soon")
		}
		if err := b.service.Abandon(t.Context(), b.job()); err != nil {
			t.Fatal(err)
		}
		b.expire()
		b.look()
	}
	if d, r := b.get(), b.progress(); r.State != syncer.Failed || r.Failure != connections.CauseInternal || d.Status != connections.Paused || d.Cause != connections.CauseInternal || d.NextSyncAt == nil {
		t.Errorf("%+v, run %+v", d.Connection, r)
	}
}

// A run whose job is gone gets another one.
func TestDue_ALostJobIsReplaced(t *testing.T) {
	b := newBundle(t)
	b.exec(`DELETE FROM river_job`, nil)
	b.look()
	if n := b.count(`SELECT count(*) FROM river_job`); n != 0 {
		t.Errorf("%d jobs for a run that may only be waiting", n)
	}
	b.exec(`UPDATE sync_runs SET moved_at = now() - interval '31 minutes'`, nil)
	b.look()
	b.look()
	b.work()
	if r := b.progress(); r.State != syncer.Done {
		t.Errorf("run %+v", r)
	}
}

// Pauses between tries are random within a bound that grows and has an end.
//
// Break JB-3: services/syncer/workers.go: in NextRetry, add pause instead of a part of it
func TestNextRetry_JB3_FullJitter(t *testing.T) {
	b := newBundle(t)
	for attempt, most := range map[int]time.Duration{1: 10 * time.Second, 2: 40 * time.Second, 3: 160 * time.Second, 4: 10 * time.Minute, 40: 10 * time.Minute} {
		var pauses []time.Duration
		for range 400 {
			pauses = append(pauses, b.service.NextRetry(attempt).Sub(b.config.Now()))
		}
		if lo, hi := slices.Min(pauses), slices.Max(pauses); lo < 0 || lo > most/10 || hi > most || hi < most*9/10 {
			t.Errorf("after try %d: pauses from %s to %s, want all of 0 to %s", attempt, lo, hi, most)
		}
	}
}

// Two nodes that look at the same time queue each connection once, and no more at a look than a bank can bear (JB-5).
//
// Break JB-5: services/connections/status.go: in TakeDue, leave FOR UPDATE SKIP LOCKED out
func TestDue_JB5_OnceAcrossNodesAndInAStream(t *testing.T) {
	b := newBundle(t)
	b.work()
	const all = 450
	b.exec(`INSERT INTO connections (user_id, id, provider, name, status, next_sync_at)
		SELECT user_id, gen_random_uuid(), provider, name, 'healthy', now() - interval '3 days' FROM connections, generate_series(1, 450)`, nil)
	for look := 1; look <= 3; look++ {
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if err := b.service.WorkDue(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		n, twice := b.count(`SELECT count(*) FROM sync_runs WHERE cause = 'schedule'`),
			b.count(`SELECT count(*) FROM (SELECT FROM sync_runs WHERE cause = 'schedule' GROUP BY connection_id HAVING count(*) > 1) t`)
		if twice != 0 || n > min(400*look, all) || look == 3 && n != all {
			t.Errorf("after %d looks of two nodes: %d runs, %d connections have two", look, n, twice)
		}
	}
}

// A bank that hangs holds a few workers, never those that others need.
//
// Break JB-3: services/syncer/lease.go: in slot, let most be 100
func TestRun_JB3_ABankThatHangsStarvesNobody(t *testing.T) {
	b := &bundle{TB: t, db: pgtest.New(t), bank: banktest.New(t), other: banktest.New(t), profile: func(p *providers.Profile) { p.AtOnce = 4 }}
	b.start()
	var asked atomic.Int32
	free := make(chan struct{})
	b.bank.API = func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		<-free
		b.bank.Read(w, r)
	}
	for range 9 {
		b.connect(b.person())
	}
	lucky := b.person()
	b.connectTo(lucky, "other", b.other)
	workers := river.NewWorkers()
	b.service.AddWorkers(workers)
	runner, err := jobs.NewRunner(b.db.Pool, jobs.RunnerConfig{Workers: workers, Log: slog.New(slog.DiscardHandler), Sync: 6})
	if err != nil {
		t.Fatal(err)
	}
	if err := runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		close(free)
		if err := runner.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	b.await(func() bool {
		return b.count(`SELECT count(*) FROM sync_runs WHERE user_id = $1 AND state = 'done'`, lucky.UserID) == 1
	})
	if n := asked.Load(); n > 4 {
		t.Errorf("the bank that hangs has %d workers", n)
	}
}
