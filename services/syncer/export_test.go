package syncer

import (
	"context"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"dashtam/services/jobs"
)

// Work is one try of the job args, as River would start it.
func (s *Service) Work(ctx context.Context, args jobs.Sync, attempt int) error {
	return (&worker{s: s}).Work(ctx, &river.Job[jobs.Sync]{JobRow: &rivertype.JobRow{Attempt: attempt, MaxAttempts: 4}, Args: args})
}

// WorkDue is one look at what is due.
func (s *Service) WorkDue(ctx context.Context) error {
	return (&dueWorker{s: s}).Work(ctx, &river.Job[jobs.SyncDue]{JobRow: &rivertype.JobRow{}})
}
