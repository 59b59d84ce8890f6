package connections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/google/uuid"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/email"
	"dashtam/services/jobs"
)

// A bank's "your permission is gone" is believed when one connection hears it. When many hear it at once the bank is out
// of order, and asking every one of its customers to sign in again would be wrong and, the next day, not believed (F18).
const (
	// manyRefused is how many connections of one bank must have been refused within refusedTogether, and more of them than
	// worked since the first, for the bank to be doubted.
	manyRefused     = 3
	refusedTogether = "1 hour"
	// doubted is how long a bank that refuses everybody is doubted. After that its word counts: it may have ended every
	// permission on purpose.
	doubted = "24 hours"
	// firstTry is when a paused bank is tried again, with one connection; twice as long after each try, a day at most.
	firstTry = "15 minutes"
	// heldBack is how long the mail about a refused connection waits where others at the same bank might be refused as
	// well. It is longer than the time between two looks of WatchBanks.
	heldBack = 2 * time.Minute
)

// Pause is a bank that is left alone as a whole.
type Pause struct {
	Provider    string // slug
	Cause       string // CauseIncident or CauseProvider
	Since       time.Time
	NextTry     time.Time
	Connections int // that wait for it
}

// Pauses lists the banks that are left alone, the newest first. For administrators.
func (s *Service) Pauses(ctx context.Context) ([]Pause, error) {
	rows, err := s.c.DB.Query(ctx, `
		SELECT p.provider, p.cause, p.since, p.next_try,
			(SELECT count(*) FROM connections c WHERE c.provider = p.provider AND c.status = 'paused' AND c.disconnected_at IS NULL) AS connections
		FROM provider_pauses p ORDER BY p.since DESC, p.provider`)
	if err != nil {
		return nil, fmt.Errorf("connections: banks that are paused: %w", err)
	}
	pauses, err := pgx.CollectRows(rows, pgx.RowToStructByName[Pause])
	if err != nil {
		return nil, fmt.Errorf("connections: banks that are paused: %w", err)
	}
	return pauses, nil
}

// WatchBanks pauses the banks that refuse everybody, and takes the connections of paused banks out of their owners' way.
// Rows that a sync holds at the moment are left for the next look.
func (s *Service) WatchBanks(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `
		INSERT INTO provider_pauses (provider, cause, next_try)
		SELECT r.provider, @incident, now() + @first::interval
		FROM (SELECT provider, count(*) AS refused, min(refused_at) AS first FROM connections
			WHERE refused_at > now() - @together::interval AND status = 'needs_you' AND disconnected_at IS NULL
			GROUP BY provider HAVING count(*) >= @many) r
		WHERE r.refused > (SELECT count(*) FROM connections c WHERE c.provider = r.provider AND c.last_success_at > r.first)
		ON CONFLICT (provider) DO NOTHING RETURNING provider`,
		pgx.NamedArgs{"incident": CauseIncident, "first": firstTry, "together": refusedTogether, "many": manyRefused})
	if err != nil {
		return fmt.Errorf("connections: watching banks: %w", err)
	}
	fresh, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("connections: watching banks: %w", err)
	}
	for _, provider := range fresh {
		if err := s.tellOfPause(ctx, tx, provider, CauseIncident); err != nil {
			return err
		}
	}
	// Whoever was mailed already keeps needed_since, so that they hear when it works again.
	_, err = tx.Exec(ctx, `
		UPDATE connections c SET status = 'paused', cause = w.cause, status_since = now(), next_sync_at = w.next_try + random() * interval '1 hour',
			needed_since = CASE WHEN needed_since < now() - @held::float8 * interval '1 second' THEN needed_since END
		FROM (SELECT c.user_id, c.id, p.cause, p.next_try
			FROM connections c JOIN provider_pauses p USING (provider)
			WHERE c.disconnected_at IS NULL AND CASE p.cause
				WHEN 'bank_incident' THEN p.since > now() - @doubted::interval AND c.status = 'needs_you' AND c.refused_at > p.since - @together::interval
				ELSE c.status IN ('healthy', 'renew') END
			FOR UPDATE OF c SKIP LOCKED) w
		WHERE c.user_id = w.user_id AND c.id = w.id`,
		pgx.NamedArgs{"held": heldBack.Seconds(), "doubted": doubted, "together": refusedTogether})
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE FROM provider_pauses WHERE cause = 'bank_incident' AND since < now() - interval '7 days'`)
	}
	if err != nil {
		return fmt.Errorf("connections: pausing a bank's connections: %w", err)
	}
	return nil
}

// left is the part of TakeDue's condition that keeps a paused bank's connections, c, out of it.
const left = `NOT EXISTS (SELECT FROM provider_pauses p WHERE p.provider = c.provider
	AND (p.cause <> 'bank_incident' OR p.since > now() - interval '` + doubted + `'))`

// takeTrials claims one connection of each paused bank whose next try has come: the one that was not tried for longest.
func (s *Service) takeTrials(ctx context.Context, tx pgx.Tx) ([]Due, error) {
	rows, err := tx.Query(ctx, `
		WITH due AS (
			UPDATE provider_pauses SET tries = tries + 1,
				next_try = now() + least(interval '24 hours', @first::interval * (2 ^ least(tries + 1, 7)))
			WHERE next_try <= now() RETURNING provider)
		UPDATE connections c SET next_sync_at = now() + @claim::interval
		FROM (SELECT DISTINCT ON (provider) user_id, id FROM connections JOIN due USING (provider)
			WHERE status = 'paused' AND disconnected_at IS NULL ORDER BY provider, last_sync_at NULLS FIRST, id) t
		WHERE c.user_id = t.user_id AND c.id = t.id AND c.status = 'paused'
		RETURNING c.user_id, c.id AS connection_id`, pgx.NamedArgs{"first": firstTry, "claim": claim})
	if err != nil {
		return nil, fmt.Errorf("connections: trying paused banks: %w", err)
	}
	trials, err := pgx.CollectRows(rows, pgx.RowToStructByName[Due])
	if err != nil {
		return nil, fmt.Errorf("connections: trying paused banks: %w", err)
	}
	return trials, nil
}

// heed sees an outcome in the light of how the bank behaves towards others. alone says that nobody else is connected there.
func (s *Service) heed(ctx context.Context, tx pgx.Tx, who actor.Actor, id uuid.UUID, o Outcome) (_ Outcome, alone bool, err error) {
	var provider string
	var paused bool
	var next *float64
	err = tx.QueryRow(ctx, `
		SELECT c.provider, coalesce(p.cause = 'bank_incident' AND p.since > now() - @doubted::interval, false),
			extract(epoch FROM p.next_try - now())::float8,
			NOT EXISTS (SELECT FROM connections n WHERE n.provider = c.provider AND n.disconnected_at IS NULL AND (n.user_id, n.id) <> (c.user_id, c.id))
		FROM connections c LEFT JOIN provider_pauses p USING (provider) WHERE c.user_id = @user AND c.id = @id`,
		pgx.NamedArgs{"user": who.UserID, "id": id, "doubted": doubted}).Scan(&provider, &paused, &next, &alone)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return o, false, nil
	case err != nil:
		return o, false, fmt.Errorf("connections: how others fare: %w", err)
	case o.Status == NeedsYou && o.Refused && paused:
		wait := time.Minute
		if next != nil {
			wait = max(wait, time.Duration(*next*float64(time.Second)))
		}
		o.Status, o.Cause, o.Next = Paused, CauseIncident, wait
		return o, alone, nil
	case o.Cause != CauseProvider:
		return o, alone, nil
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO provider_pauses (provider, cause, next_try) VALUES (@provider, @cause, now() + @first::interval)
		ON CONFLICT (provider) DO NOTHING`, pgx.NamedArgs{"provider": provider, "cause": CauseProvider, "first": firstTry})
	if err != nil {
		return o, false, fmt.Errorf("connections: pausing a bank: %w", err)
	}
	if tag.RowsAffected() > 0 {
		err = s.tellOfPause(ctx, tx, provider, CauseProvider)
	}
	return o, alone, err
}

// resume ends the pause of a connection's bank, because the connection works, and has the others tried within half an hour.
func (s *Service) resume(ctx context.Context, tx pgx.Tx, who actor.Actor, id uuid.UUID) error {
	var provider string
	err := tx.QueryRow(ctx, `
		DELETE FROM provider_pauses p USING connections c
		WHERE c.user_id = @user AND c.id = @id AND p.provider = c.provider RETURNING p.provider`,
		pgx.NamedArgs{"user": who.UserID, "id": id}).Scan(&provider)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("connections: ending a bank's pause: %w", err)
	}
	return wake(ctx, tx, actor.ForSystem("banks"), provider)
}

// Changed ends the pause of a bank that refused Dashtam itself, because an administrator changed how it is spoken to, and has
// its connections tried within half an hour; in the transaction of the change, for providers.ServiceConfig.
func Changed(ctx context.Context, tx pgx.Tx, who actor.Actor, provider string) error {
	tag, err := tx.Exec(ctx, `DELETE FROM provider_pauses WHERE provider = @provider AND cause = @cause`,
		pgx.NamedArgs{"provider": provider, "cause": CauseProvider})
	if err != nil {
		return fmt.Errorf("connections: ending a bank's pause: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	return wake(ctx, tx, who, provider)
}

func wake(ctx context.Context, tx pgx.Tx, who actor.Actor, provider string) error {
	_, err := tx.Exec(ctx, `
		UPDATE connections c SET next_sync_at = now() + random() * interval '30 minutes'
		FROM (SELECT user_id, id FROM connections
			WHERE provider = @provider AND status = 'paused' AND cause IN ('bank_incident', 'provider_config') AND disconnected_at IS NULL
			FOR UPDATE SKIP LOCKED) w
		WHERE c.user_id = w.user_id AND c.id = w.id`, pgx.NamedArgs{"provider": provider})
	if err != nil {
		return fmt.Errorf("connections: waking a bank's connections: %w", err)
	}
	return audit.Record(ctx, tx, who, audit.Event{Act: "provider.resumed", Detail: map[string]string{"provider": provider}})
}

// tellOfPause writes down that a bank is paused, and mails the administrators.
func (s *Service) tellOfPause(ctx context.Context, tx pgx.Tx, provider, cause string) error {
	who := actor.ForSystem("banks")
	err := audit.Record(ctx, tx, who, audit.Event{
		Act: "provider.paused", Result: audit.Failed, Detail: map[string]string{"provider": provider, "cause": cause},
	})
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT id FROM users WHERE role = 'admin' AND disabled_at IS NULL`)
	if err != nil {
		return fmt.Errorf("connections: telling administrators: %w", err)
	}
	admins, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("connections: telling administrators: %w", err)
	}
	for _, id := range admins {
		if err := s.c.Jobs.Enqueue(ctx, tx, jobs.Mail{Purpose: email.BankPaused, UserID: id, RequestID: who.RequestID}); err != nil {
			return err
		}
	}
	return nil
}
