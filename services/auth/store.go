package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/postgres"
)

// userColumns are User's fields, in every query that reads one.
const userColumns = `u.id, u.email, u.name, u.role, u.theme, u.timezone, u.shortcuts, u.created_at, u.verified_at,
	u.disabled_at, u.last_login_at, u.password_changed_at`

// account is a User with what only this package may see.
type account struct {
	User
	PasswordHash string
}

// accountSelect reads accounts; a condition follows it.
const accountSelect = `SELECT ` + userColumns + `, u.password_hash FROM users u `

// findAccount reads the account of an address key; nil when there is none.
func findAccount(ctx context.Context, db postgres.DB, key string) (*account, error) {
	return oneAccount(ctx, db, `WHERE u.email_key = @key`, pgx.NamedArgs{"key": key})
}

func oneAccount(ctx context.Context, db postgres.DB, where string, args pgx.NamedArgs) (*account, error) {
	rows, err := db.Query(ctx, accountSelect+where, args)
	if err != nil {
		return nil, fmt.Errorf("auth: reading an account: %w", err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[account])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // no account is an ordinary answer here, and takes the same way on
	}
	if err != nil {
		return nil, fmt.Errorf("auth: reading an account: %w", err)
	}
	return a, nil
}

// GetUserByEmail finds a person by their address, however it is written. It is for acts of the host and of
// administrators: what a stranger asks goes through Login, whose work never depends on the answer.
func (s *Service) GetUserByEmail(ctx context.Context, email string) (User, error) {
	return found(findAccount(ctx, s.DB, EmailKey(email)))
}

// GetUser finds a person by id.
func (s *Service) GetUser(ctx context.Context, id uuid.UUID) (User, error) {
	return found(oneAccount(ctx, s.DB, `WHERE u.id = @id`, pgx.NamedArgs{"id": id}))
}

func found(a *account, err error) (User, error) {
	switch {
	case err != nil:
		return User{}, err
	case a == nil:
		return User{}, ErrNotFound
	}
	return a.User, nil
}

type scopeKey struct{}

// within returns ctx in which this package's stores write through tx, so that what a caller's callback does (Login's
// start) is committed together with what surrounds it, or not at all.
func within(ctx context.Context, tx pgx.Tx) context.Context {
	return context.WithValue(ctx, scopeKey{}, tx)
}

// through is the transaction ctx carries, or else db.
func through(ctx context.Context, db postgres.DB) postgres.DB {
	if tx, ok := ctx.Value(scopeKey{}).(pgx.Tx); ok {
		return tx
	}
	return db
}
