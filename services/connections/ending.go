package connections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/email"
	"dashtam/services/jobs"
)

// renewFrom is since when the person is asked to renew: two weeks ahead, or two days where a permission lasts about a week
// or less, which would be asked for all the time otherwise. Of c, a connection.
const renewFrom = `c.consent_expires_at - CASE WHEN c.consent_expires_at - c.consented_at < interval '8 days' THEN interval '48 hours' ELSE interval '14 days' END`

// NoteEnding turns healthy connections whose permission ends soon into Renew, and mails the owners of those that work:
// seven, two and one day ahead, or 48 and 12 hours where the permission lasts about a week or less, each once a
// permission. Whoever was not reached in time gets the next one alone. It follows from the clock alone, so nobody acted
// and nothing is audited.
func (s *Service) NoteEnding(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `
		UPDATE connections c SET status = 'renew', cause = @cause, status_since = now()
		WHERE status = 'healthy' AND disconnected_at IS NULL AND `+renewFrom+` < now()`, pgx.NamedArgs{"cause": CauseConsentEnds})
	if err != nil {
		return fmt.Errorf("connections: noting permissions that end: %w", err)
	}
	rows, err := tx.Query(ctx, `
		UPDATE connections c SET reminded = r.ahead
		FROM (VALUES (false, interval '7 days', interval '2 days'), (false, '2 days', '1 day'), (false, '1 day', '0'),
			(true, '48 hours', '12 hours'), (true, '12 hours', '0')) r (short, ahead, later)
		WHERE c.disconnected_at IS NULL AND c.status <> 'needs_you'
			AND c.consent_expires_at > now() + r.later AND c.consent_expires_at <= now() + r.ahead
			AND c.consent_expires_at - c.consented_at > r.ahead
			AND (c.consent_expires_at - c.consented_at < interval '8 days') = r.short
			AND (c.reminded IS NULL OR c.reminded > r.ahead)
		RETURNING c.user_id, c.id AS connection_id`)
	if err != nil {
		return fmt.Errorf("connections: reminding: %w", err)
	}
	ending, err := pgx.CollectRows(rows, pgx.RowToStructByName[Due])
	if err != nil {
		return fmt.Errorf("connections: reminding: %w", err)
	}
	for _, d := range ending {
		if err := s.mail(ctx, tx, actor.ForJob(d.UserID, "schedule"), email.ConsentEnds, d.ConnectionID); err != nil {
			return err
		}
	}
	return nil
}

// mail enqueues a mail to a connection's owner.
func (s *Service) mail(ctx context.Context, tx pgx.Tx, who actor.Actor, purpose string, id uuid.UUID) error {
	return s.mailIn(ctx, tx, who, purpose, id, 0)
}

// mailIn is mail that waits; what is not true any more by then is not sent.
func (s *Service) mailIn(ctx context.Context, tx pgx.Tx, who actor.Actor, purpose string, id uuid.UUID, wait time.Duration) error {
	return s.c.Jobs.EnqueueIn(ctx, tx, jobs.Mail{Purpose: purpose, UserID: who.UserID, About: id, RequestID: who.RequestID}, wait)
}
