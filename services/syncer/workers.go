package syncer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"dashtam/services/actor"
	"dashtam/services/connections"
	"dashtam/services/jobs"
)

// worker works one run.
type worker struct {
	river.WorkerDefaults[jobs.Sync]
	s *Service
}

// Work carries the run of job as far as it goes. An error makes River try again later.
func (w *worker) Work(ctx context.Context, job *river.Job[jobs.Sync]) error {
	r := &running{
		s: w.s, who: actor.ForJob(job.Args.UserID, job.Args.RequestID), connection: job.Args.ConnectionID, run: job.Args.RunID,
	}
	ok, err := r.begin(ctx)
	if err != nil || !ok {
		return err
	}
	err = r.work(ctx)
	if err == nil || errors.Is(err, connections.ErrGone) || errors.Is(err, connections.ErrNotFound) {
		return nil // done, or the person ended the connection meanwhile
	}
	v := judge(err)
	again := v.retry && job.Attempt < job.MaxAttempts
	if failed := r.fail(ctx, v, again); failed != nil {
		return errors.Join(err, failed)
	}
	if again {
		return err
	}
	return nil
}

// dueWorker looks for what is due.
type dueWorker struct {
	river.WorkerDefaults[jobs.SyncDue]
	s *Service
}

const (
	// duePerLook bounds one look, so that after an outage the connections come back in a stream (JB-5).
	duePerLook = 200
	// stuckAfter is when a run that is not over counts as dead: longer than all its tries together.
	stuckAfter = "2 hours"
)

// Work queues runs for connections whose time has come, buries runs whose worker died for good, notes permissions that end
// soon, and pauses banks that refuse everybody.
func (w *dueWorker) Work(ctx context.Context, _ *river.Job[jobs.SyncDue]) error {
	err := pgx.BeginFunc(ctx, w.s.c.DB, func(tx pgx.Tx) error {
		if err := w.s.bury(ctx, tx); err != nil {
			return err
		}
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

// bury fails runs that nobody works any more and lets their connections try again.
func (s *Service) bury(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `
		UPDATE sync_runs SET state = 'failed', failure = @cause, finished_at = now()
		WHERE state IN ('queued', 'running') AND queued_at < now() - @stuck::interval
		RETURNING user_id, connection_id`, pgx.NamedArgs{"cause": connections.CauseInternal, "stuck": stuckAfter})
	if err != nil {
		return err
	}
	type dead struct{ UserID, ConnectionID uuid.UUID }
	buried, err := pgx.CollectRows(rows, pgx.RowToStructByName[dead])
	if err != nil {
		return err
	}
	for _, d := range buried {
		if err := s.c.Connections.Report(ctx, tx, actor.ForJob(d.UserID, "schedule"), d.ConnectionID, connections.Outcome{
			Status: connections.Paused, Cause: connections.CauseInternal, Next: around(time.Hour, 15*time.Minute),
		}); err != nil {
			return err
		}
	}
	return nil
}
