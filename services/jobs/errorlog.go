package jobs

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// errorLog reports failed jobs by kind and id. A worker's error is ours to word and holds no secret.
type errorLog struct{ log *slog.Logger }

// HandleError logs one failed try; River decides about the next.
func (l *errorLog) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	l.log.WarnContext(ctx, "job failed", "kind", job.Kind, "job", job.ID, "attempt", job.Attempt, "of", job.MaxAttempts, "error", err)
	return nil
}

// HandlePanic is never reached by a worker's panic, which catcher keeps from River.
func (l *errorLog) HandlePanic(context.Context, *rivertype.JobRow, any, string) *river.ErrorHandlerResult {
	return nil
}

var errPanicked = errors.New("the worker panicked")

// catcher makes an error of a worker's panic (RT-3: the process lives on). A panic's value may hold anything, and River
// would write it into its log and into the job's row (AU-3, VT-7); a stack holds no values.
type catcher struct {
	river.MiddlewareDefaults
	log *slog.Logger
}

// Work works one try of a job.
func (c *catcher) Work(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) (err error) {
	defer func() {
		if recover() != nil {
			c.log.ErrorContext(ctx, "job panicked", "kind", job.Kind, "job", job.ID, "attempt", job.Attempt, "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	return work(ctx)
}
