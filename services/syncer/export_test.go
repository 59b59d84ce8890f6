package syncer

import (
	"context"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"dashtam/services/actor"
	"dashtam/services/jobs"
)

// Work is one try of the job args, as River would start it.
func (s *Service) Work(ctx context.Context, args jobs.Sync, attempt int) error {
	return (&worker{s: s}).Work(ctx, &river.Job[jobs.Sync]{JobRow: &rivertype.JobRow{Attempt: attempt, MaxAttempts: 4}, Args: args})
}

// Abandon takes a run up as a worker does, and then nothing more comes of it.
func (s *Service) Abandon(ctx context.Context, args jobs.Sync) error {
	r := &running{s: s, who: actor.ForJob(args.UserID, args.RequestID), connection: args.ConnectionID, run: args.RunID}
	_, err := r.begin(ctx)
	return err
}

// NextRetry is when River tries a job again after its attempt failed.
func (s *Service) NextRetry(attempt int) time.Time {
	return (&worker{s: s}).NextRetry(&river.Job[jobs.Sync]{JobRow: &rivertype.JobRow{Attempt: attempt}})
}

// WorkDue is one look at what is due.
func (s *Service) WorkDue(ctx context.Context) error {
	return (&dueWorker{s: s}).Work(ctx, &river.Job[jobs.SyncDue]{JobRow: &rivertype.JobRow{}})
}
