package auth

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
	"dashtam/services/errs"
	"dashtam/services/jobs"
	"dashtam/services/limits"
	"dashtam/services/password"
)

var _ email.Linker = (*Service)(nil)

// MailFacts says where a mail to who goes and mints its link, which makes older ones void. It is asked by the mail's
// worker when that runs, so a person who is gone, disabled or verified by then, a change of address that is over, news of a
// connection that are no longer true, and a new password that was asked for too long ago, are email.ErrNoMail. It is an
// email.Linker.
func (s *Service) MailFacts(ctx context.Context, who actor.Actor, purpose string, about uuid.UUID, asked time.Time) (email.Facts, error) {
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
			if a.VerifiedAt != nil || password.IsNone(a.PasswordHash) { // which only email.Claim leads into
				return email.ErrNoMail
			}
			act, l.purpose, l.lasts, l.bound = "verify.link", "verify", linkLasts, true
		case email.Reset, email.Claim:
			if err := inTime(ctx, tx, a.ID, asked); err != nil {
				return err
			}
			act, l.purpose, l.lasts, l.bound = "password.link", "reset", resetLasts, true
		case email.ConfirmAddress, email.AddressChanged:
			if act, facts.Email, err = changeLink(ctx, tx, purpose, about, &l); err != nil {
				return err
			}
		case email.NewSignIn:
			facts.Details, err = signInDetails(ctx, tx, a, about)
			return err
		case email.NeedsYou, email.WorksAgain, email.ConsentEnds:
			facts.Token = about.String()
			facts.Details, err = bankDetails(ctx, tx, a, purpose, about)
			return err
		case email.BankPaused:
			if a.Role != RoleAdmin {
				return email.ErrNoMail
			}
			return nil
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

// inTime is email.ErrNoMail for a link to choose a password that would have been over by now, had it been mailed when it was
// asked for: too old, or from before everything was ended.
func inTime(ctx context.Context, tx pgx.Tx, user uuid.UUID, asked time.Time) error {
	var late bool
	err := tx.QueryRow(ctx, `
		SELECT @asked < greatest(password_changed_at, sessions_ended_at, now() - make_interval(secs => @lasts)) FROM users WHERE id = @user`,
		pgx.NamedArgs{"user": user, "asked": asked, "lasts": resetLasts.Seconds()}).Scan(&late)
	if err == nil && late {
		return email.ErrNoMail
	}
	return err
}

// bankDetails is what a mail tells about a connection, or email.ErrNoMail where it is not true any more: its person has
// repaired, renewed or ended it since, or it has stopped again.
func bankDetails(ctx context.Context, tx pgx.Tx, a *account, purpose string, connection uuid.UUID) ([]email.Detail, error) {
	var name string
	var ends *time.Time
	err := tx.QueryRow(ctx, `
		SELECT name, consent_expires_at FROM connections WHERE user_id = @user AND id = @id AND disconnected_at IS NULL
			AND CASE @purpose WHEN 'needs_you' THEN status = 'needs_you' WHEN 'works_again' THEN needed_since IS NULL
				ELSE status <> 'needs_you' AND reminded IS NOT NULL AND consent_expires_at > now() END`,
		pgx.NamedArgs{"user": a.ID, "id": connection, "purpose": purpose}).Scan(&name, &ends)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, email.ErrNoMail
	case err != nil:
		return nil, err
	}
	details := []email.Detail{{Label: "Bank", Value: name}}
	if purpose == email.ConsentEnds {
		details = append(details, email.Detail{Label: "Works until", Value: a.when(*ends)})
	}
	return details, nil
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

// linkDue is mailDue for a mail with a link that anybody can ask for. Each of them voids the link before, so at most five go out
// within an hour, whatever rule allows: a stranger cannot keep the mailed way in shut. Only what is sent is counted.
func (s *Service) linkDue(ctx context.Context, rule limits.Rule, subject string) (bool, error) {
	due, err := s.mailDue(ctx, rule, subject)
	if err != nil {
		return false, err
	}
	subject = rule.Name + ":" + subject
	if !due {
		subject = "refused:" + subject
	}
	left, err := s.mailDue(ctx, linkMails, subject)
	return due && left, err
}
