package auth

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/email"
	"dashtam/services/errs"
	"dashtam/services/jobs"
	"dashtam/services/limits"
)

var _ email.Linker = (*Service)(nil)

// MailFacts says where a mail to who goes and mints its link, which makes older ones void. It is asked by the mail's
// worker when that runs, so a person who is gone, disabled or verified by then is email.ErrNoMail. It is an email.Linker.
func (s *Service) MailFacts(ctx context.Context, who actor.Actor, purpose string) (email.Facts, error) {
	var facts email.Facts
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		a, err := oneAccount(ctx, tx, `WHERE u.id = @id FOR UPDATE`, pgx.NamedArgs{"id": who.UserID})
		switch {
		case err != nil:
			return err
		case a == nil, a.DisabledAt != nil, purpose == email.Verify && a.VerifiedAt != nil:
			return email.ErrNoMail
		}
		facts.Email = a.Email
		if purpose != email.Verify {
			return nil
		}
		facts.Valid = linkLasts
		if facts.Token, err = mintLink(ctx, tx, "verify", who.UserID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "verify.link"})
	})
	if err != nil {
		return email.Facts{}, fmt.Errorf("auth: preparing a mail: %w", err)
	}
	return facts, nil
}

// mail enqueues a mail to one person in the caller's transaction.
func (s *Service) mail(ctx context.Context, tx pgx.Tx, who actor.Actor, purpose string, user uuid.UUID) error {
	return s.Jobs.Enqueue(ctx, tx, jobs.Mail{Purpose: purpose, UserID: user, RequestID: who.RequestID})
}

// mailDue counts a mail to subject, and reports whether rule lets it be sent.
func (s *Service) mailDue(ctx context.Context, rule limits.Rule, subject string) (bool, error) {
	err := s.Limits.Allow(ctx, rule, subject)
	if errs.KindOf(err) == errs.RateLimited {
		return false, nil
	}
	return err == nil, err
}
