package auth

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/email"
	"dashtam/services/errs"
)

var (
	// ErrNotAdmin answers whoever administers and is no administrator, or is none any more.
	ErrNotAdmin = errs.New(errs.Forbidden, "This is for administrators.")
	// ErrOwnAccount keeps administrators from locking themselves out by a slip (AZ-5).
	ErrOwnAccount = errs.New(errs.Conflict, "This is your own account. Another administrator has to do that, so that it does not happen by accident.")
	// errDisabled answers an act that needs an account that can be used.
	errDisabled = errs.New(errs.Conflict, "This account is disabled. Enable it first.")
	// errMailed answers one link too many to choose a password: each makes the one before useless.
	errMailed = errs.New(errs.Conflict, "They were mailed such a link a moment ago, or five times within the hour. The last one works.")
)

// administered is one person's account while an administrator's act has it locked.
type administered struct {
	User
	who  actor.Actor
	last bool // nobody else can administer
}

// own reports that the account is the acting administrator's.
func (a administered) own() bool { return a.who.Kind == actor.Admin && a.who.UserID == a.ID }

// administer changes one person's account: change says what happened, or an empty event where nothing did. All such acts
// queue, and who acts is asked again once it is their turn: of two administrators who unmake each other at the same time
// one succeeds, and the last one stays (AZ-5).
func (s *Service) administer(ctx context.Context, who actor.Actor, where string, args pgx.NamedArgs, change func(tx pgx.Tx, a administered) (audit.Event, error)) (u User, err error) {
	err = pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		admins, err := asAdmin(ctx, tx, who)
		if err != nil {
			return err
		}
		if u, err = found(oneAccount(ctx, tx, where+` FOR UPDATE`, args)); err != nil {
			return err
		}
		event, err := change(tx, administered{u, who, len(admins) == 1 && admins[0] == u.ID})
		if err != nil || event.Act == "" {
			return err
		}
		event.UserID, event.Target = u.ID, u.ID.String()
		return audit.Record(ctx, tx, who, event)
	})
	if err != nil {
		return User{}, fmt.Errorf("auth: administering: %w", err)
	}
	return u, nil
}

// asAdmin has acts of administrators queue, and gives who can administer now; ErrNotAdmin for an actor who cannot.
func asAdmin(ctx context.Context, tx pgx.Tx, who actor.Actor) (admins []uuid.UUID, err error) {
	if admins, err = lockAdmins(ctx, tx); err != nil {
		return nil, err
	}
	if who.Kind != actor.System && (who.Kind != actor.Admin || !slices.Contains(admins, who.UserID)) {
		return nil, ErrNotAdmin
	}
	return admins, nil
}

func byID(id uuid.UUID) (string, pgx.NamedArgs) { return `WHERE u.id = @id`, pgx.NamedArgs{"id": id} }

// SetRole makes a person an administrator or an ordinary person. Their sessions and tokens end (LG-4, SE-6).
func (s *Service) SetRole(ctx context.Context, who actor.Actor, id uuid.UUID, role Role) (User, error) {
	if role != RoleUser && role != RoleAdmin {
		return User{}, errs.Field("role", "A role is user or admin.")
	}
	where, args := byID(id)
	return s.setRole(ctx, who, where, args, role)
}

func (s *Service) setRole(ctx context.Context, who actor.Actor, where string, args pgx.NamedArgs, role Role) (User, error) {
	u, err := s.administer(ctx, who, where, args, func(tx pgx.Tx, a administered) (audit.Event, error) {
		switch {
		case a.Role == role:
			return audit.Event{}, nil
		case role == RoleAdmin && a.VerifiedAt == nil:
			return audit.Event{}, errUnverified
		case role == RoleAdmin && a.DisabledAt != nil:
			return audit.Event{}, errDisabled
		case a.last:
			return audit.Event{}, ErrLastAdmin
		case a.own():
			return audit.Event{}, ErrOwnAccount
		}
		if _, err := tx.Exec(ctx, `UPDATE users SET role = @role WHERE id = @id`, pgx.NamedArgs{"role": string(role), "id": a.ID}); err != nil {
			return audit.Event{}, err
		}
		return audit.Event{Act: "role", Detail: map[string]string{"role": string(role)}}, s.EndSessions(ctx, tx, who, a.ID, uuid.Nil)
	})
	u.Role = role
	return u, err
}

// Disable shuts a person out: nothing they were signed in with works any more, and nothing they have is lost. Enable lets
// them in again, with the password they had.
func (s *Service) Disable(ctx context.Context, who actor.Actor, id uuid.UUID) (User, error) {
	where, args := byID(id)
	return s.administer(ctx, who, where, args, func(tx pgx.Tx, a administered) (audit.Event, error) {
		switch {
		case a.last:
			return audit.Event{}, ErrLastAdmin
		case a.own():
			return audit.Event{}, ErrOwnAccount
		case a.DisabledAt != nil:
			return audit.Event{}, nil
		}
		return audit.Event{Act: "user.disabled"}, s.shutOut(ctx, tx, who, a.ID)
	})
}

func (s *Service) shutOut(ctx context.Context, tx pgx.Tx, who actor.Actor, id uuid.UUID) error {
	if _, err := tx.Exec(ctx, `UPDATE users SET disabled_at = coalesce(disabled_at, now()) WHERE id = @id`, pgx.NamedArgs{"id": id}); err != nil {
		return err
	}
	return s.EndSessions(ctx, tx, who, id, uuid.Nil)
}

// Enable undoes Disable.
func (s *Service) Enable(ctx context.Context, who actor.Actor, id uuid.UUID) (User, error) {
	where, args := byID(id)
	return s.administer(ctx, who, where, args, func(tx pgx.Tx, a administered) (audit.Event, error) {
		if a.DisabledAt == nil {
			return audit.Event{}, nil
		}
		_, err := tx.Exec(ctx, `UPDATE users SET disabled_at = NULL WHERE id = @id`, args)
		return audit.Event{Act: "user.enabled"}, err
	})
}

// SignOut ends whatever a person is signed in with.
func (s *Service) SignOut(ctx context.Context, who actor.Actor, id uuid.UUID) (User, error) {
	where, args := byID(id)
	return s.administer(ctx, who, where, args, func(tx pgx.Tx, a administered) (audit.Event, error) {
		return audit.Event{Act: "user.signed_out"}, s.EndSessions(ctx, tx, who, a.ID, uuid.Nil)
	})
}

// StartReset has a link to choose a new password mailed to the person, as often as they themselves can ask for it. Nobody
// else ever sees the link, and the password stays as it is until they use it (EV-3).
func (s *Service) StartReset(ctx context.Context, who actor.Actor, id uuid.UUID) (User, error) {
	u, err := s.GetUser(ctx, id)
	if err != nil {
		return User{}, err
	}
	due, err := s.linkDue(ctx, resetMail, EmailKey(u.Email))
	if err != nil {
		return User{}, err
	}
	where, args := byID(id)
	return s.administer(ctx, who, where, args, func(tx pgx.Tx, a administered) (audit.Event, error) {
		switch {
		case a.DisabledAt != nil:
			return audit.Event{}, errDisabled
		case !due:
			return audit.Event{}, errMailed
		}
		return audit.Event{Act: "user.reset"}, s.mail(ctx, tx, who, email.Reset, a.ID)
	})
}

// ResetLink makes the link that StartReset mails, for the host's operator where mail does not work. Whoever has the host
// has the database; an administrator who has only the pages never sees a link (EV-3).
func (s *Service) ResetLink(ctx context.Context, who actor.Actor, address string) (token string, err error) {
	if who.Kind != actor.System {
		return "", ErrNotAdmin
	}
	_, err = s.administer(ctx, who, byKey, keyOf(address), func(tx pgx.Tx, a administered) (_ audit.Event, err error) {
		if a.DisabledAt != nil {
			return audit.Event{}, errDisabled
		}
		token, err = mintLink(ctx, tx, link{purpose: "reset", user: a.ID, key: EmailKey(a.Email), lasts: resetLasts, bound: true})
		return audit.Event{Act: "user.reset_link"}, err
	})
	return token, err
}

// DeleteUser removes a person with everything that is theirs, for good. typed is their address, as the administrator
// wrote it to show that they mean it. First the person is shut out; then leave ends what stands outside this package
// (their connections), where nothing new can begin any more; then the account goes. What an interruption leaves is a
// disabled account, to be deleted again.
func (s *Service) DeleteUser(ctx context.Context, who actor.Actor, id uuid.UUID, typed string, leave func(ctx context.Context) error) (User, error) {
	where, args := byID(id)
	_, err := s.administer(ctx, who, where, args, func(tx pgx.Tx, a administered) (audit.Event, error) {
		switch {
		case a.last:
			return audit.Event{}, ErrLastAdmin
		case a.own():
			return audit.Event{}, ErrOwnAccount
		case EmailKey(typed) != EmailKey(a.Email):
			return audit.Event{}, errs.Field("email", "This is not the address of this account.")
		case a.DisabledAt != nil:
			return audit.Event{}, nil
		}
		return audit.Event{Act: "user.disabled"}, s.shutOut(ctx, tx, who, a.ID)
	})
	if err != nil {
		return User{}, err
	}
	if err := leave(ctx); err != nil {
		return User{}, fmt.Errorf("auth: deleting: %w", err)
	}
	return s.administer(ctx, who, where, args, func(tx pgx.Tx, a administered) (audit.Event, error) {
		if a.last {
			return audit.Event{}, ErrLastAdmin
		}
		_, err := tx.Exec(ctx, `DELETE FROM users WHERE id = @id`, args)
		return audit.Event{Act: "user.deleted"}, err
	})
}
