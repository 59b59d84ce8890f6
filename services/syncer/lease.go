package syncer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"dashtam/services/actor"
	"dashtam/services/connections"
	"dashtam/services/jobs"
)

// begin takes the run up: it is this worker's until the lease ends, and each later worker has a higher fence. ok is false
// when there is nothing to do: the run is over, or its connection is, or another worker has it.
func (r *running) begin(ctx context.Context) (ok bool, err error) {
	err = pgx.BeginFunc(ctx, r.s.c.DB, func(tx pgx.Tx) error {
		r.state, err = r.s.c.Connections.Lock(ctx, tx, r.who, r.connection)
		switch {
		case errors.Is(err, connections.ErrNotFound):
			return nil
		case errors.Is(err, connections.ErrGone):
			_, err := tx.Exec(ctx, `UPDATE sync_runs SET state = 'failed', finished_at = now(), lease_until = NULL`+whereOpen, r.args(nil))
			return err
		case err != nil:
			return err
		}
		err := tx.QueryRow(ctx, `
			UPDATE sync_runs SET state = 'running', started_at = coalesce(started_at, now()), moved_at = now(), fence = fence + 1,
				lease_until = now() + @lease::float8 * interval '1 second'`+whereOpen+` AND (lease_until IS NULL OR lease_until < now())
			RETURNING cause, fence, planned`, r.args(pgx.NamedArgs{"lease": r.s.c.Lease.Seconds()})).Scan(&r.cause, &r.fence, &r.planned)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		ok = err == nil
		return err
	})
	if err != nil {
		return false, fmt.Errorf("syncer: beginning a step: %w", err)
	}
	return ok, nil
}

// beating keeps the run this worker's while it works, in database time. The context it gives ends when the run is not any
// more: it is over, cancelled, or was taken over. stop must be called.
func (r *running) beating(ctx context.Context) (working context.Context, stop func()) {
	working, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		beat := time.NewTicker(r.s.c.Lease / 3)
		defer beat.Stop()
		for {
			select {
			case <-working.Done():
				return
			case <-beat.C:
			}
			tag, err := r.s.c.DB.Exec(working, `UPDATE sync_runs SET lease_until = now() + @lease::float8 * interval '1 second'`+r.where()+
				` AND lease_until IS NOT NULL`, r.args(pgx.NamedArgs{"lease": r.s.c.Lease.Seconds()}))
			if err == nil && tag.RowsAffected() == 0 {
				cancel()
			}
		}
	}()
	return working, func() { cancel(); <-ended }
}

const (
	// mostTakeovers is how many workers may die over a run before it is given up: it may be what kills them.
	mostTakeovers = 3
	// lostAfter is when a run counts as lost though no worker died over it: its job is gone. Another job does no harm.
	// oldest is when a run that is found lost is given up.
	lostAfter = "30 minutes"
	oldest    = "24 hours"
)

// reap takes up the runs whose worker died, so that they go on within three minutes: a lease, the time between two looks
// and the queue.
func (s *Service) reap(ctx context.Context) error {
	rows, err := s.c.DB.Query(ctx, `
		SELECT user_id, connection_id, id FROM sync_runs WHERE state IN ('queued', 'running') AND `+stale+` ORDER BY moved_at LIMIT @limit`,
		pgx.NamedArgs{"limit": duePerLook, "lost": lostAfter})
	if err != nil {
		return fmt.Errorf("syncer: looking for dead workers: %w", err)
	}
	type run struct{ UserID, ConnectionID, ID uuid.UUID }
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[run])
	if err != nil {
		return fmt.Errorf("syncer: looking for dead workers: %w", err)
	}
	for _, f := range found {
		r := &running{s: s, who: actor.ForJob(f.UserID, "schedule"), connection: f.ConnectionID, run: f.ID}
		if err := pgx.BeginFunc(ctx, s.c.DB, func(tx pgx.Tx) error { return r.takeOver(ctx, tx) }); err != nil {
			return fmt.Errorf("syncer: taking over: %w", err)
		}
	}
	return nil
}

const stale = `(lease_until < now() OR lease_until IS NULL AND moved_at < now() - @lost::interval)`

// takeOver gives a stale run another job, or gives it up.
func (r *running) takeOver(ctx context.Context, tx pgx.Tx) error {
	_, err := r.s.c.Connections.Lock(ctx, tx, r.who, r.connection)
	if errors.Is(err, connections.ErrNotFound) {
		return nil
	}
	gone := errors.Is(err, connections.ErrGone)
	if err != nil && !gone {
		return err
	}
	var lost bool
	err = tx.QueryRow(ctx, `
		UPDATE sync_runs SET takeovers = takeovers + (lease_until IS NOT NULL)::int, lease_until = NULL, moved_at = now()`+whereOpen+` AND `+stale+`
		RETURNING takeovers > @most OR queued_at < now() - @oldest::interval`,
		r.args(pgx.NamedArgs{"lost": lostAfter, "oldest": oldest, "most": mostTakeovers})).Scan(&lost)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // it moved meanwhile
	}
	if err != nil {
		return err
	}
	if !lost && !gone {
		return r.s.c.Queue.Enqueue(ctx, tx, jobs.Sync{UserID: r.who.UserID, ConnectionID: r.connection, RunID: r.run, RequestID: r.who.RequestID})
	}
	if _, err := tx.Exec(ctx, `UPDATE sync_runs SET state = 'failed', failure = @cause, finished_at = now()`+whereOpen,
		r.args(pgx.NamedArgs{"cause": connections.CauseInternal})); err != nil {
		return err
	}
	return r.s.c.Connections.Report(ctx, tx, r.who, r.connection, connections.Outcome{
		Status: connections.Paused, Cause: connections.CauseInternal, Next: around(time.Hour, 15*time.Minute),
	})
}

// atOnce is how many steps this node works at a bank at the same time, where its profile does not say.
const atOnce = 8

// slot holds back a bank that has its share of this node's workers already, so that one that hangs never starves others
// (JB-3). It gives what frees the slot, or an error that has River come back in a moment.
func (s *Service) slot(provider string) (free func(), err error) {
	most := atOnce
	if p, err := s.c.Providers.Get(provider); err == nil && p.Profile.AtOnce > 0 {
		most = p.Profile.AtOnce
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.working[provider] >= most {
		return nil, river.JobSnooze(time.Second + rand.N(4*time.Second))
	}
	s.working[provider]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.working[provider]--
	}, nil
}
