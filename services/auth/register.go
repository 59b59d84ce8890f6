package auth

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/email"
	"dashtam/services/errs"
	"dashtam/services/hashpool"
	"dashtam/services/limits"
)

// Registration is what a person types to get an account.
type Registration struct{ Name, Email, Password string }

// checked tidies a registration and says per field what cannot be used.
func (s *Service) checked(r Registration) (Registration, error) {
	r.Name, r.Email = strings.TrimSpace(r.Name), strings.TrimSpace(r.Email)
	wrong := map[string]string{}
	if sentence := checkName(r.Name); sentence != "" {
		wrong["name"] = sentence
	}
	if sentence := checkEmail(r.Email); sentence != "" {
		wrong["email"] = sentence
	}
	if ok, reason := s.Passwords.ValidatePasswordStrength(r.Password, r.Name, r.Email); !ok {
		wrong["password"] = reason
	}
	return r, errs.Fields(wrong)
}

// SignsUp is nil where people sign up by themselves; else it says why not.
func (s *Service) SignsUp() error {
	switch {
	case s.Signup.Open():
		return nil
	case s.Signup == SignupInvite:
		return ErrSignupInvited
	default:
		return ErrSignupClosed
	}
}

// Register makes an account that can do nothing until its address is verified, and has the link mailed. It is the seed's
// register_user.
//
// For an address that has an account nothing is changed, its owner gets a mail that says so, and the error is
// ErrEmailTaken, after the same hash and as many statements (SU-1, SU-2). Where nobody verified that account, one of the
// two who signed up may be a stranger, and nobody can tell which: no password opens it any more, links mailed before are
// void, and the mail is a link to choose the password (SU-5). Bad input is Invalid with a sentence per field.
func (s *Service) Register(ctx context.Context, who actor.Actor, r Registration) (User, error) {
	if err := s.SignsUp(); err != nil {
		return User{}, err
	}
	r, err := s.checked(r)
	if err != nil {
		return User{}, err
	}
	if err := s.Limits.Allow(ctx, limits.SignUp, limits.AddressSubject(who.IP)); err != nil {
		return User{}, err
	}
	tell, err := s.mailDue(ctx, noticePerAccount, EmailKey(r.Email)) // counted for a new address too: equal work
	if err != nil {
		return User{}, err
	}
	hash, err := s.Hashes.Hash(ctx, hashpool.Stranger, r.Password)
	if err != nil {
		return User{}, err
	}
	user, taken := User{}, false
	err = pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		if user, taken, err = s.insertUser(ctx, tx, r, hash, RoleUser); err != nil {
			return err
		}
		event, purpose, to := audit.Event{Act: "signup", UserID: user.ID}, email.Verify, user.ID
		switch {
		case taken && user.VerifiedAt == nil:
			event.Result, purpose = audit.Refused, email.Claim
		case taken:
			event.Result, purpose = audit.Refused, email.Exists
		}
		if taken && !tell {
			to = uuid.New() // a mail to nobody
		}
		if err := audit.Record(ctx, tx, who, event); err != nil {
			return err
		}
		return s.mail(ctx, tx, who, purpose, to)
	})
	switch {
	case err != nil:
		return User{}, fmt.Errorf("auth: signing up: %w", err)
	case taken:
		return User{}, ErrEmailTaken
	}
	return user, nil
}

// insertUser makes an account, or says that the address has one. Either way it writes and locks one row: a known
// address costs the database what a new one does, and parallel sign-ups of one address queue here (SU-3). An account that
// was never verified loses its password and name, which either of the two who signed up may have chosen (SU-5); the third
// sign-up changes nothing any more, so that the link mailed at the second one stays good.
func (s *Service) insertUser(ctx context.Context, tx pgx.Tx, r Registration, hash string, role Role) (user User, taken bool, err error) {
	id := uuid.Must(uuid.NewV7())
	rows, err := tx.Query(ctx, `
		INSERT INTO users AS u (id, email, email_key, name, password_hash, role, verified_at)
		VALUES (@id, @email, @key, @name, @hash, @role, CASE WHEN @role::text = 'admin' THEN now() END)
		ON CONFLICT (email_key) DO UPDATE SET
			name = CASE WHEN u.verified_at IS NULL THEN split_part(u.email, '@', 1) ELSE u.name END,
			password_hash = CASE WHEN u.verified_at IS NULL THEN @nothing ELSE u.password_hash END,
			password_changed_at = CASE WHEN u.verified_at IS NULL AND u.password_hash <> @nothing THEN now() ELSE u.password_changed_at END
		RETURNING `+userColumns,
		pgx.NamedArgs{
			"id": id, "email": r.Email, "key": EmailKey(r.Email), "name": r.Name, "hash": hash, "role": string(role), "nothing": s.Passwords.DummyHash(),
		})
	if err != nil {
		return User{}, false, err
	}
	user, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[User])
	return user, user.ID != id, err
}
