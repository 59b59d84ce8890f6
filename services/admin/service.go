package admin

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/auth"
	"dashtam/services/errs"
	"dashtam/services/postgres"
)

// ErrNotAdmin is what everybody else is told.
var ErrNotAdmin = errs.New(errs.Forbidden, "This page is for administrators.")

// PageSize is how many rows a page of a list holds.
const PageSize = 50

// Service reads for administrators.
type Service struct {
	db       postgres.DB
	sessions *auth.Sessions
}

// New makes a Service over db; sessions knows which of a person's still live. It does no I/O.
func New(db postgres.DB, sessions *auth.Sessions) *Service { return &Service{db, sessions} }

// may is ErrNotAdmin for anybody but an administrator or the program itself.
func may(who actor.Actor) error {
	if who.Kind != actor.Admin && who.Kind != actor.System {
		return ErrNotAdmin
	}
	return nil
}

// list reads a page of rows and one more, which tells whether there is another page.
func list[T any](ctx context.Context, db postgres.DB, what, sql string, args pgx.NamedArgs) (page []T, more bool, err error) {
	args["limit"] = PageSize + 1
	rows, err := db.Query(ctx, sql, args)
	if err != nil {
		return nil, false, fmt.Errorf("admin: listing %s: %w", what, err)
	}
	if page, err = pgx.CollectRows(rows, pgx.RowToStructByName[T]); err != nil {
		return nil, false, fmt.Errorf("admin: listing %s: %w", what, err)
	}
	if more = len(page) > PageSize; more {
		page = page[:PageSize]
	}
	return page, more, nil
}

// orNull makes uuid.Nil, the beginning of a list, a null.
func orNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
