package auth

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/errs"
)

// errUnverified keeps the rights over an installation from whoever only claims to own an address.
var errUnverified = errs.New(errs.Conflict, "This address has not been verified yet, so it may be somebody else's. Open the mailed link first.")

// GrantAdmin makes the person with this address an administrator. Their sessions and tokens end (LG-4, SE-6). Granting
// twice is no error.
func (s *Service) GrantAdmin(ctx context.Context, who actor.Actor, email string) (User, error) {
	return s.setRole(ctx, who, email, RoleAdmin)
}

// RevokeAdmin makes the administrator with this address an ordinary person, unless they are the last one:
// ErrLastAdmin, also when two are revoked at once (AZ-5).
func (s *Service) RevokeAdmin(ctx context.Context, who actor.Actor, email string) (User, error) {
	return s.setRole(ctx, who, email, RoleUser)
}

func (s *Service) setRole(ctx context.Context, who actor.Actor, email string, role Role) (User, error) {
	var user User
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) (err error) {
		admins, err := lockAdmins(ctx, tx)
		if err != nil {
			return err
		}
		if user, err = found(oneAccount(ctx, tx, `WHERE u.email_key = @key FOR UPDATE`, pgx.NamedArgs{"key": EmailKey(email)})); err != nil {
			return err
		}
		switch {
		case user.Role == role:
			return nil
		case role == RoleAdmin && user.VerifiedAt == nil:
			return errUnverified
		case role != RoleAdmin && len(admins) == 1 && admins[0] == user.ID:
			return ErrLastAdmin
		}
		user.Role = role
		if _, err := tx.Exec(ctx, `UPDATE users SET role = @role WHERE id = @id`, pgx.NamedArgs{"role": string(role), "id": user.ID}); err != nil {
			return err
		}
		if err := s.EndSessions(ctx, tx, who, user.ID, uuid.Nil); err != nil {
			return err
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: "role", UserID: user.ID, Target: user.ID.String(), Detail: map[string]string{"role": string(role)}})
	})
	if err != nil {
		return User{}, fmt.Errorf("auth: changing a role: %w", err)
	}
	return user, nil
}

// lockAdmins makes changes of roles queue, in one order, and says who can administer once it is our turn.
func lockAdmins(ctx context.Context, tx pgx.Tx) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `SELECT id FROM users WHERE role = 'admin' AND disabled_at IS NULL ORDER BY id FOR UPDATE`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
