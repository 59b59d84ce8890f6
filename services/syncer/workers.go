package syncer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"dashtam/services/actor"
	"dashtam/services/connections"
	"dashtam/services/jobs"
)

// worker works one step of a run.
type worker struct {
	river.WorkerDefaults[jobs.Sync]
	s *Service
}

// Work carries the run of job on by a step. An error makes River try again later.
func (w *worker) Work(ctx context.Context, job *river.Job[jobs.Sync]) error {
	r := &running{
		s: w.s, who: actor.ForJob(job.Args.UserID, job.Args.RequestID), connection: job.Args.ConnectionID, run: job.Args.RunID,
	}
	provider, err := r.providerOf(ctx)
	if err != nil {
		return err
	}
	free, err := w.s.slot(provider)
	if err != nil {
		return err
	}
	defer free()
	ok, err := r.begin(ctx)
	if err != nil || !ok {
		return err
	}
	working, stop := r.beating(ctx)
	defer stop()
	err = r.step(working)
	stolen := working.Err() != nil && ctx.Err() == nil
	stop()
	if err == nil || stolen || errors.Is(err, errTakenOver) || errors.Is(err, connections.ErrGone) || errors.Is(err, connections.ErrNotFound) {
		return nil // done, or the person ended or cancelled it meanwhile, or another worker has it
	}
	return r.failed(ctx, err, job.Attempt < job.MaxAttempts)
}

// failed writes what a step's failure means. The answer is err again when River is to try once more.
func (r *running) failed(ctx context.Context, err error, more bool) error {
	v := judge(err)
	again := v.retry && more
	if !again && r.window != nil && v.ofAccount() {
		over, failed := r.failAccount(ctx, v)
		if failed != nil {
			return errors.Join(err, failed)
		}
		if !over {
			return nil
		}
	}
	if failed := r.fail(ctx, v, again); failed != nil {
		return errors.Join(err, failed)
	}
	if again {
		return err
	}
	return nil
}

// ofAccount says that a failure may be one account's alone, so that the others are to be tried.
func (v verdict) ofAccount() bool {
	switch v.Cause {
	case connections.CauseBankData, connections.CauseBankAway, connections.CauseInternal:
		return v.Status == connections.Paused
	}
	return false
}

// The pauses between the tries of a step: the longest possible is firstPause, then four times as long each, at most longestPause.
const (
	firstPause   = 10 * time.Second
	longestPause = 10 * time.Minute
)

// NextRetry is a random time within the pause, so that what failed together does not come back together (JB-3).
func (w *worker) NextRetry(job *river.Job[jobs.Sync]) time.Time {
	pause := firstPause
	for range job.Attempt - 1 {
		pause = min(4*pause, longestPause)
	}
	return w.s.c.Now().Add(rand.N(pause))
}

// providerOf reads whose bank the run asks, empty for a connection that is not there any more.
func (r *running) providerOf(ctx context.Context) (slug string, err error) {
	err = r.s.c.DB.QueryRow(ctx, `SELECT provider FROM connections WHERE user_id = @user AND id = @connection`, r.args(nil)).Scan(&slug)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("syncer: beginning a step: %w", err)
	}
	return slug, nil
}

// dueWorker looks for what is due.
type dueWorker struct {
	river.WorkerDefaults[jobs.SyncDue]
	s *Service
}

// duePerLook bounds one look, so that after an outage the connections come back in a stream (JB-5).
const duePerLook = 200

// Work takes up runs whose worker died, queues runs for connections whose time has come, notes permissions that end soon, and
// pauses banks that refuse everybody.
func (w *dueWorker) Work(ctx context.Context, _ *river.Job[jobs.SyncDue]) error {
	if err := w.s.reap(ctx); err != nil {
		return err
	}
	err := pgx.BeginFunc(ctx, w.s.c.DB, func(tx pgx.Tx) error {
		if err := w.s.c.Connections.NoteEnding(ctx, tx); err != nil {
			return err
		}
		if err := w.s.c.Connections.WatchBanks(ctx, tx); err != nil {
			return err
		}
		if err := w.s.c.Connections.GiveUp(ctx, tx); err != nil {
			return err
		}
		due, err := w.s.c.Connections.TakeDue(ctx, tx, duePerLook)
		if err != nil {
			return err
		}
		for _, d := range due {
			who := actor.ForJob(d.UserID, "schedule")
			if err := enqueue(ctx, tx, w.s.c.Queue, who, d.ConnectionID, Schedule); err != nil {
				return err
			}
			if err := w.s.c.Connections.Report(ctx, tx, who, d.ConnectionID, connections.Outcome{Status: connections.Syncing}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("syncer: looking for what is due: %w", err)
	}
	return nil
}
