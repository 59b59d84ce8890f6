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
	ID           int64
	ConnectionID uuid.UUID
	At           time.Time
	ActorKind    string
	Act          string // store, use, refresh, destroy
	Reason       string // a known code
	Call         string // act use: which request carried the token, a known code
	Bytes        int64  // act use: how much came back
	Result       audit.Result
	Ended        bool // act use: false = the request is on its way, or its process died
}

// historyLength is how many lines History shows.
const historyLength = 30

// History reads the newest lines of a connection's access ledger, none when the connection is not who's.
func (s *Service) History(ctx context.Context, who actor.Actor, connection uuid.UUID) ([]Use, error) {
	return s.lines(ctx, ` AND connection_id = @connection`, owner{who.UserID, connection}.args(pgx.NamedArgs{"limit": historyLength}))
}

// Ledger reads a page of the access ledger of all who's connections, the newest first: lines before the given number, 0 =
// from the newest on.
func (s *Service) Ledger(ctx context.Context, who actor.Actor, before int64, limit int) (page []Use, more bool, err error) {
	page, err = s.lines(ctx, ` AND (@before::bigint = 0 OR id < @before)`, pgx.NamedArgs{"user": who.UserID, "before": before, "limit": limit + 1})
	if len(page) > limit {
		return page[:limit], true, err
	}
	return page, false, err
}

func (s *Service) lines(ctx context.Context, which string, args pgx.NamedArgs) ([]Use, error) {
	rows, err := s.db.Query(ctx, `
		SELECT id, connection_id, at, actor_kind, act, reason, call, bytes, result, act <> 'use' OR ended_at IS NOT NULL AS ended FROM access_ledger
		WHERE user_id = @user`+which+` ORDER BY id DESC LIMIT @limit`, args)
	if err != nil {
		return nil, fmt.Errorf("tokens: history: %w", err)
	}
	uses, err := pgx.CollectRows(rows, pgx.RowToStructByName[Use])
	if err != nil {
		return nil, fmt.Errorf("tokens: history: %w", err)
	}
	return uses, nil
}
