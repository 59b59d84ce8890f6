package syncer

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/connections"
	"dashtam/services/errs"
	"dashtam/services/jobs"
	"dashtam/services/limits"
	"dashtam/services/postgres"
	"dashtam/services/providers"
	"dashtam/services/tokens"
)

// What can go wrong when somebody asks for a sync.
var (
	ErrNoRun    = errs.New(errs.NotFound, "This connection was never synced.")
	ErrNeedsYou = errs.New(errs.Conflict, "The bank does not let us in any more. Reconnect first.")
)

// syncRule bounds how often one person can make us ask banks (RL-1).
var syncRule = limits.Rule{Name: "sync", Max: 60, Window: time.Hour}

// Config is what a Service needs.
type Config struct {
	DB          postgres.DB // a pool
	Connections *connections.Service
	Tokens      *tokens.Service
	Providers   *providers.Registry
	Queue       *jobs.Queue
	Limits      *limits.Service
	Now         func() time.Time // which day it is; nil = time.Now
}

// Service runs syncs.
type Service struct{ c Config }

// New makes a Service. It does no I/O.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c}
}

// Causes of a run.
const (
	First    = "first" // after the person gave permission: the whole history
	Manual   = "manual"
	Schedule = "schedule"
)

// States of a run.
const (
	Queued  = "queued"
	Running = "running"
	Done    = "done"
	Failed  = "failed"
)

// Run is one try to fetch a connection's data. Failure is one of services/connections' causes, or empty.
type Run struct {
	ID            uuid.UUID
	Cause         string
	State         string
	Failure       string
	QueuedAt      time.Time
	StartedAt     *time.Time
	FinishedAt    *time.Time
	AccountsTotal int
	AccountsDone  int
	Added         int // transactions
	Changed       int
	Removed       int
	Recognised    int // accounts that came back under another id
}

// Enqueue makes the function that queues a connection's first sync, for connections.Config.
func Enqueue(queue *jobs.Queue) func(ctx context.Context, tx pgx.Tx, who actor.Actor, connection uuid.UUID) error {
	return func(ctx context.Context, tx pgx.Tx, who actor.Actor, connection uuid.UUID) error {
		return enqueue(ctx, tx, queue, who, connection, First)
	}
}

// SyncNow queues a run because the person asked. One that is queued or running already is the answer, too.
func (s *Service) SyncNow(ctx context.Context, who actor.Actor, id uuid.UUID) error {
	if err := s.c.Limits.Allow(ctx, syncRule, who.UserID.String()); err != nil {
		return err
	}
	err := pgx.BeginFunc(ctx, s.c.DB, func(tx pgx.Tx) error {
		state, err := s.c.Connections.Lock(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if state.Status == connections.NeedsYou {
			return ErrNeedsYou
		}
		open, err := anyOpen(ctx, tx, who, id)
		if err != nil || open {
			return err
		}
		if err := enqueue(ctx, tx, s.c.Queue, who, id, Manual); err != nil {
			return err
		}
		if err := s.c.Connections.Report(ctx, tx, who, id, connections.Outcome{Status: connections.Syncing}); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "connection.sync", Target: id.String()})
	})
	if err != nil {
		return fmt.Errorf("syncer: %w", err)
	}
	return nil
}

// Progress is the newest run of a connection, or ErrNoRun. It only reads.
func (s *Service) Progress(ctx context.Context, who actor.Actor, id uuid.UUID) (Run, error) {
	runs, err := readRuns(ctx, s.c.DB, who, id, 1)
	if err != nil {
		return Run{}, err
	}
	if len(runs) == 0 {
		return Run{}, ErrNoRun
	}
	return runs[0], nil
}

// Runs lists the last 30 runs of a connection, the newest first.
func (s *Service) Runs(ctx context.Context, who actor.Actor, id uuid.UUID) ([]Run, error) {
	return readRuns(ctx, s.c.DB, who, id, 30)
}

// AddWorkers registers the workers of jobs.Sync and jobs.SyncDue.
func (s *Service) AddWorkers(workers *river.Workers) {
	river.AddWorker(workers, &worker{s: s})
	river.AddWorker(workers, &dueWorker{s: s})
}

// enqueue makes a run: its row and its job.
func enqueue(ctx context.Context, tx pgx.Tx, queue *jobs.Queue, who actor.Actor, connection uuid.UUID, cause string) error {
	run := uuid.Must(uuid.NewV7())
	if _, err := tx.Exec(ctx, `
		INSERT INTO sync_runs (user_id, connection_id, id, cause, state) VALUES (@user, @connection, @run, @cause, 'queued')`,
		pgx.NamedArgs{"user": who.UserID, "connection": connection, "run": run, "cause": cause}); err != nil {
		return fmt.Errorf("syncer: queueing a run: %w", err)
	}
	return queue.Enqueue(ctx, tx, jobs.Sync{UserID: who.UserID, ConnectionID: connection, RunID: run, RequestID: who.RequestID})
}

func anyOpen(ctx context.Context, tx pgx.Tx, who actor.Actor, connection uuid.UUID) (open bool, err error) {
	err = tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM sync_runs WHERE user_id = @user AND connection_id = @connection AND state IN ('queued', 'running'))`,
		pgx.NamedArgs{"user": who.UserID, "connection": connection}).Scan(&open)
	if err != nil {
		return false, fmt.Errorf("syncer: %w", err)
	}
	return open, nil
}

func readRuns(ctx context.Context, db postgres.DB, who actor.Actor, connection uuid.UUID, limit int) ([]Run, error) {
	rows, err := db.Query(ctx, `
		SELECT id, cause, state, failure, queued_at, started_at, finished_at, accounts_total, accounts_done, added, changed, removed, recognised
		FROM sync_runs WHERE user_id = @user AND connection_id = @connection ORDER BY queued_at DESC, id DESC LIMIT @limit`,
		pgx.NamedArgs{"user": who.UserID, "connection": connection, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("syncer: reading runs: %w", err)
	}
	runs, err := pgx.CollectRows(rows, pgx.RowToStructByName[Run])
	if err != nil {
		return nil, fmt.Errorf("syncer: reading runs: %w", err)
	}
	return runs, nil
}
