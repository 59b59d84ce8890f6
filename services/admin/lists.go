package admin

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/connections"
)

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
