package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

// Queue enqueues jobs. Services hold one; it works nothing itself.
type Queue struct{ client *river.Client[pgx.Tx] }

// NewQueue makes a Queue over pool. It does no I/O.
func NewQueue(pool *pgxpool.Pool, log *slog.Logger) (*Queue, error) {
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Logger: quietly(log),
		// River keeps quiet about a job that comes so soon after another of its queue. A step of a sync takes less than its
		// usual tenth of a second: each would wait for the next look, a second later.
		FetchCooldown: river.FetchCooldownMin,
	})
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return &Queue{client}, nil
}

// Enqueue adds a job in the caller's transaction: it runs if and only if that commits.
func (q *Queue) Enqueue(ctx context.Context, tx pgx.Tx, args river.JobArgs) error {
	return q.EnqueueIn(ctx, tx, args, 0)
}

// EnqueueIn is Enqueue for a job that is not worked before wait is over.
func (q *Queue) EnqueueIn(ctx context.Context, tx pgx.Tx, args river.JobArgs, wait time.Duration) error {
	var opts *river.InsertOpts
	if wait > 0 {
		var at time.Time // by the clock that says when it has come
		if err := tx.QueryRow(ctx, `SELECT clock_timestamp() + @wait::float8 * interval '1 second'`, pgx.NamedArgs{"wait": wait.Seconds()}).Scan(&at); err != nil {
			return fmt.Errorf("jobs: enqueueing %s: %w", args.Kind(), err)
		}
		opts = &river.InsertOpts{ScheduledAt: at}
	}
	if _, err := q.client.InsertTx(ctx, tx, args, opts); err != nil {
		return fmt.Errorf("jobs: enqueueing %s: %w", args.Kind(), err)
	}
	return nil
}

// Retry has a job tried again now that is over without success, or waits for its next try, in the caller's transaction.
// found is false for any other.
func (q *Queue) Retry(ctx context.Context, tx pgx.Tx, id int64) (found bool, err error) {
	found, err = q.is(ctx, tx, id, "cancelled", "discarded", "retryable")
	if err == nil && found {
		_, err = q.client.JobRetryTx(ctx, tx, id)
	}
	if err != nil {
		return false, fmt.Errorf("jobs: trying again: %w", err)
	}
	return found, nil
}

// Cancel ends a job that is not over in the caller's transaction; the context of one that is being worked is cancelled.
// found is false for any other.
func (q *Queue) Cancel(ctx context.Context, tx pgx.Tx, id int64) (found bool, err error) {
	found, err = q.is(ctx, tx, id, "available", "pending", "retryable", "running", "scheduled")
	if err == nil && found {
		_, err = q.client.JobCancelTx(ctx, tx, id)
	}
	if err != nil {
		return false, fmt.Errorf("jobs: cancelling: %w", err)
	}
	return found, nil
}

func (q *Queue) is(ctx context.Context, tx pgx.Tx, id int64, states ...string) (found bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM river_job WHERE id = @id AND state::text = ANY (@states))`,
		pgx.NamedArgs{"id": id, "states": states}).Scan(&found)
	return found, err
}

// Periodic is a job enqueued at a fixed distance by whichever node leads.
type Periodic struct {
	Every time.Duration
	Args  river.JobArgs
}

// RunnerConfig says what a Runner works.
type RunnerConfig struct {
	Workers  *river.Workers
	Periodic []Periodic
	Log      *slog.Logger
	Mail     int                                                // mails at once; 0 = 4
	Sync     int                                                // steps of syncs at once; 0 = 16
	Poll     bool                                               // look for jobs instead of being told: LISTEN does not work here
	Observe  func(kind string, failed bool, took time.Duration) // told about every try; may be nil
}

// Runner works the queues of this node.
type Runner struct{ client *river.Client[pgx.Tx] }

// jobTimeout bounds one try; rescueAfter must be longer, or River would start a second copy of a job that still runs.
const (
	jobTimeout  = 5 * time.Minute
	rescueAfter = 10 * time.Minute
)

// fetchCooldown is how soon after one look for jobs the next may come: a sync is a chain of steps, each a job.
const fetchCooldown = 20 * time.Millisecond

// pollEvery is how soon a job is found where nobody tells of it; a step of a sync waits that long for its next one.
const pollEvery = 200 * time.Millisecond

// keepDead is how long a job is kept that was given up, or that no try can help: an administrator can still have it tried.
const keepDead = 7 * 24 * time.Hour

// NewRunner makes a Runner over pool. It does no I/O; Start begins the work.
func NewRunner(pool *pgxpool.Pool, c RunnerConfig) (*Runner, error) {
	var periodic []*river.PeriodicJob
	for _, p := range c.Periodic {
		args := p.Args
		periodic = append(periodic, river.NewPeriodicJob(river.PeriodicInterval(p.Every),
			func() (river.JobArgs, *river.InsertOpts) { return args, nil }, &river.PeriodicJobOpts{RunOnStart: true}))
	}
	var poll time.Duration // 0 = River's second, in case a word is lost
	if c.Poll {
		poll = pollEvery
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Logger:                      quietly(c.Log),
		PollOnly:                    c.Poll,
		FetchPollInterval:           poll,
		Workers:                     c.Workers,
		PeriodicJobs:                periodic,
		JobTimeout:                  jobTimeout,
		FetchCooldown:               fetchCooldown,
		RescueStuckJobsAfter:        rescueAfter,
		CancelledJobRetentionPeriod: keepDead,
		DiscardedJobRetentionPeriod: keepDead,
		ErrorHandler:                &errorLog{c.Log},
		Middleware:                  []rivertype.Middleware{&catcher{log: c.Log, observe: c.Observe}},
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: 2},
			QueueMail:          {MaxWorkers: orDefault(c.Mail, 4)},
			QueueSync:          {MaxWorkers: orDefault(c.Sync, 16)},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return &Runner{client}, nil
}

// Start begins to work jobs and returns. Cancelling ctx stops taking new ones, like Stop.
func (r *Runner) Start(ctx context.Context) error {
	if err := r.client.Start(ctx); err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	return nil
}

// Stop takes no new jobs and waits for those that run. When ctx ends first it cancels them and waits for that (RT-1).
func (r *Runner) Stop(ctx context.Context) error {
	if err := r.client.Stop(ctx); err == nil {
		return nil
	}
	hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := r.client.StopAndCancel(hard); err != nil {
		return fmt.Errorf("jobs: stopping: %w", err)
	}
	return nil
}

func orDefault(n, fallback int) int {
	if n > 0 {
		return n
	}
	return fallback
}
