package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/auth"
	"dashtam/services/errs"
)

// ErrNoPerson answers for a person who does not exist.
var ErrNoPerson = errs.New(errs.NotFound, "There is no such person.")

// Person is somebody with an account here.
type Person struct {
	ID          uuid.UUID
	Email       string
	Name        string
	Admin       bool
	CreatedAt   time.Time
	VerifiedAt  *time.Time
	DisabledAt  *time.Time
	LastLoginAt *time.Time
	Connections int // not ended
}

// selectPeople reads a Person, and in details what else an administrator may know of one: how many, never what.
const selectPeople = `
	SELECT u.id, u.email, u.name, u.role = 'admin' AS admin, u.created_at, u.verified_at, u.disabled_at, u.last_login_at,
		(SELECT count(*) FROM connections c WHERE c.user_id = u.id AND c.disconnected_at IS NULL) AS connections`

// People lists people, the newest first: those before the given id, uuid.Nil = from the newest on, and of them those whose
// name or address holds search.
func (s *Service) People(ctx context.Context, who actor.Actor, search string, before uuid.UUID) (page []Person, more bool, err error) {
	if err := may(who); err != nil {
		return nil, false, err
	}
	search = strings.TrimSpace(search)
	return list[Person](ctx, s.db, "people", selectPeople+`
		FROM users u WHERE (@before::uuid IS NULL OR u.id < @before::uuid)
			AND (@search::text = '' OR strpos(lower(u.name), lower(@search::text)) > 0 OR strpos(lower(u.email), lower(@search::text)) > 0 OR u.email_key = @key)
		ORDER BY u.id DESC LIMIT @limit`, pgx.NamedArgs{"before": orNull(before), "search": search, "key": auth.EmailKey(search)})
}

// PersonDetail is one person as far as they concern an administrator. No secret is there, and nothing about their money.
type PersonDetail struct {
	Person
	PasswordChangedAt time.Time
	Sessions          int `db:"-"` // browsers signed in, as the person's own page lists them
	Clients           int `db:"-"` // programs signed in through the API
	Ended             int // connections that have ended and whose data is kept
	LastAdmin         bool
}

// Person is one of People.
func (s *Service) Person(ctx context.Context, who actor.Actor, id uuid.UUID) (PersonDetail, error) {
	if err := may(who); err != nil {
		return PersonDetail{}, err
	}
	rows, err := s.db.Query(ctx, selectPeople+`,
			u.password_changed_at,
			(SELECT count(*) FROM connections c WHERE c.user_id = u.id AND c.disconnected_at IS NOT NULL) AS ended,
			u.role = 'admin' AND NOT EXISTS (SELECT FROM users o WHERE o.role = 'admin' AND o.disabled_at IS NULL AND o.id <> u.id) AS last_admin
		FROM users u WHERE u.id = @id`, pgx.NamedArgs{"id": id})
	if err != nil {
		return PersonDetail{}, fmt.Errorf("admin: reading a person: %w", err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[PersonDetail])
	if errors.Is(err, pgx.ErrNoRows) {
		return PersonDetail{}, ErrNoPerson
	}
	if err != nil {
		return PersonDetail{}, fmt.Errorf("admin: reading a person: %w", err)
	}
	list, clients, err := s.sessions.List(ctx, actor.Actor{UserID: id})
	p.Sessions, p.Clients = len(list), clients
	return p, err
}
