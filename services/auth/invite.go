package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/email"
	"dashtam/services/errs"
	"dashtam/services/hashpool"
)

// Signup says who may get an account.
type Signup string

// The policies, as DASHTAM_SIGNUP names them. The zero value is SignupOpen.
const (
	SignupOpen   Signup = "open"
	SignupInvite Signup = "invite" // whom an administrator invites
	SignupClosed Signup = "closed" // nobody
)

// Open reports that people sign up by themselves.
func (p Signup) Open() bool { return p == SignupOpen || p == "" }

// inviteLasts is how long an invitation can be accepted.
const inviteLasts = 7 * 24 * time.Hour

// maxInvitations bounds the list of those that wait; more are not made before some are taken back or used.
const maxInvitations = 200

var (
	// ErrInvitation is every way in which the link of an invitation does not work.
	ErrInvitation = errs.New(errs.NotFound, "This invitation was used already, taken back, replaced by a newer one, or is older than a week. Whoever sent it can send another.")
	// ErrNoInvitation answers for an invitation that does not wait, or never was.
	ErrNoInvitation = errs.New(errs.NotFound, "There is no such invitation.")
	// ErrInvited answers an invitation whose address got a verified account meanwhile.
	ErrInvited = errs.New(errs.Conflict, "There is an account with this address already. Sign in with it.")

	errManyInvitations = errs.New(errs.Conflict, "Two hundred invitations wait already. Take some back first.")
)

// Invitation is an invitation. One that is used or taken back is removed, with the address it went to.
type Invitation struct {
	ID        uuid.UUID
	Email     string
	CreatedAt time.Time
	ExpiresAt time.Time
	Sent      bool // its mail was written
}

// Expired reports whether the invitation came too late to be accepted at now.
func (i Invitation) Expired(now time.Time) bool { return !now.Before(i.ExpiresAt) }

// Invite has an invitation mailed to an address, in place of any before. An address that has a verified account is
// Invalid.
func (s *Service) Invite(ctx context.Context, who actor.Actor, address string) error {
	address = strings.TrimSpace(address)
	if s.Signup == SignupClosed {
		return ErrSignupClosed
	}
	if sentence := checkEmail(address); sentence != "" {
		return errs.Field("email", sentence)
	}
	return s.inviting(ctx, who, func(tx pgx.Tx) (audit.Event, error) {
		a, err := findAccount(ctx, tx, EmailKey(address))
		if err != nil {
			return audit.Event{}, err
		}
		if a != nil && a.VerifiedAt != nil {
			return audit.Event{}, errs.Field("email", "There is an account with this address already.")
		}
		id := uuid.Must(uuid.NewV7())
		var waiting int
		args := pgx.NamedArgs{"id": id, "email": address, "key": EmailKey(address), "lasts": inviteLasts.Seconds()}
		if _, err := tx.Exec(ctx, `DELETE FROM invitations WHERE email_key = @key OR expires_at < now() - interval '30 days'`, args); err != nil {
			return audit.Event{}, err
		}
		if err := tx.QueryRow(ctx, `
			WITH new AS (INSERT INTO invitations (id, email, email_key, expires_at) VALUES (@id, @email, @key, now() + make_interval(secs => @lasts)))
			SELECT count(*) FROM invitations`, args).Scan(&waiting); err != nil {
			return audit.Event{}, err
		}
		if waiting >= maxInvitations {
			return audit.Event{}, errManyInvitations
		}
		return audit.Event{Act: "invitation.created", Target: id.String()}, s.mailAbout(ctx, tx, who, email.Invitation, uuid.Nil, id)
	})
}

// RevokeInvitation takes an invitation back: its link works no more. One that does not wait is ErrNoInvitation.
func (s *Service) RevokeInvitation(ctx context.Context, who actor.Actor, id uuid.UUID) error {
	return s.inviting(ctx, who, func(tx pgx.Tx) (audit.Event, error) {
		tag, err := tx.Exec(ctx, `DELETE FROM invitations WHERE id = @id`, pgx.NamedArgs{"id": id})
		if err == nil && tag.RowsAffected() == 0 {
			err = ErrNoInvitation
		}
		return audit.Event{Act: "invitation.revoked", Target: id.String()}, err
	})
}

// inviting makes a change that only an administrator may make, as the database says now; such changes queue.
func (s *Service) inviting(ctx context.Context, who actor.Actor, change func(tx pgx.Tx) (audit.Event, error)) error {
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		if _, err := asAdmin(ctx, tx, who); err != nil {
			return err
		}
		event, err := change(tx)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, event)
	})
	if err != nil {
		return fmt.Errorf("auth: inviting: %w", err)
	}
	return nil
}

// Invitations lists those that wait, the newest first, with those that came too late.
func (s *Service) Invitations(ctx context.Context, who actor.Actor) ([]Invitation, error) {
	if who.Kind != actor.Admin && who.Kind != actor.System {
		return nil, ErrNotAdmin
	}
	rows, err := s.DB.Query(ctx, `
		SELECT id, email, created_at, expires_at, token_hash IS NOT NULL AS sent FROM invitations ORDER BY id DESC LIMIT @most`, pgx.NamedArgs{"most": maxInvitations})
	if err != nil {
		return nil, fmt.Errorf("auth: listing invitations: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Invitation])
	if err != nil {
		return nil, fmt.Errorf("auth: listing invitations: %w", err)
	}
	return list, nil
}

// invitationFacts is MailFacts for an invitation, which goes to somebody without an account. The link made here is the only
// one that works.
func (s *Service) invitationFacts(ctx context.Context, who actor.Actor, id uuid.UUID) (email.Facts, error) {
	facts := email.Facts{Valid: inviteLasts}
	secret, hash := newSecret()
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			UPDATE invitations SET token_hash = @hash WHERE id = @id AND expires_at > now() RETURNING email`, pgx.NamedArgs{"id": id, "hash": hash}).Scan(&facts.Email)
		if errors.Is(err, pgx.ErrNoRows) {
			return email.ErrNoMail
		}
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "invitation.link", Target: id.String()})
	})
	if err != nil {
		return email.Facts{}, fmt.Errorf("auth: preparing an invitation: %w", err)
	}
	facts.Token = secret
	return facts, nil
}

// liveInvitation is what makes the link of an invitation good.
const liveInvitation = `token_hash = @hash AND expires_at > now()`

// CheckInvitation gives the address an invitation was mailed to, or ErrInvitation. It changes nothing.
func (s *Service) CheckInvitation(ctx context.Context, token string) (address string, err error) {
	if s.Signup == SignupClosed {
		return "", ErrSignupClosed
	}
	if !shaped(token) {
		return "", ErrInvitation
	}
	err = s.DB.QueryRow(ctx, `SELECT email FROM invitations WHERE `+liveInvitation, pgx.NamedArgs{"hash": hashSecret(token)}).Scan(&address)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrInvitation
	}
	if err != nil {
		return "", fmt.Errorf("auth: looking at an invitation: %w", err)
	}
	return address, nil
}

// AcceptInvitation makes an account for the address an invitation was mailed to, verified by the link having come from
// there, and spends the invitation. What somebody signed up with that address and never verified goes (SU-5). A link that
// is not good is ErrInvitation and costs no hash; bad input is Invalid per field and spends nothing.
func (s *Service) AcceptInvitation(ctx context.Context, who actor.Actor, token, name, password string) (User, error) {
	address, err := s.CheckInvitation(ctx, token)
	if err != nil {
		return User{}, err
	}
	r, err := s.checked(Registration{Name: name, Email: address, Password: password})
	if err != nil {
		return User{}, err
	}
	hash, err := s.Hashes.Hash(ctx, hashpool.Stranger, r.Password)
	if err != nil {
		return User{}, err
	}
	var u User
	err = pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM invitations WHERE `+liveInvitation, pgx.NamedArgs{"hash": hashSecret(token)})
		switch {
		case err != nil:
			return err
		case tag.RowsAffected() == 0: // somebody was faster
			return ErrInvitation
		}
		if err := makeWay(ctx, tx, who, EmailKey(address), uuid.Nil); err != nil {
			return err
		}
		var taken bool
		if u, taken, err = s.insertUser(ctx, tx, r, hash, RoleUser); err != nil {
			return err
		}
		if taken {
			return ErrInvited
		}
		if _, err := tx.Exec(ctx, `UPDATE users SET verified_at = now() WHERE id = @id`, pgx.NamedArgs{"id": u.ID}); err != nil {
			return err
		}
		who.Kind, who.UserID = actor.User, u.ID
		if err := s.mail(ctx, tx, who, email.Welcome, u.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "invitation.used"})
	})
	if err != nil {
		return User{}, fmt.Errorf("auth: accepting an invitation: %w", err)
	}
	s.unlock(ctx, EmailKey(address))
	return u, nil
}
