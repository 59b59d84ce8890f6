package sandbox

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Stats is what the bank counted: how often its token endpoint was asked, and whose permission lives.
type Stats struct {
	TokenPosts int64            `json:"token_posts"`
	ByGrant    map[string]int64 `json:"by_grant"` // the same, by grant type
	Live       []Family         `json:"live"`
}

// Family is a live grant.
type Family struct {
	User   string `json:"user"`
	Client string `json:"client"`
	Family string `json:"family"`
}

const (
	tokenPosts = "token_posts"
	byGrant    = "by_grant:"
)

// CountTokenPost counts one request to the token endpoint, whatever will become of it.
func (s *Service) CountTokenPost(ctx context.Context, grantType string) error {
	switch grantType {
	case "authorization_code", "refresh_token":
	default:
		grantType = "other"
	}
	_, err := s.db.Exec(ctx, `
		INSERT INTO sandbox.counters (name, n) VALUES (@all, 1), (@grant, 1)
		ON CONFLICT (name) DO UPDATE SET n = sandbox.counters.n + 1`,
		pgx.NamedArgs{"all": tokenPosts, "grant": byGrant + grantType})
	if err != nil {
		return fmt.Errorf("sandbox: counting: %w", err)
	}
	return nil
}

// Stats reads the counters and the live grants, oldest first.
func (s *Service) Stats(ctx context.Context) (Stats, error) {
	out := Stats{ByGrant: map[string]int64{}, Live: []Family{}}
	rows, err := s.db.Query(ctx, `SELECT name, n FROM sandbox.counters`)
	if err != nil {
		return Stats{}, fmt.Errorf("sandbox: reading counters: %w", err)
	}
	var name string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&name, &n}, func() error {
		if grantType, ok := strings.CutPrefix(name, byGrant); ok {
			out.ByGrant[grantType] = n
		} else {
			out.TokenPosts = n
		}
		return nil
	})
	if err != nil {
		return Stats{}, fmt.Errorf("sandbox: reading counters: %w", err)
	}
	rows, err = s.db.Query(ctx, `
		SELECT username AS user, client_id AS client, id::text AS family FROM sandbox.grants
		WHERE ended_at IS NULL AND expires_at > now() ORDER BY created_at, id`)
	if err != nil {
		return Stats{}, fmt.Errorf("sandbox: listing grants: %w", err)
	}
	live, err := pgx.CollectRows(rows, pgx.RowToStructByName[Family])
	if err != nil {
		return Stats{}, fmt.Errorf("sandbox: listing grants: %w", err)
	}
	out.Live = append(out.Live, live...)
	return out, nil
}
