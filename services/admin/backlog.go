package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/errs"
	"dashtam/services/jobs"
	"dashtam/services/postgres"
)

// What can go wrong with one job of the list.
var (
	ErrNoRetry  = errs.New(errs.NotFound, "This job does not wait to be tried again. It is done meanwhile, is on its way, or is not kept any more.")
	ErrNoCancel = errs.New(errs.NotFound, "This job is over already, or is not kept any more.")
)

// Backlog is what is done after the answer, as administrators see it.
type Backlog struct {
	db    postgres.DB
	queue *jobs.Queue
}

// NewBacklog makes a Backlog over db. It does no I/O.
func NewBacklog(db postgres.DB, queue *jobs.Queue) *Backlog { return &Backlog{db, queue} }

// The places a job can be at.
const (
	JobOpen = "open" // waits for its first try or the next, or is on its way
	JobDead = "dead" // given up or cancelled; kept for a week
	JobDone = "done" // kept for a day
)

// Job is a job without its arguments.
type Job struct {
	ID          int64
	Kind        string
	Owner       string // e-mail of the person it works for; empty = nobody's
	State       string // River's word: available, running, retryable, scheduled, completed, cancelled, discarded
	Attempt     int
	MaxAttempts int
	CreatedAt   time.Time
	ScheduledAt time.Time  // of the next try
	FinishedAt  *time.Time // nil while it is not over
	Error       string     // of the last try; a worker's error is ours to word and holds no secret
}

// Stopped reports that the job is over without having worked, or waits for another try: it can be tried now.
func (j Job) Stopped() bool {
	return j.State == "cancelled" || j.State == "discarded" || j.State == "retryable"
}

// Open reports that the job is not over: it can be cancelled.
func (j Job) Open() bool { return j.FinishedAt == nil }

// JobCounts is how many jobs are at each place.
type JobCounts struct{ Open, Dead, Done int }

// placeOfJob is at which place job j is. What is done every minute is listed only where it failed.
const placeOfJob = `CASE WHEN j.state IN ('cancelled', 'discarded') THEN 'dead' WHEN j.state <> 'completed' THEN 'open'
	WHEN j.kind NOT IN ('sync_due', 'audit_seal') THEN 'done' ELSE 'routine' END`

// Counts counts the jobs at each place.
func (b *Backlog) Counts(ctx context.Context, who actor.Actor) (c JobCounts, err error) {
	if err := may(who); err != nil {
		return c, err
	}
	err = b.db.QueryRow(ctx, `
		SELECT count(*) FILTER (WHERE place = 'open'), count(*) FILTER (WHERE place = 'dead'), count(*) FILTER (WHERE place = 'done')
		FROM (SELECT `+placeOfJob+` AS place FROM river_job j) x`).Scan(&c.Open, &c.Dead, &c.Done)
	if err != nil {
		return c, fmt.Errorf("admin: counting jobs: %w", err)
	}
	return c, nil
}

// List lists the jobs at a place, the newest first: those before the given id, 0 = from the newest on.
func (b *Backlog) List(ctx context.Context, who actor.Actor, place string, before int64) (page []Job, more bool, err error) {
	if err := may(who); err != nil {
		return nil, false, err
	}
	return list[Job](ctx, b.db, "jobs", `
		SELECT j.id, j.kind, coalesce(u.email, '') AS owner, j.state::text AS state, j.attempt, j.max_attempts, j.created_at, j.scheduled_at,
			j.finalized_at AS finished_at, coalesce(left(j.errors[array_upper(j.errors, 1)] ->> 'error', 300), '') AS error
		FROM river_job j LEFT JOIN users u ON u.id::text = j.args ->> 'user_id'
		WHERE `+placeOfJob+` = @place AND (@before::bigint = 0 OR j.id < @before::bigint)
		ORDER BY j.id DESC LIMIT @limit`, pgx.NamedArgs{"place": place, "before": before})
}

// Retry has a job tried again now that was given up or waits for its next try; any other is ErrNoRetry.
func (b *Backlog) Retry(ctx context.Context, who actor.Actor, id int64) error {
	return b.act(ctx, who, id, "job.retried", ErrNoRetry, b.queue.Retry)
}

// Cancel ends a job that is not over; one on its way is told to stop. Any other is ErrNoCancel. What a cancelled sync leaves
// behind is tidied up by the look for what is due.
func (b *Backlog) Cancel(ctx context.Context, who actor.Actor, id int64) error {
	return b.act(ctx, who, id, "job.cancelled", ErrNoCancel, b.queue.Cancel)
}

func (b *Backlog) act(ctx context.Context, who actor.Actor, id int64, act string, none error, do func(context.Context, pgx.Tx, int64) (bool, error)) error {
	if err := may(who); err != nil {
		return err
	}
	err := pgx.BeginFunc(ctx, b.db, func(tx pgx.Tx) error {
		found, err := do(ctx, tx, id)
		if err != nil {
			return err
		}
		if !found {
			return none
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: act, Target: fmt.Sprint(id)})
	})
	if err != nil {
		return fmt.Errorf("admin: %s: %w", act, err)
	}
	return nil
}
