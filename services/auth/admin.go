package auth

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/errs"
)

// errUnverified keeps the rights over an installation from whoever only claims to own an address.
var errUnverified = errs.New(errs.Conflict, "This address has not been verified yet, so it may be somebody else's. Open the mailed link first.")

// GrantAdmin makes the person with this address an administrator. Their sessions and tokens end (LG-4, SE-6). Granting
// twice is no error.
func (s *Service) GrantAdmin(ctx context.Context, who actor.Actor, email string) (User, error) {
	return s.setRole(ctx, who, byKey, keyOf(email), RoleAdmin)
}

// RevokeAdmin makes the administrator with this address an ordinary person, unless they are the last one:
// ErrLastAdmin, also when two are revoked at once (AZ-5).
func (s *Service) RevokeAdmin(ctx context.Context, who actor.Actor, email string) (User, error) {
	return s.setRole(ctx, who, byKey, keyOf(email), RoleUser)
}

// byKey finds an account by the key of its address.
const byKey = `WHERE u.email_key = @key`

func keyOf(address string) pgx.NamedArgs { return pgx.NamedArgs{"key": EmailKey(address)} }

// adminActs is the lock on which acts of administrators queue; a number that nothing else here locks.
const adminActs = 0x61646d696e

// lockAdmins makes acts of administrators queue, and says who can administer once it is our turn: the list is a statement
// of its own, which sees what those before have committed.
func lockAdmins(ctx context.Context, tx pgx.Tx) ([]uuid.UUID, error) {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(@lock)`, pgx.NamedArgs{"lock": adminActs}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `SELECT id FROM users WHERE role = 'admin' AND disabled_at IS NULL`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
