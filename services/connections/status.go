package connections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/email"
)

// State is what a sync has to know of a connection.
type State struct {
	Provider      string
	Status        Status
	LastSuccessAt *time.Time
	Scopes        string // as granted, space separated
}

// Lock holds a connection until tx ends, so that neither its end nor another report comes in between. ErrNotFound, or
// ErrGone (with the State) for one that has ended.
func (s *Service) Lock(ctx context.Context, tx pgx.Tx, who actor.Actor, id uuid.UUID) (State, error) {
	rows, err := tx.Query(ctx, `SELECT provider, status, last_success_at, scopes FROM connections WHERE user_id = @user AND id = @id FOR UPDATE`,
		pgx.NamedArgs{"user": who.UserID, "id": id})
	if err != nil {
		return State{}, fmt.Errorf("connections: locking: %w", err)
	}
	state, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[State])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return State{}, ErrNotFound
	case err != nil:
		return State{}, fmt.Errorf("connections: locking: %w", err)
	case state.Status == Disconnected:
		return state, ErrGone
	}
	return state, nil
}

// Outcome is what a try to fetch data means for a connection.
type Outcome struct {
	Status  Status
	Cause   string
	Next    time.Duration // until the next try of our own; 0 = none
	Success bool          // everything was fetched
	Refused bool          // NeedsYou because the bank refused the permission, which it may do to everybody
}

// Report writes an outcome in the caller's transaction. A success whose permission ends soon is Renew. A connection that
// has ended stays as it is. What the person or the administrator has to know of is audited; a routine sync is not. The
// person is mailed when a connection becomes NeedsYou, once until it works again, and when it does; not when the bank
// refuses everybody at once.
func (s *Service) Report(ctx context.Context, tx pgx.Tx, who actor.Actor, id uuid.UUID, o Outcome) error {
	var broke, healed, alone bool
	var err error
	if o.Refused || o.Cause == CauseProvider {
		if o, alone, err = s.heed(ctx, tx, who, id, o); err != nil {
			return err
		}
	}
	err = tx.QueryRow(ctx, `
		UPDATE connections SET status = o.status, cause = o.cause,
			status_since = CASE WHEN connections.status = o.status THEN status_since ELSE now() END,
			refused_at = CASE WHEN @refused THEN now() WHEN @success THEN NULL ELSE refused_at END,
			needed_since = CASE WHEN @success THEN NULL WHEN o.status = 'needs_you' THEN coalesce(o.needed, now()) ELSE o.needed END,
			last_sync_at = now(), last_success_at = CASE WHEN @success THEN now() ELSE last_success_at END,
			next_sync_at = now() + @next::float8 * interval '1 second'
		FROM (SELECT CASE WHEN ends THEN 'renew' ELSE @status::text END AS status, CASE WHEN ends THEN @ends_cause::text ELSE @cause::text END AS cause,
				needed
			FROM (SELECT @success AND `+renewFrom+` < now() IS TRUE AS ends, c.needed_since AS needed
				FROM connections c WHERE user_id = @user AND id = @id) e) o
		WHERE user_id = @user AND id = @id AND disconnected_at IS NULL
		RETURNING o.needed IS NULL AND needed_since IS NOT NULL, o.needed IS NOT NULL AND needed_since IS NULL`,
		pgx.NamedArgs{
			"user": who.UserID, "id": id, "status": string(o.Status), "cause": o.Cause, "success": o.Success, "next": secondsOrNull(o.Next),
			"ends_cause": CauseConsentEnds, "refused": o.Refused,
		}).Scan(&broke, &healed)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("connections: reporting: %w", err)
	}
	switch {
	case broke && o.Refused && !alone:
		err = s.mailIn(ctx, tx, who, email.NeedsYou, id, heldBack)
	case broke:
		err = s.mail(ctx, tx, who, email.NeedsYou, id)
	case healed:
		err = s.mail(ctx, tx, who, email.WorksAgain, id)
	}
	if err == nil && o.Success {
		err = s.resume(ctx, tx, who, id)
	}
	if err != nil || o.Status != NeedsYou && o.Status != Paused {
		return err
	}
	return audit.Record(ctx, tx, who, audit.Event{
		Act: "connection." + string(o.Status), Target: id.String(), Result: audit.Failed, Detail: map[string]string{"cause": o.Cause},
	})
}

// Due is a connection whose time has come.
type Due struct {
	UserID       uuid.UUID
	ConnectionID uuid.UUID
}

// claim is how long a due connection is left alone by other lookers; its sync sets the real next time.
const claim = "1 hour"

// TakeDue claims at most limit due connections in the caller's transaction, and one of each paused bank whose next try has
// come; those another node is claiming are skipped.
func (s *Service) TakeDue(ctx context.Context, tx pgx.Tx, limit int) ([]Due, error) {
	rows, err := tx.Query(ctx, `
		UPDATE connections c SET next_sync_at = now() + @claim::interval
		FROM (SELECT user_id, id FROM connections c
			WHERE next_sync_at <= now() AND disconnected_at IS NULL AND status IN ('healthy', 'renew', 'paused') AND `+left+`
			ORDER BY next_sync_at LIMIT @limit FOR UPDATE SKIP LOCKED) d
		WHERE c.user_id = d.user_id AND c.id = d.id
		RETURNING c.user_id, c.id AS connection_id`, pgx.NamedArgs{"claim": claim, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("connections: taking what is due: %w", err)
	}
	due, err := pgx.CollectRows(rows, pgx.RowToStructByName[Due])
	if err != nil {
		return nil, fmt.Errorf("connections: taking what is due: %w", err)
	}
	trials, err := s.takeTrials(ctx, tx)
	return append(due, trials...), err
}

func secondsOrNull(d time.Duration) *float64 {
	if d == 0 {
		return nil
	}
	s := d.Seconds()
	return &s
}
