package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/connections"
)

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

// People lists people, the newest first: those before the given id, uuid.Nil = from the newest on.
func (s *Service) People(ctx context.Context, who actor.Actor, before uuid.UUID) (page []Person, more bool, err error) {
	if err := may(who); err != nil {
		return nil, false, err
	}
	return list[Person](ctx, s.db, "people", `
		SELECT u.id, u.email, u.name, u.role = 'admin' AS admin, u.created_at, u.verified_at, u.disabled_at, u.last_login_at,
			(SELECT count(*) FROM connections c WHERE c.user_id = u.id AND c.disconnected_at IS NULL) AS connections
		FROM users u WHERE @before::uuid IS NULL OR u.id < @before::uuid
		ORDER BY u.id DESC LIMIT @limit`, pgx.NamedArgs{"before": orNull(before)})
}

// Connection is a connection as far as it concerns an administrator: that it works. The name its owner gave it is not
// there.
type Connection struct {
	ID            uuid.UUID
	Owner         string // e-mail
	Provider      string // slug
	Status        connections.Status
	Cause         string
	StatusSince   time.Time
	LastSuccessAt *time.Time
	NextSyncAt    *time.Time
}

// Connections lists connections, the newest first: those before the given id, uuid.Nil = from the newest on, of one status
// or, with an empty one, of all.
func (s *Service) Connections(ctx context.Context, who actor.Actor, status connections.Status, before uuid.UUID) (page []Connection, more bool, err error) {
	if err := may(who); err != nil {
		return nil, false, err
	}
	return list[Connection](ctx, s.db, "connections", `
		SELECT c.id, u.email AS owner, c.provider, c.status, c.cause, c.status_since, c.last_success_at, c.next_sync_at
		FROM connections c JOIN users u ON u.id = c.user_id
		WHERE (@before::uuid IS NULL OR c.id < @before::uuid) AND (@status::text = '' OR c.status = @status::text)
		ORDER BY c.id DESC LIMIT @limit`, pgx.NamedArgs{"before": orNull(before), "status": string(status)})
}

// Event is a line of the audit log with the actor's address in place of their id.
type Event struct {
	audit.Entry
	Who string // e-mail; empty where no person acted or the person is gone
}

// Events lists the newest lines of the audit log.
func (s *Service) Events(ctx context.Context, who actor.Actor, limit int) ([]Event, error) {
	if err := may(who); err != nil {
		return nil, err
	}
	entries, err := audit.Recent(ctx, s.db, audit.Filter{Limit: limit})
	if err != nil {
		return nil, err
	}
	addresses, err := s.addresses(ctx, entries)
	if err != nil {
		return nil, err
	}
	events := make([]Event, len(entries))
	for i, e := range entries {
		events[i].Entry = e
		if e.ActorID != nil {
			events[i].Who = addresses[*e.ActorID]
		}
	}
	return events, nil
}

// addresses are the actors' e-mail addresses.
func (s *Service) addresses(ctx context.Context, entries []audit.Entry) (map[uuid.UUID]string, error) {
	var ids []uuid.UUID
	for _, e := range entries {
		if e.ActorID != nil {
			ids = append(ids, *e.ActorID)
		}
	}
	rows, err := s.db.Query(ctx, `SELECT id, email FROM users WHERE id = ANY (@ids::uuid[])`, pgx.NamedArgs{"ids": ids})
	if err != nil {
		return nil, fmt.Errorf("admin: looking up actors: %w", err)
	}
	addresses := map[uuid.UUID]string{}
	var id uuid.UUID
	var email string
	if _, err := pgx.ForEachRow(rows, []any{&id, &email}, func() error {
		addresses[id] = email
		return nil
	}); err != nil {
		return nil, fmt.Errorf("admin: looking up actors: %w", err)
	}
	return addresses, nil
}
