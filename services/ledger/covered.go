package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
)

// Covered is what came through one connection.
type Covered struct {
	Accounts     []Standing // closed ones too
	Transactions int
	Questions    []Question
	Rejoined     []Rejoined
}

// Question asks the person whether an account at the bank is one they had. It counts nowhere before it is answered.
type Question struct {
	ID         uuid.UUID
	Said       BankAccount // as the bank describes it, without transactions and holdings
	Candidates []Account
}

// Rejoined is an account that came back under another id, which can still be undone.
type Rejoined struct {
	ID       uuid.UUID
	Account  Account
	WasName  string // what the bank called it before
	WasMask  string
	Answered bool // the person said so; otherwise it was certain
	MergedAt time.Time
	Until    time.Time // the end of the possibility to undo it
}

type mergeRow struct {
	ID        uuid.UUID
	AccountID uuid.UUID
	WasName   string
	WasMask   string
	Answered  bool
	MergedAt  time.Time
	Until     time.Time
}

type questionRow struct {
	ID         uuid.UUID
	Said       []byte
	Candidates []uuid.UUID
}

// Covered reads what came through one of who's connections, nothing when it is not theirs.
func (s *Service) Covered(ctx context.Context, who actor.Actor, connection uuid.UUID, today time.Time) (Covered, error) {
	today = date(today)
	var b pgx.Batch
	var rows []standingRow
	var counts []struct{ Transactions int }
	var questions []questionRow
	var merges []mergeRow
	args := pgx.NamedArgs{"user": who.UserID, "connection": connection, "undo": undoFor}
	askStandings(&b, &rows, who.UserID, today.AddDate(0, 0, -sparkDays), today)
	ask(&b, &counts, `
		SELECT count(*) AS transactions
		FROM transactions t JOIN accounts a ON a.user_id = t.user_id AND a.id = t.account_id
		WHERE t.user_id = @user AND a.connection_id = @connection`, args)
	ask(&b, &questions, `SELECT id, said, candidates FROM account_questions WHERE user_id = @user AND connection_id = @connection ORDER BY id`, args)
	ask(&b, &merges, `
		SELECT m.id, m.account_id, m.was ->> 'bank_name' AS was_name, m.was ->> 'mask' AS was_mask, m.answered, m.merged_at,
			m.merged_at + @undo::interval AS until `+undoable+` ORDER BY m.id`, args)
	if err := s.read(ctx, "what a connection covers", &b); err != nil {
		return Covered{}, err
	}
	c := Covered{Transactions: counts[0].Transactions}
	for _, r := range rows {
		if r.ConnectionID == connection {
			c.Accounts = append(c.Accounts, r.standing(today))
		}
	}
	return c, c.recognised(questions, merges)
}

// recognised adds what is open about accounts that came back, or may have.
func (c *Covered) recognised(questions []questionRow, merges []mergeRow) error {
	find := func(id uuid.UUID) (a Account, ok bool) {
		i := slices.IndexFunc(c.Accounts, func(s Standing) bool { return s.ID == id })
		if i < 0 {
			return a, false
		}
		return c.Accounts[i].Account, true
	}
	for _, r := range questions {
		q := Question{ID: r.ID}
		if err := json.Unmarshal(r.Said, &q.Said); err != nil {
			return fmt.Errorf("ledger: a question: %w", err)
		}
		for _, id := range r.Candidates {
			if a, ok := find(id); ok {
				q.Candidates = append(q.Candidates, a)
			}
		}
		c.Questions = append(c.Questions, q)
	}
	for _, r := range merges {
		if a, ok := find(r.AccountID); ok {
			c.Rejoined = append(c.Rejoined, Rejoined{ID: r.ID, Account: a, WasName: r.WasName, WasMask: r.WasMask, Answered: r.Answered, MergedAt: r.MergedAt, Until: r.Until})
		}
	}
	return nil
}
