package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// errorLog reports failed jobs by kind, id and the request they come from. A worker's error is ours to word and holds no secret.
type errorLog struct{ log *slog.Logger }

// HandleError logs one failed try; River decides about the next.
func (l *errorLog) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	l.log.WarnContext(ctx, "job failed", "kind", job.Kind, "job", job.ID, "attempt", job.Attempt, "of", job.MaxAttempts,
		"request_id", requestOf(job), "error", err)
	return nil
}

// HandlePanic is never reached by a worker's panic, which catcher keeps from River.
func (l *errorLog) HandlePanic(context.Context, *rivertype.JobRow, any, string) *river.ErrorHandlerResult {
	return nil
}

var errPanicked = errors.New("the worker panicked")

// catcher makes an error of a worker's panic (RT-3: the process lives on). A panic's value may hold anything, and River
// would write it into its log and into the job's row (AU-3, VT-7); a stack holds no values. It also puts the id of the
// request into the error, where an administrator reads it, and tells observe how the try went.
type catcher struct {
	river.MiddlewareDefaults
	log     *slog.Logger
	observe func(kind string, failed bool, took time.Duration) // may be nil
}

// Work works one try of a job.
func (c *catcher) Work(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) (err error) {
	begin, request := time.Now(), requestOf(job)
	defer func() {
		if recover() != nil {
			c.log.ErrorContext(ctx, "job panicked", "kind", job.Kind, "job", job.ID, "attempt", job.Attempt,
				"request_id", request, "stack", string(debug.Stack()))
			err = errPanicked
		}
		if err != nil && request != "" {
			err = fmt.Errorf("%w (request %s)", err, request)
		}
		if c.observe != nil {
			c.observe(job.Kind, err != nil, time.Since(begin))
		}
	}()
	return work(ctx)
}

// requestOf is the id of the request that enqueued a job, which the arguments carry; jobs of a schedule have none.
func requestOf(job *rivertype.JobRow) string {
	var args struct {
		RequestID string `json:"request_id"`
	}
	_ = json.Unmarshal(job.EncodedArgs, &args) // River will say that they cannot be read
	return args.RequestID
}
