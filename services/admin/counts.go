package admin

import (
	"context"
	"fmt"
	"time"

	"dashtam/services/actor"
	"dashtam/services/connections"
)

// Counts is the installation in figures.
type Counts struct {
	People      int
	Active      int                        // signed in within a week
	Connections map[connections.Status]int // ended ones too
	Syncs       int                        // finished within 24 hours
	SyncsDone   int                        // of those, the ones that worked
	Waiting     int                        // jobs whose time has come
	Oldest      *time.Time                 // since when the oldest of them waits; nil = none waits
	Failing     int                        // jobs that failed and will be tried again
	GivenUp     int                        // jobs that failed too often, kept for a week
}

// Total is how many connections there are that were not ended.
func (c Counts) Total() (n int) {
	for status, count := range c.Connections {
		if status != connections.Disconnected {
			n += count
		}
	}
	return n
}

// Counts counts.
func (s *Service) Counts(ctx context.Context, who actor.Actor) (Counts, error) {
	if err := may(who); err != nil {
		return Counts{}, err
	}
	c := Counts{Connections: map[connections.Status]int{}}
	var statuses []string
	var counts []int
	err := s.db.QueryRow(ctx, `
		SELECT
			(SELECT count(*) FROM users),
			(SELECT count(*) FROM users WHERE last_login_at > now() - interval '7 days'),
			ARRAY(SELECT status FROM connections GROUP BY status ORDER BY status),
			ARRAY(SELECT count(*) FROM connections GROUP BY status ORDER BY status),
			(SELECT count(*) FROM sync_runs WHERE finished_at > now() - interval '24 hours' AND state <> 'cancelled'),
			(SELECT count(*) FROM sync_runs WHERE finished_at > now() - interval '24 hours' AND state = 'done'),
			(SELECT count(*) FROM river_job WHERE state = 'available' AND scheduled_at <= now()),
			(SELECT min(scheduled_at) FROM river_job WHERE state = 'available' AND scheduled_at <= now()),
			(SELECT count(*) FROM river_job WHERE state = 'retryable'),
			(SELECT count(*) FROM river_job WHERE state = 'discarded')`).
		Scan(&c.People, &c.Active, &statuses, &counts, &c.Syncs, &c.SyncsDone, &c.Waiting, &c.Oldest, &c.Failing, &c.GivenUp)
	if err != nil {
		return Counts{}, fmt.Errorf("admin: counting: %w", err)
	}
	for i, status := range statuses {
		c.Connections[connections.Status(status)] = counts[i]
	}
	return c, nil
}
