package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// sweepEvery is how often counters of limits that are over are removed.
const sweepEvery = 10 * time.Minute

// lookEvery is how often the review criteria are measured.
const lookEvery = 10 * time.Second

// compareEvery is how often this machine's clock is compared with the database's.
const compareEvery = time.Minute

// learnEvery is how soon a node knows what another was told about banks.
const learnEvery = 3 * time.Second

var errDatabaseGone = errors.New("the embedded database has ended; postgres/postgres.log in the data directory says why")

type serveCommand struct{}

// Run serves until ctx ends.
func (serveCommand) Run(ctx context.Context, a *app) error { return a.serve(ctx, (*node).offerSetup) }

// serve runs everything until ctx ends or something it stands on fails. ready is called once everybody is answered.
func (a *app) serve(ctx context.Context, ready func(*node, context.Context) error) (err error) {
	if a.config, err = readConfig(a.getenv); err != nil {
		return err
	}
	db, err := a.own(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	s, err := a.listenAll(ctx) // behind the lock: a second start shall hear of the process, not of the port
	if err != nil {
		return err
	}
	defer s.close()
	n, err := a.open(ctx, db.url)
	if err != nil {
		return err
	}
	defer n.close()
	defer n.startHashing(ctx)()
	runner, err := n.runner(ctx)
	if err != nil {
		return err
	}
	if err := s.begin(n); err != nil {
		return err
	}
	work := context.WithoutCancel(ctx) // what has begun is not cut off by the signal
	if err := n.tokens.RecoverSpool(work); err != nil {
		a.log.WarnContext(work, "answers of banks wait in the spool", "error", err)
	}
	if err := runner.Start(work); err != nil {
		return err
	}
	s.announce()
	if err = ready(n, ctx); err == nil {
		err = s.wait(ctx, n, db)
	} else if ctx.Err() != nil {
		err = nil // the signal came before everything was ready
	}
	a.log.InfoContext(work, "stopping")
	return errors.Join(err, s.stop(work, runner))
}

// startHashing starts the workers and gives what ends them: after the last request, not with the signal.
func (n *node) startHashing(ctx context.Context) (stop func()) {
	if n.app.inGoroutines {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	wait := n.hashes.Start(ctx, n.app.log, "/proc/self/exe", "hash-worker")
	return func() {
		cancel()
		wait()
	}
}

// announce tells a person where to go.
func (s *site) announce() {
	fmt.Fprintln(s.app.stdout, "Dashtam:", s.app.config.BaseURL)
	if s.bank != nil {
		fmt.Fprintln(s.app.stdout, "Sandbox Bank:", s.app.sandboxIssuer())
	}
}

// wait returns when ctx ends, or with the reason why there is no going on.
func (s *site) wait(ctx context.Context, n *node, db database) error {
	sweep, look, learn := time.NewTicker(sweepEvery), time.NewTicker(lookEvery), time.NewTicker(learnEvery)
	compare := time.NewTicker(compareEvery)
	defer compare.Stop()
	defer sweep.Stop()
	defer look.Stop()
	defer learn.Stop()
	sample := n.profile.SchedulerSampler()
	sample()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-s.failed:
			return err
		case <-db.failed:
			return errDatabaseGone
		case <-look.C:
			sample()
			n.look(ctx)
		case <-learn.C:
			n.learn(ctx)
		case <-compare.C:
			if err := n.compareClocks(ctx); err != nil {
				s.app.log.WarnContext(ctx, "the clocks were not compared", "error", err)
			}
		case <-sweep.C:
			if err := n.limits.Sweep(ctx); err != nil {
				s.app.log.WarnContext(ctx, "old counters were not removed", "error", err)
			}
		}
	}
}
