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
	"dashtam/services/postgres"
)

// Pending is a change of address that waits for its new address to be confirmed.
type Pending struct {
	Email   string
	AskedAt time.Time
}

// PendingEmail is who's change of address that waits, nil without one. One to an address that has an account waits as any
// other does (EV-2).
func (s *Service) PendingEmail(ctx context.Context, who actor.Actor) (*Pending, error) {
	var p Pending
	err := s.DB.QueryRow(ctx, `
		SELECT c.new_email, c.asked_at FROM address_changes c JOIN users u ON u.id = c.user_id
		WHERE c.user_id = @user AND c.confirmed_at IS NULL AND c.asked_at > now() - make_interval(secs => @lasts)
			AND c.asked_at >= u.password_changed_at`,
		pgx.NamedArgs{"user": who.UserID, "lasts": linkLasts.Seconds()}).Scan(&p.Email, &p.AskedAt)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil //nolint:nilnil // none is the usual answer
	case err != nil:
		return nil, fmt.Errorf("auth: looking for a change of address: %w", err)
	}
	return &p, nil
}

// ChangeEmail asks for another address for who, who proves by password that it is they. A link goes to the new address,
// and only that makes it the one to sign in with (EV-2). When it has an account already, that account's owner is told
// instead, and neither the answer nor the work differ. A wrong password is ErrPassword, bad input Invalid per field.
func (s *Service) ChangeEmail(ctx context.Context, who actor.Actor, password, address string) error {
	address = strings.TrimSpace(address)
	if sentence := checkEmail(address); sentence != "" {
		return errs.Field("email", sentence)
	}
	a, err := s.prove(ctx, who, password)
	if err != nil {
		return err
	}
	key := EmailKey(address)
	if key == EmailKey(a.Email) {
		return errs.Field("email", "This is the address you have.")
	}
	if err := s.Limits.Allow(ctx, changesOfAddress, who.UserID.String()); err != nil {
		return err
	}
	tell, err := s.mailDue(ctx, noticePerAccount, key) // counted for a free address too: equal work
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		id, err := replaceChange(ctx, tx, a, address)
		if err != nil {
			return err
		}
		purpose, to := email.ConfirmAddress, a.ID
		other, err := findAccount(ctx, tx, key)
		if err != nil {
			return err
		}
		if other != nil && other.VerifiedAt != nil {
			purpose, to = email.AddressTaken, other.ID
			if !tell {
				to = uuid.New() // a mail to nobody
			}
		}
		if err := s.mailAbout(ctx, tx, who, purpose, to, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "email.asked", Target: id.String()})
	})
	if err != nil {
		return fmt.Errorf("auth: asking for another address: %w", err)
	}
	return nil
}

// replaceChange writes down that a's person asked for address, in place of what they asked for before. Changes that
// can no longer be undone go with it. Two at once queue, so that one waits at most.
func replaceChange(ctx context.Context, tx pgx.Tx, a *account, address string) (uuid.UUID, error) {
	id := uuid.Must(uuid.NewV7())
	args := pgx.NamedArgs{
		"user": a.ID, "id": id, "old": a.Email, "old_key": EmailKey(a.Email), "new": address, "new_key": EmailKey(address), "undo": undoLasts.Seconds(),
	}
	if _, err := tx.Exec(ctx, `SELECT FROM users WHERE id = @user FOR NO KEY UPDATE`, args); err != nil {
		return uuid.Nil, err
	}
	if _, err := tx.Exec(ctx, `
		DELETE FROM address_changes WHERE user_id = @user
			AND (confirmed_at IS NULL OR confirmed_at < now() - make_interval(secs => @undo))`, args); err != nil {
		return uuid.Nil, err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO address_changes (user_id, id, old_email, old_key, new_email, new_key)
		VALUES (@user, @id, @old, @old_key, @new, @new_key)`, args)
	return id, err
}

// ConfirmEmail consumes the link that was mailed to a new address and makes that address the person's. Their other
// sessions and their API tokens end (SE-6), and the old address gets a mail with a way back (RS-6). A link that does not
// work is ErrLink; ErrEmailTaken says that the address has an account since.
func (s *Service) ConfirmEmail(ctx context.Context, who actor.Actor, token string) error {
	var address string
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		a, key, err := spend(ctx, tx, "email", token)
		if err != nil {
			return err
		}
		user := a.ID
		c, err := oneChange(ctx, tx, `
			UPDATE address_changes SET confirmed_at = now() WHERE user_id = @user AND new_key = @key AND confirmed_at IS NULL
			RETURNING `+changeColumns, pgx.NamedArgs{"user": user, "key": key})
		if err != nil {
			return err
		}
		if err := move(ctx, tx, who, user, c.NewEmail, c.OldKey); err != nil {
			return err
		}
		address = key
		keep := uuid.Nil
		if who.UserID == user {
			keep = who.SessionID
		}
		if err := s.EndSessions(ctx, tx, who, user, keep); err != nil {
			return err
		}
		if err := s.mailAbout(ctx, tx, who, email.AddressChanged, user, c.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "email.changed", UserID: user, Target: c.ID.String()})
	})
	if err != nil {
		return fmt.Errorf("auth: changing an address: %w", err)
	}
	s.unlock(ctx, address)
	return nil
}

// UndoEmail consumes the link in the mail to an old address: that address is the person's again, changes made since are
// gone, everybody is signed out, and the password, which a stranger seems to know, opens nothing any more. A link to
// choose a new one is mailed (RS-6). Errors as of ConfirmEmail.
func (s *Service) UndoEmail(ctx context.Context, who actor.Actor, token string) error {
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		a, key, err := spend(ctx, tx, "undo", token)
		if err != nil {
			return err
		}
		user := a.ID
		c, err := oneChange(ctx, tx, `
			SELECT `+changeColumns+` FROM address_changes
			WHERE user_id = @user AND old_key = @key AND confirmed_at IS NOT NULL ORDER BY asked_at LIMIT 1`,
			pgx.NamedArgs{"user": user, "key": key})
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM address_changes WHERE user_id = @user AND asked_at >= @since`,
			pgx.NamedArgs{"user": user, "since": c.AskedAt}); err != nil {
			return err
		}
		if err := move(ctx, tx, who, user, c.OldEmail, ""); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE users SET password_hash = @nothing, password_changed_at = now() WHERE id = @user`,
			pgx.NamedArgs{"user": user, "nothing": s.Passwords.DummyHash()}); err != nil {
			return err
		}
		if err := s.EndSessions(ctx, tx, who, user, uuid.Nil); err != nil {
			return err
		}
		if err := s.mail(ctx, tx, who, email.Reset, user); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "email.undone", UserID: user, Target: c.ID.String()})
	})
	if err != nil {
		return fmt.Errorf("auth: undoing a change of address: %w", err)
	}
	return nil
}

// move makes address that of a verified person, who must still have the one of the key from, unless that is empty. An
// account that signed up with address and never verified it makes way: whoever moves has read a mail there.
func move(ctx context.Context, tx pgx.Tx, who actor.Actor, user uuid.UUID, address, from string) error {
	args := pgx.NamedArgs{"user": user, "address": address, "key": EmailKey(address), "from": from}
	if err := makeWay(ctx, tx, who, EmailKey(address), user); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `
		UPDATE users SET email = @address, email_key = @key
		WHERE id = @user AND verified_at IS NOT NULL AND (@from = '' OR email_key = @from)`, args)
	switch {
	case postgres.Constraint(err) == "users_email_key_unique":
		return ErrEmailTaken
	case err == nil && tag.RowsAffected() == 0:
		return ErrLink
	}
	return err
}

// makeWay removes the account that somebody signed up with the address of key and never verified, unless it is user's own:
// user, or who takes up an invitation, has read a mail there (SU-5).
func makeWay(ctx context.Context, tx pgx.Tx, who actor.Actor, key string, user uuid.UUID) error {
	var gone uuid.UUID
	err := tx.QueryRow(ctx, `DELETE FROM users WHERE email_key = @key AND id <> @user AND verified_at IS NULL RETURNING id`,
		pgx.NamedArgs{"key": key, "user": user}).Scan(&gone)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	return audit.Record(ctx, tx, who, audit.Event{Act: "signup.void", UserID: user, Target: gone.String()})
}

// change is a row of address_changes.
type change struct {
	ID          uuid.UUID
	OldEmail    string
	OldKey      string
	NewEmail    string
	NewKey      string
	AskedAt     time.Time
	ConfirmedAt *time.Time
}

const changeColumns = `id, old_email, old_key, new_email, new_key, asked_at, confirmed_at`

// oneChange reads the change that sql finds, or ErrLink: what its link was about is over.
func oneChange(ctx context.Context, tx pgx.Tx, sql string, args pgx.NamedArgs) (change, error) {
	rows, err := tx.Query(ctx, sql, args)
	if err != nil {
		return change{}, err
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[change])
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrLink
	}
	return c, err
}
