package connections

import (
	"context"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"dashtam/services/jobs"
)

// WorkRevoke is one try of the job args, as River would start it.
func (s *Service) WorkRevoke(ctx context.Context, args jobs.Revoke, attempt int) error {
	most := max(attempt, args.InsertOpts().MaxAttempts) // as River has it where somebody has it tried once more
	return (&revoker{s: s}).Work(ctx, &river.Job[jobs.Revoke]{JobRow: &rivertype.JobRow{Attempt: attempt, MaxAttempts: most}, Args: args})
}
