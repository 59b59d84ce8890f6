package tokens

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
)

// Use is one line of the access ledger: who held a connection's tokens, what for, and how it ended.
type Use struct {
	ID        int64
	At        time.Time
	ActorKind string
	Act       string // store, use, refresh, destroy
	Reason    string // a known code
	Result    audit.Result
}

// historyLength is how many lines History shows.
const historyLength = 30

// History reads the newest lines of a connection's access ledger, none when the connection is not who's.
func (s *Service) History(ctx context.Context, who actor.Actor, connection uuid.UUID) ([]Use, error) {
	rows, err := s.db.Query(ctx, `
		SELECT id, at, actor_kind, act, reason, result FROM access_ledger
		WHERE user_id = @user AND connection_id = @connection ORDER BY id DESC LIMIT @limit`,
		owner{who.UserID, connection}.args(pgx.NamedArgs{"limit": historyLength}))
	if err != nil {
		return nil, fmt.Errorf("tokens: history: %w", err)
	}
	uses, err := pgx.CollectRows(rows, pgx.RowToStructByName[Use])
	if err != nil {
		return nil, fmt.Errorf("tokens: history: %w", err)
	}
	return uses, nil
}
