package jobs

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"dashtam/services/postgres"
)

// Count is how many jobs of a kind are in one of River's states (available, running, retryable, completed, ...).
type Count struct {
	Kind   string
	State  string
	Number int64
}

// Counts counts the jobs River still keeps: open ones, and finished ones for a day.
func Counts(ctx context.Context, db postgres.DB) ([]Count, error) {
	rows, err := db.Query(ctx, `SELECT kind, state::text AS state, count(*) AS number FROM river_job GROUP BY kind, state ORDER BY kind, state`)
	if err != nil {
		return nil, fmt.Errorf("jobs: counting: %w", err)
	}
	counts, err := pgx.CollectRows(rows, pgx.RowToStructByName[Count])
	if err != nil {
		return nil, fmt.Errorf("jobs: counting: %w", err)
	}
	return counts, nil
}
