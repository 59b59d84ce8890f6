package limits

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Streak bounds acts in a row, however far apart they are, until somebody ends it.
type Streak struct {
	Name string
	Max  int // in a row; then nothing helps but End
	Free int // so many may follow each other at once, those after them ever later; 0 = all may
}

// An account takes a hundred wrong passwords in a row and no more (RL-2; NIST SP 800-63B-4, 3.2.2). A part of them is kept
// for devices and sessions that are known to it, so that strangers cannot use up its owner's.
var (
	StrangeFailures = Streak{Name: "strange_failures", Max: 75, Free: LoginFailures.Max}
	KnownFailures   = Streak{Name: "known_failures", Max: 25}
)

const (
	// firstWait follows the last of the acts that are Free, and doubles with each one after it up to longestWait.
	firstWait, longestWait = 30 * time.Second, time.Hour
	// mostStreaks bounds the table. The longest are kept: to have one forgotten somebody would have to make so many longer.
	mostStreaks = 200_000
)

// Shut reports whether subject must wait, or has reached what k allows.
func (s *Service) Shut(ctx context.Context, k Streak, subject string) (bool, error) {
	var count int
	var last time.Time
	err := s.db.QueryRow(ctx, `SELECT count, last_at FROM limit_streaks WHERE key = @key`, pgx.NamedArgs{"key": key(k.Name, subject)}).Scan(&count, &last)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("limits: reading %s: %w", k.Name, err)
	}
	return count >= k.Max || s.now().Before(last.Add(k.wait(count))), nil
}

// wait is what must lie between the n-th act and the next.
func (k Streak) wait(n int) time.Duration {
	if k.Free == 0 || n < k.Free {
		return 0
	}
	return min(firstWait<<min(n-k.Free, 10), longestWait)
}

// Extend counts one act more.
func (s *Service) Extend(ctx context.Context, k Streak, subject string) error {
	_, err := s.db.Exec(ctx, `
		INSERT INTO limit_streaks AS s (key, count, last_at) VALUES (@key, 1, @now)
		ON CONFLICT (key) DO UPDATE SET count = least(s.count + 1, @max), last_at = excluded.last_at`,
		pgx.NamedArgs{"key": key(k.Name, subject), "now": s.now(), "max": k.Max})
	if err != nil {
		return fmt.Errorf("limits: counting %s: %w", k.Name, err)
	}
	return nil
}

// End forgets streaks of subject: what they would have kept out has come in.
func (s *Service) End(ctx context.Context, subject string, of ...Streak) error {
	var keys [][]byte
	for _, k := range of {
		keys = append(keys, key(k.Name, subject))
	}
	if _, err := s.db.Exec(ctx, `DELETE FROM limit_streaks WHERE key = ANY (@keys)`, pgx.NamedArgs{"keys": keys}); err != nil {
		return fmt.Errorf("limits: ending a streak: %w", err)
	}
	return nil
}

// shorten removes the streaks that are too many, the shortest and oldest first (RL-4).
func (s *Service) shorten(ctx context.Context) error {
	_, err := s.db.Exec(ctx, `
		DELETE FROM limit_streaks WHERE key IN (SELECT key FROM limit_streaks ORDER BY count DESC, last_at DESC OFFSET @most)`,
		pgx.NamedArgs{"most": mostStreaks})
	return err
}
