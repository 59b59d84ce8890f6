package auth

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
)

// mostListed is how many sessions a list shows: more than anybody has, and a bound (RL-8).
const mostListed = 100

// Session is one browser in which a person is signed in.
type Session struct {
	ID         uuid.UUID
	IP         *netip.Addr // where it signed in from
	UserAgent  string      // as the browser said it
	CreatedAt  time.Time
	LastSeenAt time.Time
	Unusual    string // what was unusual about the sign-in: device, failures, away; empty = nothing
}

// List gives who's own living sessions, the one they act through first, then the ones seen last; and how many programs
// are signed in through the API.
func (s *Sessions) List(ctx context.Context, who actor.Actor) (list []Session, programs int, err error) {
	args := s.times(pgx.NamedArgs{"user": who.UserID, "this": who.SessionID, "most": mostListed})
	rows, err := s.db.Query(ctx, `
		SELECT s.id, s.ip, s.user_agent, s.created_at, s.last_seen_at, s.unusual
		FROM sessions s JOIN users u ON u.id = s.user_id
		WHERE s.user_id = @user AND s.revoked_at IS NULL AND s.expires_at > now() AND `+withinTimes+`
		ORDER BY s.id = @this DESC, s.last_seen_at DESC LIMIT @most`, args)
	if err != nil {
		return nil, 0, fmt.Errorf("auth: listing sessions: %w", err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Session]); err != nil {
		return nil, 0, fmt.Errorf("auth: listing sessions: %w", err)
	}
	err = s.db.QueryRow(ctx, `
		SELECT count(DISTINCT r.family_id) FROM refresh_tokens r JOIN users u ON u.id = r.user_id
		WHERE r.user_id = @user AND r.revoked_at IS NULL AND r.used_at IS NULL AND r.expires_at > now() AND r.created_at >= u.password_changed_at`,
		args).Scan(&programs)
	if err != nil {
		return nil, 0, fmt.Errorf("auth: counting programs: %w", err)
	}
	return list, programs, nil
}

// Times is how long u's sessions live: without a request, and at most.
func (s *Sessions) Times(u User) (idle, lifetime time.Duration) {
	if u.Admin() {
		return s.c.AdminIdle, s.c.AdminLifetime
	}
	return s.c.Idle, s.c.Lifetime
}
