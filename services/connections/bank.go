package connections

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Switched tells the connections to a bank that it was switched off, so they rest, or on again, so they are due at once;
// in the transaction that switches it, for providers.ServiceConfig. Those that wait for their owner wait again afterwards.
func Switched(ctx context.Context, tx pgx.Tx, provider string, off bool) error {
	sql := `UPDATE connections SET status = CASE WHEN needed_since IS NULL THEN 'paused' ELSE 'needs_you' END,
			cause = CASE WHEN needed_since IS NULL THEN @cause ELSE @needs END, status_since = now(),
			next_sync_at = CASE WHEN needed_since IS NULL THEN now() END
		WHERE provider = @provider AND status = 'paused' AND cause = @cause`
	if off {
		sql = `UPDATE connections SET status = 'paused', cause = @cause, status_since = now(), next_sync_at = NULL
			WHERE provider = @provider AND disconnected_at IS NULL`
	}
	_, err := tx.Exec(ctx, sql, pgx.NamedArgs{"provider": provider, "cause": CauseSwitchedOff, "needs": CauseConsentEnded})
	if err != nil {
		return fmt.Errorf("connections: switching a bank: %w", err)
	}
	return nil
}

// Health is how a bank does, over all people; nothing in it is about one of them.
type Health struct {
	Connections map[Status]int
	LastSuccess *time.Time // of any connection
	Day, Week   Tally      // the syncs that ended in the last 24 hours, and 7 days
}

// Tally counts syncs.
type Tally struct{ Runs, Done int }

// Live is how many connections have not ended.
func (h Health) Live() (n int) {
	for status, count := range h.Connections {
		if status != Disconnected {
			n += count
		}
	}
	return n
}

// Health tells how each bank does that somebody is or was connected to, by slug. The runs are services/syncer's.
func (s *Service) Health(ctx context.Context) (map[string]Health, error) {
	all := map[string]Health{}
	rows, err := s.c.DB.Query(ctx, `SELECT provider, status, count(*) AS count, max(last_success_at) AS last FROM connections GROUP BY provider, status`)
	if err != nil {
		return nil, fmt.Errorf("connections: health of banks: %w", err)
	}
	type stand struct {
		Provider string
		Status   Status
		Count    int
		Last     *time.Time
	}
	stands, err := pgx.CollectRows(rows, pgx.RowToStructByName[stand])
	if err != nil {
		return nil, fmt.Errorf("connections: health of banks: %w", err)
	}
	for _, r := range stands {
		h := all[r.Provider]
		if h.Connections == nil {
			h.Connections = map[Status]int{}
		}
		h.Connections[r.Status] = r.Count
		if r.Last != nil && (h.LastSuccess == nil || r.Last.After(*h.LastSuccess)) {
			h.LastSuccess = r.Last
		}
		all[r.Provider] = h
	}
	if rows, err = s.c.DB.Query(ctx, `
		SELECT c.provider, count(*) AS week, count(*) FILTER (WHERE r.state = 'done') AS week_done,
			count(*) FILTER (WHERE r.finished_at > now() - interval '24 hours') AS day,
			count(*) FILTER (WHERE r.finished_at > now() - interval '24 hours' AND r.state = 'done') AS day_done
		FROM sync_runs r JOIN connections c ON c.user_id = r.user_id AND c.id = r.connection_id
		WHERE r.finished_at > now() - interval '7 days' GROUP BY c.provider`); err != nil {
		return nil, fmt.Errorf("connections: health of banks: %w", err)
	}
	type runs struct {
		Provider                     string
		Week, WeekDone, Day, DayDone int
	}
	tallies, err := pgx.CollectRows(rows, pgx.RowToStructByName[runs])
	if err != nil {
		return nil, fmt.Errorf("connections: health of banks: %w", err)
	}
	for _, r := range tallies {
		h := all[r.Provider]
		h.Week, h.Day = Tally{r.Week, r.WeekDone}, Tally{r.Day, r.DayDone}
		all[r.Provider] = h
	}
	return all, nil
}
