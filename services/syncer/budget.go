package syncer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/postgres"
	"dashtam/services/providers"
)

// reserve is the share of a day's requests that scheduled syncs leave to the person: one of so many.
const reserve = 4

// Budget is how many requests the bank allows for a connection, and how many were made.
type Budget struct {
	Used  int
	Daily int       // 0 = the bank sets no limit
	Until time.Time // when they begin to count anew; zero when none was made
}

// rationed makes the requests under ctx count, where the bank allows only so many a day.
func (r *running) rationed(ctx context.Context) context.Context {
	if r.provider.Profile.DailyReads == 0 {
		return ctx
	}
	return providers.Rationed(ctx, r.spend)
}

// spend takes one request from the budget, in a statement of its own: what was sent counts, whatever becomes of the run. A
// day begins with its first request.
func (r *running) spend(ctx context.Context) error {
	most := r.provider.Profile.DailyReads
	if r.cause == Schedule {
		most -= max(1, most/reserve)
	}
	var until time.Time
	err := r.s.c.DB.QueryRow(ctx, `
		INSERT INTO sync_budgets AS b (user_id, connection_id, used) VALUES (@user, @connection, 1)
		ON CONFLICT (user_id, connection_id) DO UPDATE SET
			used = CASE WHEN b.began_at < now() - interval '1 day' THEN 1 ELSE b.used + 1 END,
			began_at = CASE WHEN b.began_at < now() - interval '1 day' THEN now() ELSE b.began_at END
		WHERE b.used < @most OR b.began_at < now() - interval '1 day'
		RETURNING began_at`, r.args(pgx.NamedArgs{"most": most})).Scan(&until)
	if err == nil {
		return nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("syncer: counting requests: %w", err)
	}
	b, err := readBudget(ctx, r.s.c.DB, r.who, r.connection)
	if err != nil {
		return err
	}
	return &providers.Failure{Class: providers.RateLimited, Code: providers.Budget, RetryAfter: time.Until(b.Until)}
}

func readBudget(ctx context.Context, db postgres.DB, who actor.Actor, connection uuid.UUID) (b Budget, err error) {
	err = db.QueryRow(ctx, `
		SELECT used, began_at + interval '1 day' FROM sync_budgets
		WHERE user_id = @user AND connection_id = @connection AND began_at >= now() - interval '1 day'`,
		pgx.NamedArgs{"user": who.UserID, "connection": connection}).Scan(&b.Used, &b.Until)
	if errors.Is(err, pgx.ErrNoRows) {
		return Budget{}, nil
	}
	if err != nil {
		return Budget{}, fmt.Errorf("syncer: reading a budget: %w", err)
	}
	return b, nil
}
