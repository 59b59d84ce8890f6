package connections

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/jobs"
	"dashtam/services/providers"
	"dashtam/services/tokens"
)

// AddWorkers registers the worker of jobs.Revoke.
func (s *Service) AddWorkers(workers *river.Workers) { river.AddWorker(workers, &revoker{s: s}) }

// errNotKept is how a job ends that is tried again after it was given up: what it needs was destroyed with its last try.
var errNotKept = errors.New("what the bank had to be told is not kept any more")

// revoker tells banks that connections have ended.
type revoker struct {
	river.WorkerDefaults[jobs.Revoke]
	s *Service
}

// Work tells one bank (RFC 7009): the refresh token first, then the access token. An error makes River try again; with the
// last try, or where the tokens do not open, they are destroyed all the same and the job stays among those that failed.
func (w *revoker) Work(ctx context.Context, job *river.Job[jobs.Revoke]) error {
	who := actor.ForJob(job.Args.UserID, job.Args.RequestID)
	r, err := w.s.c.Tokens.Revocation(ctx, who, job.Args.RevocationID)
	switch {
	case errors.Is(err, tokens.ErrNone) && job.MaxAttempts > job.Args.InsertOpts().MaxAttempts:
		return river.JobCancel(errNotKept) // it was given up, and an administrator has it tried again
	case errors.Is(err, tokens.ErrNone):
		return nil
	}
	last := job.Attempt >= job.MaxAttempts || errors.Is(err, tokens.ErrTampered)
	if err == nil {
		err = w.s.revoke(ctx, r)
	}
	switch {
	case err == nil:
		return w.s.told(ctx, who, job.Args.RevocationID, r, audit.Done)
	case errors.Is(err, providers.ErrNoRevocation): // no try can help
		return w.s.told(ctx, who, job.Args.RevocationID, r, audit.Refused)
	case last:
		err = errors.Join(err, w.s.told(ctx, who, job.Args.RevocationID, r, audit.Failed))
	}
	if errors.Is(err, tokens.ErrTampered) {
		return river.JobCancel(err)
	}
	return err
}

func (s *Service) revoke(ctx context.Context, r tokens.Revocation) error {
	p, err := s.c.Providers.Get(r.Provider)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.c.Tell)
	defer cancel()
	return p.Access.Revoke(ctx, r.Tokens)
}

// told ends a revocation: what was kept for it is destroyed, and the person sees how it ended.
func (s *Service) told(ctx context.Context, who actor.Actor, id uuid.UUID, r tokens.Revocation, result audit.Result) error {
	err := pgx.BeginFunc(context.WithoutCancel(ctx), s.c.DB, func(tx pgx.Tx) error {
		if err := s.c.Tokens.EndRevocation(ctx, tx, who, id); err != nil {
			return err
		}
		return noteTold(ctx, tx, who, r.ConnectionID, r.Provider, result)
	})
	if err != nil {
		return fmt.Errorf("connections: ending a revocation: %w", err)
	}
	return nil
}

// GiveUp ends, in the caller's transaction, the revocations whose job died with its last try.
func (s *Service) GiveUp(ctx context.Context, tx pgx.Tx) error {
	lapsed, err := s.c.Tokens.EndLapsed(ctx, tx)
	for _, l := range lapsed {
		if err == nil {
			err = noteTold(ctx, tx, actor.ForJob(l.UserID, "schedule"), l.ConnectionID, l.Provider, audit.Failed)
		}
	}
	return err
}

// noteTold writes whether the bank of a connection of who's that has ended was told.
func noteTold(ctx context.Context, tx pgx.Tx, who actor.Actor, id uuid.UUID, provider string, result audit.Result) error {
	told := Told
	if result != audit.Done {
		told = NotTold
	}
	if _, err := tx.Exec(ctx, `UPDATE connections SET bank_told = @told WHERE user_id = @user AND id = @id AND bank_told = 'waiting'`,
		pgx.NamedArgs{"user": who.UserID, "id": id, "told": string(told)}); err != nil {
		return err
	}
	return audit.Record(ctx, tx, who, revoked(who.UserID, id, provider, result))
}

func revoked(owner, id uuid.UUID, provider string, result audit.Result) audit.Event {
	return audit.Event{Act: "connection.revoked", Result: result, UserID: owner, Target: targetOf(id), Detail: map[string]string{"provider": provider}}
}

// giveBack tells a bank at once, twice at most, that tokens which were never kept are not needed.
func (s *Service) giveBack(ctx context.Context, who actor.Actor, p providers.Provider, t tokens.Tokens) {
	ctx = context.WithoutCancel(ctx)
	r := tokens.Revocation{Tokens: t, Provider: p.Profile.Slug}
	err := s.revoke(ctx, r)
	if err != nil {
		err = s.revoke(ctx, r)
	}
	result := audit.Done
	if err != nil {
		result = audit.Failed
	}
	_ = audit.Record(ctx, s.c.DB, who, revoked(who.UserID, uuid.Nil, r.Provider, result)) // nothing was kept either way
}
