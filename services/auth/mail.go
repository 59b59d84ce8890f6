package auth

import (
	"context"
	"errors"
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
// worker when that runs, so a person who is gone, disabled or verified by then, and a change of address that is over, are
// email.ErrNoMail. It is an email.Linker.
func (s *Service) MailFacts(ctx context.Context, who actor.Actor, purpose string, about uuid.UUID) (email.Facts, error) {
	if purpose == email.Invitation {
		return s.invitationFacts(ctx, who, about)
	}
	var facts email.Facts
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		a, err := oneAccount(ctx, tx, `WHERE u.id = @id FOR UPDATE`, pgx.NamedArgs{"id": who.UserID})
		switch {
		case err != nil:
			return err
		case a == nil, a.DisabledAt != nil:
			return email.ErrNoMail
		}
		facts.Email = a.Email
		var act string
		l := link{user: a.ID}
		switch purpose {
		case email.Verify:
			if a.VerifiedAt != nil {
				return email.ErrNoMail
			}
			act, l.purpose, l.lasts = "verify.link", "verify", linkLasts
		case email.Reset, email.Claim:
			act, l.purpose, l.lasts, l.bound = "password.link", "reset", resetLasts, true
		case email.ConfirmAddress, email.AddressChanged:
			if act, facts.Email, err = changeLink(ctx, tx, purpose, about, &l); err != nil {
				return err
			}
		case email.NewSignIn:
			facts.Details, err = signInDetails(ctx, tx, a, about)
			return err
		default:
			return nil
		}
		facts.Valid, l.key = l.lasts, EmailKey(facts.Email)
		if facts.Token, err = mintLink(ctx, tx, l); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: act})
	})
	if err != nil {
		return email.Facts{}, fmt.Errorf("auth: preparing a mail: %w", err)
	}
	return facts, nil
}

// changeLink fills in the link about a change of address, and says where it goes: while the change waits to the new
// address, to confirm it; then to the old one, to undo it.
func changeLink(ctx context.Context, tx pgx.Tx, purpose string, about uuid.UUID, l *link) (act, to string, err error) {
	c, err := oneChange(ctx, tx, `
		SELECT `+changeColumns+` FROM address_changes WHERE user_id = @user AND id = @id
			AND CASE @purpose WHEN 'address_changed' THEN confirmed_at > now() - make_interval(secs => @undo)
				ELSE confirmed_at IS NULL AND asked_at > now() - make_interval(secs => @link)
					AND asked_at >= (SELECT password_changed_at FROM users WHERE id = @user) END`,
		pgx.NamedArgs{"user": l.user, "id": about, "purpose": purpose, "undo": undoLasts.Seconds(), "link": linkLasts.Seconds()})
	switch {
	case errors.Is(err, ErrLink):
		return "", "", email.ErrNoMail
	case err != nil:
		return "", "", err
	case purpose == email.ConfirmAddress:
		l.purpose, l.since, l.lasts, l.bound = "email", c.AskedAt, linkLasts, true
		return "email.link", c.NewEmail, nil
	}
	l.purpose, l.since, l.lasts = "undo", *c.ConfirmedAt, undoLasts
	return "email.undo_link", c.OldEmail, nil
}

// mail enqueues a mail to one person in the caller's transaction.
func (s *Service) mail(ctx context.Context, tx pgx.Tx, who actor.Actor, purpose string, user uuid.UUID) error {
	return s.mailAbout(ctx, tx, who, purpose, user, uuid.Nil)
}

// mailAbout is mail for one that tells about something with an id.
func (s *Service) mailAbout(ctx context.Context, tx pgx.Tx, who actor.Actor, purpose string, user, about uuid.UUID) error {
	return s.Jobs.Enqueue(ctx, tx, jobs.Mail{Purpose: purpose, UserID: user, About: about, RequestID: who.RequestID})
}

// mailDue counts a mail to subject, and reports whether rule lets it be sent.
func (s *Service) mailDue(ctx context.Context, rule limits.Rule, subject string) (bool, error) {
	err := s.Limits.Allow(ctx, rule, subject)
	if errs.KindOf(err) == errs.RateLimited {
		return false, nil
	}
	return err == nil, err
}
