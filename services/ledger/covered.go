package ledger

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
)

// Covered is what came through one connection.
type Covered struct {
	Accounts     []Standing // closed ones too
	Transactions int
}

// Covered reads what came through one of who's connections, nothing when it is not theirs.
func (s *Service) Covered(ctx context.Context, who actor.Actor, connection uuid.UUID, today time.Time) (Covered, error) {
	today = date(today)
	var b pgx.Batch
	var rows []standingRow
	var counts []struct{ Transactions int }
	askStandings(&b, &rows, who.UserID, today.AddDate(0, 0, -sparkDays), today)
	ask(&b, &counts, `
		SELECT count(*) AS transactions
		FROM transactions t JOIN accounts a ON a.user_id = t.user_id AND a.id = t.account_id
		WHERE t.user_id = @user AND a.connection_id = @connection`,
		pgx.NamedArgs{"user": who.UserID, "connection": connection})
	if err := s.read(ctx, "what a connection covers", &b); err != nil {
		return Covered{}, err
	}
	c := Covered{Transactions: counts[0].Transactions}
	for _, r := range rows {
		if r.ConnectionID == connection {
			c.Accounts = append(c.Accounts, r.standing(today))
		}
	}
	return c, nil
}
