package limits

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/errs"
	"dashtam/services/postgres"
)

// Rule allows Max acts in a Window. Rules with different names count apart.
type Rule struct {
	Name   string
	Max    int
	Window time.Duration
}

// The limits of the public contract.
var (
	Login         = Rule{"login", 20, time.Minute}               // per address
	LoginFailures = Rule{"login_failures", 10, 15 * time.Minute} // per account, real or not
	SignUp        = Rule{"sign_up", 10, time.Hour}               // per address
	VerifyMail    = Rule{"verify_mail", 1, time.Minute}          // per account
	API           = Rule{"api", 600, time.Minute}                // per address
)

// Service counts in the database.
type Service struct {
	db  postgres.DB
	now func() time.Time
}

// New makes a Service over db, which must be a pool: a counter belongs to no caller's transaction.
func New(db postgres.DB, now func() time.Time) *Service { return &Service{db, now} }

// Allow counts one act of subject, or refuses it with RateLimited and RetryAfter.
func (s *Service) Allow(ctx context.Context, r Rule, subject string) error {
	now := s.now()
	var count int
	var ends time.Time
	err := s.db.QueryRow(ctx, `
		INSERT INTO limit_counters AS c (key, count, expires_at) VALUES (@key, 1, @ends)
		ON CONFLICT (key) DO UPDATE SET
			count      = CASE WHEN c.expires_at <= @now THEN 1 ELSE least(c.count, @max) + 1 END,
			expires_at = CASE WHEN c.expires_at <= @now THEN excluded.expires_at ELSE c.expires_at END
		RETURNING count, expires_at`,
		pgx.NamedArgs{"key": r.key(subject), "now": now, "ends": now.Add(r.Window), "max": r.Max}).Scan(&count, &ends)
	if err != nil {
		return fmt.Errorf("limits: counting %s: %w", r.Name, err)
	}
	if count > r.Max {
		return r.refuse(ends.Sub(now))
	}
	return nil
}

// Peek refuses what Allow would refuse, and counts nothing.
func (s *Service) Peek(ctx context.Context, r Rule, subject string) error {
	now := s.now()
	var ends time.Time
	err := s.db.QueryRow(ctx, `
		SELECT expires_at FROM limit_counters WHERE key = @key AND expires_at > @now AND count >= @max`,
		pgx.NamedArgs{"key": r.key(subject), "now": now, "max": r.Max}).Scan(&ends)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("limits: reading %s: %w", r.Name, err)
	}
	return r.refuse(ends.Sub(now))
}

// Reset forgets what subject did: the owner of an account has signed in, so the failures before were not an attack.
func (s *Service) Reset(ctx context.Context, r Rule, subject string) error {
	if _, err := s.db.Exec(ctx, `DELETE FROM limit_counters WHERE key = @key`, pgx.NamedArgs{"key": r.key(subject)}); err != nil {
		return fmt.Errorf("limits: resetting %s: %w", r.Name, err)
	}
	return nil
}

// Sweep removes the counters whose window is over. It is work for a periodic job; nothing depends on when it runs.
func (s *Service) Sweep(ctx context.Context) error {
	if _, err := s.db.Exec(ctx, `DELETE FROM limit_counters WHERE expires_at <= @now`, pgx.NamedArgs{"now": s.now()}); err != nil {
		return fmt.Errorf("limits: sweeping: %w", err)
	}
	return nil
}

// AddressSubject is whom a rule per address counts: an IPv4 address, or the /64 an IPv6 address lies in, since one
// subscriber has all of that.
func AddressSubject(ip netip.Addr) string {
	ip = ip.Unmap()
	if ip.Is6() {
		prefix, err := ip.WithZone("").Prefix(64)
		if err == nil {
			return prefix.String()
		}
	}
	return ip.String()
}

// key names a counter: a hash, so that it has one size and says nothing about who it is.
func (r Rule) key(subject string) []byte {
	sum := sha256.Sum256([]byte(r.Name + "\x00" + subject))
	return sum[:16]
}

func (r Rule) refuse(wait time.Duration) error {
	return errs.Retry(errs.RateLimited, "That was too often. Wait a little, then try again.",
		time.Duration(math.Ceil(wait.Seconds()))*time.Second)
}
