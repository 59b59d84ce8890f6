package syncer

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
	ErrNotOn    = errs.New(errs.Conflict, "No sync is running.")
	// ErrTooSoon is the cause of a RateLimited error that says when one may ask again.
	ErrTooSoon = errors.New("syncer: asked again too soon")
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
	Lease       time.Duration    // after which silence of a worker another one takes over; 0 = 1 min
	CoolDown    time.Duration    // between two syncs that a person asks for; 0 = 5 min
}

// Service runs syncs.
type Service struct {
	c       Config
	mu      sync.Mutex
	working map[string]int // steps on their way on this node, by provider
}

// New makes a Service. It does no I/O.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Lease == 0 {
		c.Lease = time.Minute
	}
	if c.CoolDown == 0 {
		c.CoolDown = 5 * time.Minute
	}
	return &Service{c: c, working: map[string]int{}}
}

// Causes of a run.
const (
	First    = "first" // after the person gave permission: the whole history
	Manual   = "manual"
	Schedule = "schedule"
)

// States of a run.
const (
	Queued    = "queued"
	Running   = "running"
	Done      = "done" // everything came, or everything but some accounts
	Failed    = "failed"
	Cancelled = "cancelled" // by the person; what had come stays
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
	// AccountsFailed is how many accounts could not be read, while others could.
	AccountsFailed int
	Added          int // transactions
	Changed        int
	Merged         int // pending ones that were posted
	Removed        int
	Kept           int // posted ones that the bank left out, too many to be believed
	Recognised     int // accounts that came back under another id
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
		if p, err := s.c.Providers.Get(state.Provider); err == nil && p.Profile.Off {
			return providers.ErrSwitchedOff
		}
		open, wait, err := s.lately(ctx, tx, who, id)
		if err != nil || open {
			return err
		}
		if wait > 0 {
			return tooSoon(wait)
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

// Progress is the newest run of a connection and how far its accounts are, or ErrNoRun. It only reads.
func (s *Service) Progress(ctx context.Context, who actor.Actor, id uuid.UUID) (Run, []Account, error) {
	runs, err := readRuns(ctx, s.c.DB, who, id, 1)
	if err != nil {
		return Run{}, nil, err
	}
	if len(runs) == 0 {
		return Run{}, nil, ErrNoRun
	}
	accounts, err := s.accounts(ctx, who, id)
	return runs[0], accounts, err
}

// AddWorkers registers the workers of jobs.Sync and jobs.SyncDue.
func (s *Service) AddWorkers(workers *river.Workers) {
	river.AddWorker(workers, &worker{s: s})
	river.AddWorker(workers, &dueWorker{s: s})
}

// enqueue makes a run: its row and its job. One that is on makes way: a new permission begins anew.
func enqueue(ctx context.Context, tx pgx.Tx, queue *jobs.Queue, who actor.Actor, connection uuid.UUID, cause string) error {
	args := pgx.NamedArgs{"user": who.UserID, "connection": connection, "run": uuid.Must(uuid.NewV7()), "cause": cause}
	if _, err := tx.Exec(ctx, `
		UPDATE sync_runs SET state = 'cancelled', finished_at = now(), lease_until = NULL
		WHERE user_id = @user AND connection_id = @connection AND state IN ('queued', 'running')`, args); err != nil {
		return fmt.Errorf("syncer: queueing a run: %w", err)
	}
	if _, err := tx.Exec(ctx, `
		INSERT INTO sync_runs (user_id, connection_id, id, cause, state) VALUES (@user, @connection, @run, @cause, 'queued')`, args); err != nil {
		return fmt.Errorf("syncer: queueing a run: %w", err)
	}
	return queue.Enqueue(ctx, tx, jobs.Sync{UserID: who.UserID, ConnectionID: connection, RunID: args["run"].(uuid.UUID), RequestID: who.RequestID})
}

// lately says whether a run is on, and how long the person has to wait until they may ask for another.
func (s *Service) lately(ctx context.Context, db postgres.DB, who actor.Actor, connection uuid.UUID) (open bool, wait time.Duration, err error) {
	var seconds float64
	err = db.QueryRow(ctx, `
		SELECT coalesce(bool_or(state IN ('queued', 'running')), false),
			coalesce(extract(epoch FROM max(queued_at) FILTER (WHERE cause = 'manual') + @pause::float8 * interval '1 second' - now()), 0)::float8
		FROM sync_runs WHERE user_id = @user AND connection_id = @connection`,
		pgx.NamedArgs{"user": who.UserID, "connection": connection, "pause": s.c.CoolDown.Seconds()}).Scan(&open, &seconds)
	if err != nil {
		return false, 0, fmt.Errorf("syncer: %w", err)
	}
	return open, time.Duration(max(seconds, 0) * float64(time.Second)), nil
}

// tooSoon says when one may ask again.
func tooSoon(wait time.Duration) error {
	words := "a minute"
	if minutes := int((wait + time.Minute - 1) / time.Minute); minutes > 1 {
		words = fmt.Sprintf("%d minutes", minutes)
	}
	return errs.Retry(errs.RateLimited, "This connection was synced a moment ago. You can sync it again in "+words+".", wait).Because(ErrTooSoon)
}

func readRuns(ctx context.Context, db postgres.DB, who actor.Actor, connection uuid.UUID, limit int) ([]Run, error) {
	rows, err := db.Query(ctx, `
		SELECT id, cause, state, failure, queued_at, started_at, finished_at, accounts_total, accounts_done,
			accounts_failed, added, changed, merged, removed, kept, recognised
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
